// Operators and inputs as a line of a case table asks for them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "sim/base/check.hpp"
#include "tests/support/cases.hpp"
#include "tests/support/random_values.hpp"
#include "tests/support/run_op.hpp"

namespace volley::test {

// "binary", "bipolar", "graded3"
inline SpikeCode code_of(const std::string& word) {
  if (word == "binary") {
    return binary_code();
  }
  return word == "bipolar" ? bipolar_code() : graded_code(std::stoi(word.substr(6)));
}

// form=dense (the default) or the code of spikes; rate, seed.
inline Value input_of(const Case& entry, const Shape& shape, const std::string& form,
                      std::uint64_t salt = 0) {
  const std::uint64_t seed = static_cast<std::uint64_t>(entry.integer_or("seed", 1)) + salt;
  if (form == "dense") {
    return random_dense(shape, seed);
  }
  return random_spikes(shape, code_of(form), entry.real_or("rate", 0.3), seed);
}

inline std::vector<float> numbers_of(const Value& value) {
  const Tensor dense = as_dense(value);
  const auto numbers = dense.as<float>();
  return {numbers.begin(), numbers.end()};
}

// Is the value of this spec, and does it hold these numbers?
inline testing::AssertionResult holds_numbers(const Value& got, const ValueSpec& spec,
                                              const std::vector<float>& numbers) {
  const Tensor dense = tensor_of(spec.shape, numbers);
  return same(got, spec.is_spikes() ? Value(pack(dense, spec.code)) : Value(dense));
}

template <class Op>
Op made(const Attributes& attributes = {}) {
  Op op;
  parse_params(op, "node", attributes);
  return op;
}

// The text of the Error that infer throws; empty if it throws none.
inline std::string infer_error(const Operator& op, const std::vector<ValueSpec>& in, Index steps = 1) {
  try {
    op.infer(in, steps);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

// Buffers are used again and again: no kernel may count on what an output held before.
template <class Op>
void expect_writes_all(const Op& op, const std::vector<Value>& in, Index steps = 1, std::uint64_t seed = 0) {
  const KernelTable table = table_of<Op>();
  const auto specs = specs_of(in);
  const Index total = op.time_role() == TimeRole::spread ? steps : specs[0].shape[Axis::T];
  for (const Kernel& kernel : table.all(op.kind())) {
    if (!kernel.accepts(op, specs).ok) {
      continue;
    }
    const ValueSpec spec = op.infer(specs, steps)[0];
    const Storage storage{host_memory().allocate(spec.bytes()), 0};
    std::fill_n(storage.data(), spec.bytes(), std::byte{0xff});
    const std::vector<Value> out{make_value(spec, storage)};
    const auto state = op.make_state(specs);
    kernel.run({op, in, out, op.constants(), state.get(), {0, total, total}, cpu_backend(), seed, 1, 0});
    EXPECT_TRUE(same(out[0], run_op(op, kernel, in, steps, seed)[0])) << kernel.name << " on a used buffer";
  }
}

// The value of the reference kernel.
template <class Op>
Value reference_of(const Op& op, const std::vector<Value>& in, Index steps = 1, std::uint64_t seed = 0) {
  const KernelTable table = table_of<Op>();
  return run_op(op, table.all(Op::op_kind).back(), in, steps, seed)[0];
}

}  // namespace volley::test
