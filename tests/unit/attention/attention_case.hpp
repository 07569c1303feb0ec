// Inputs of a case of tests/cases/attention.txt, and the checks that all attention shares.
#pragma once

#include <gtest/gtest.h>

#include "tests/reference/attention_ref.hpp"
#include "tests/support/cases.hpp"
#include "tests/support/random_values.hpp"
#include "tests/support/run_op.hpp"

namespace volley::test {

inline SpikeCode code_of(const std::string& word) {
  if (word == "bipolar") {
    return bipolar_code();
  }
  return word == "graded4" ? graded_code(4) : binary_code();
}

inline std::vector<Case> attention_cases(std::string_view kind) {
  std::vector<Case> cases;
  for (const Case& entry : read_cases("attention.txt")) {
    if (entry.kind == kind) {
      cases.push_back(entry);
    }
  }
  return cases;
}

// q, k and v as the operator wants them.
inline std::vector<Value> attention_inputs(const Case& entry) {
  const Shape q = entry.shape("TBNC");
  const Shape k = q.with(Axis::N, entry.integer_or("M", q[Axis::N]));
  const auto seed = static_cast<std::uint64_t>(entry.integer("seed"));
  if (entry.kind == "attention.softmax") {
    return {random_dense(q, seed), random_dense(k, seed + 100), random_dense(k, seed + 200)};
  }
  const double rate = entry.real_or("rate", 0.2);
  const std::string word = entry.word_or("code", "binary");
  std::vector<Value> in{random_spikes(q, code_of(word), rate, seed),
                        random_spikes(k, code_of(word), rate, seed + 100)};
  if (entry.kind == "attention.ssa") {
    in.emplace_back(random_spikes(k, code_of(entry.word_or("code_v", word)), rate, seed + 200));
  } else {
    in.emplace_back(random_dense(k, seed + 200));
  }
  return in;
}

inline std::vector<float> numbers_of(const Value& value) {
  const Tensor dense = as_dense(value);
  if (dense.dtype() == Dtype::i32) {
    const auto numbers = dense.as<std::int32_t>();
    return {numbers.begin(), numbers.end()};
  }
  const auto numbers = dense.as<float>();
  return {numbers.begin(), numbers.end()};
}

inline AttentionNumbers attention_numbers(std::span<const Value> in, Index heads) {
  const Shape q = spec_of(in[0]).shape;
  return {q[Axis::T],
          q[Axis::B],
          heads,
          q[Axis::N],
          spec_of(in[1]).shape[Axis::N],
          q[Axis::C] / heads,
          numbers_of(in[0]),
          numbers_of(in[1]),
          numbers_of(in[2])};
}

template <class Op>
Op made_with(const Attributes& attributes) {
  Op op;
  parse_params(op, "attn", attributes);
  return op;
}

// The kernel of this name.
template <class Op>
std::vector<Value> run_kernel(const Op& op, std::string_view name, std::span<const Value> in) {
  const KernelTable table = table_of<Op>();
  const Choice choice = table.choose(op, specs_of(in), Device::cpu, name);
  EXPECT_TRUE(choice.kernel != nullptr && choice.kernel->name == name) << name << " does not accept";
  return run_op(op, *choice.kernel, in);
}

// The kernel that a plan takes.
template <class Op>
std::vector<Value> run_first(const Op& op, std::span<const Value> in) {
  const KernelTable table = table_of<Op>();
  return run_op(op, *table.choose(op, specs_of(in), Device::cpu).kernel, in);
}

inline void expect_numbers(const Value& got, const std::vector<float>& wanted) {
  const auto numbers = numbers_of(got);
  ASSERT_EQ(numbers.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    ASSERT_EQ(numbers[i], wanted[i]) << "at " << i;
  }
}

// Numbers of [T B N C] with the tokens taken in this order.
inline Value permuted(const Value& value, const std::vector<Index>& order) {
  const ValueSpec spec = spec_of(value);
  const auto numbers = numbers_of(value);
  std::vector<float> moved;
  const Index tokens = spec.shape[Axis::N];
  for (Index tb = 0; tb < spec.shape[Axis::T] * spec.shape[Axis::B]; ++tb) {
    for (const Index n : order) {
      const auto row = numbers.begin() + static_cast<std::ptrdiff_t>((tb * tokens + n) * spec.shape[Axis::C]);
      moved.insert(moved.end(), row, row + static_cast<std::ptrdiff_t>(spec.shape[Axis::C]));
    }
  }
  const Tensor dense = tensor_of(spec.shape, moved);
  return spec.is_spikes() ? Value(pack(dense, spec.code)) : Value(dense);
}

// A batch of two gives what its samples give alone. in: B = 2, T = 1.
template <class Op>
void expect_batch_of_two_is_two_batches(const Op& op, const std::vector<Value>& in) {
  const auto both = run_first(op, in);
  for (const Index b : {Index{0}, Index{1}}) {
    std::vector<Value> alone;
    for (const Value& value : in) {
      alone.push_back(sample_of(value, b));
    }
    EXPECT_TRUE(same(sample_of(both[0], b), run_first(op, alone)[0])) << "sample " << b;
  }
}

// The output without a place for the score is the same.
template <class Op>
void expect_score_is_optional(const Op& op, const std::vector<Value>& in) {
  const KernelTable table = table_of<Op>();
  for (const Kernel& kernel : table.all(op.kind())) {
    if (!kernel.accepts(op, specs_of(in)).ok) {
      continue;
    }
    const auto with_score = run_op(op, kernel, in);
    const std::vector<Value> out{make_value(op.infer(specs_of(in), 1)[0]), Value{}};
    const Index steps = spec_of(in[0]).shape[Axis::T];
    kernel.run({op, in, out, op.constants(), nullptr, {0, steps, steps}, cpu_backend(), 0, 1, 0});
    EXPECT_TRUE(same(out[0], with_score[0])) << kernel.name;
  }
}

// infer throws an Error with exactly this text.
inline void expect_refused(const Operator& op, const std::vector<ValueSpec>& in, const std::string& text) {
  try {
    op.infer(in, 1);
    ADD_FAILURE() << "accepted, wanted: " << text;
  } catch (const Error& error) {
    EXPECT_EQ(error.what(), text);
    EXPECT_EQ(error.fault(), Fault::model);
  }
}

inline Shape tbnc(Index t, Index b, Index n, Index c) {
  return {{Axis::T, t}, {Axis::B, b}, {Axis::N, n}, {Axis::C, c}};
}

}  // namespace volley::test
