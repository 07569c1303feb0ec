// Inputs of a case of tests/cases/attention_family.txt, and a check that its operators share.
#pragma once

#include "tests/reference/attention_family_ref.hpp"
#include "tests/unit/attention/attention_case.hpp"

namespace volley::test {

inline std::vector<Case> family_cases(std::string_view kind) {
  std::vector<Case> cases;
  for (const Case& entry : read_cases("attention_family.txt")) {
    if (entry.kind == kind) {
      cases.push_back(entry);
    }
  }
  EXPECT_GE(cases.size(), 5u) << kind;
  return cases;
}

inline TokenNumbers token_numbers(const Value& value) {
  const Shape shape = spec_of(value).shape;
  const Index channels = shape.row();
  const Index samples = shape[Axis::T] * shape[Axis::B];
  return {samples, shape.count() / channels / samples, channels, numbers_of(value)};
}

inline Value spikes_of(const Case& entry, const Shape& shape, std::uint64_t which) {
  const auto seed = static_cast<std::uint64_t>(entry.integer("seed"));
  return random_spikes(shape, code_of(entry.word_or("code", "binary")), entry.real_or("rate", 0.2),
                       seed + 100 * which);
}

// All kernels agree with the loop, and the cost with its tally, to the last operation.
template <class Op>
void expect_reference(const Op& op, const std::vector<Value>& in, const std::vector<float>& wanted,
                      const CountingTally& tally) {
  expect_parity(table_of<Op>(), op, in);
  const auto out = run_kernel(op, "reference", in);
  expect_numbers(out[0], wanted);
  EXPECT_EQ(cost_of(op, in, out), tally.cost);
}

}  // namespace volley::test
