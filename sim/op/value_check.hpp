// For operators that are not defined on every value of their inputs.
#pragma once

#include <span>

#include "sim/tensor/value.hpp"

namespace volley {

// An operator that reads indices and the like: shapes do not tell whether they fit. Executors call it right
// before the kernel; an Error ends the run before the node or anything behind it has given a value.
class ValueCheck {
 public:
  virtual ~ValueCheck() = default;
  virtual void check_values(std::span<const Value> in) const = 0;  // throws Error, without node name
};

}  // namespace volley
