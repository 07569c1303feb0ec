// Lines of tests/cases/*.txt: "attention.ssa T=4 B=1 H=2 N=7 C=65 rate=0.2 seed=7 order=qk_v".
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/op/params.hpp"
#include "sim/tensor/shape.hpp"

namespace volley::test {

struct Case {
  std::string line;  // as it stands, for messages
  std::string kind;
  std::map<std::string, std::string> fields;

  bool has(const std::string& name) const { return fields.contains(name); }
  Index integer(const std::string& name) const;
  Index integer_or(const std::string& name, Index otherwise) const;
  double real_or(const std::string& name, double otherwise) const;
  std::string word_or(const std::string& name, const std::string& otherwise) const;
  // Axis fields T B N C ... in this order: shape("TBNC").
  Shape shape(const std::string& axes) const;
  // Fields named attr.NAME as attributes: attr.tau=2 attr.reset=hard attr.decay_input=false.
  Attributes attributes() const;
};

// Cases of tests/cases/<file>, without comments (#) and empty lines.
std::vector<Case> read_cases(const std::string& file);

}  // namespace volley::test
