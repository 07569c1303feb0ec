// Op kind -> maker, for files and the command line.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "sim/op/operator.hpp"

namespace volley {

class Registry {
 public:
  using Maker = std::unique_ptr<Operator> (*)();

  void add(Maker maker);  // the kind is the operator's own
  template <class Op>
  void add() {
    add([]() -> std::unique_ptr<Operator> { return std::make_unique<Op>(); });
  }

  bool has(std::string_view kind) const;
  std::unique_ptr<Operator> make(std::string_view kind) const;  // precondition: has(kind)
  std::vector<std::string> kinds() const;                       // sorted
  std::string nearest(std::string_view kind) const;  // the known kind most like this one, for messages

 private:
  std::map<std::string, Maker, std::less<>> makers_;
};

}  // namespace volley
