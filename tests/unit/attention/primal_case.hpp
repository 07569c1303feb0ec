// Primal attention with random weights, and its numbers for the reference.
#pragma once

#include "attention/primal.hpp"
#include "tests/reference/primal_ref.hpp"
#include "tests/unit/attention/attention_case.hpp"

namespace volley::test {

struct PrimalSizes {
  Index heads, width, rows, rank;
};

// Weights from a seed; the numbers that hold inputs and indices are filled by primal_numbers.
inline PrimalNumbers random_primal_weights(const PrimalSizes& sizes, std::uint64_t seed) {
  PrimalNumbers numbers{};
  numbers.heads = sizes.heads;
  numbers.width = sizes.width;
  numbers.rows = sizes.rows;
  numbers.rank = sizes.rank;
  numbers.we = random_numbers(sizes.heads * sizes.rows * sizes.rank, seed);
  numbers.wr = random_numbers(sizes.heads * sizes.rows * sizes.rank, seed + 1);
  numbers.lambda = random_numbers(sizes.heads * sizes.rank, seed + 2);
  numbers.wc = random_numbers(sizes.width * 2 * sizes.rank, seed + 3);
  numbers.bc = random_numbers(sizes.width, seed + 4);
  return numbers;
}

inline void set_primal_weights(PrimalAttention& op, const PrimalNumbers& numbers) {
  op.set_weight("we", {numbers.heads, numbers.rows, numbers.rank}, numbers.we);
  op.set_weight("wr", {numbers.heads, numbers.rows, numbers.rank}, numbers.wr);
  op.set_weight("lambda", {numbers.heads, numbers.rank}, numbers.lambda);
  op.set_weight("concate_weight", {numbers.width, 2 * numbers.rank}, numbers.wc);
  op.set_weight("concate_bias", {numbers.width}, numbers.bc);
}

// Adds what the inputs say. Positions: floor(j (N - 1) / (n - 1)).
inline void add_inputs(PrimalNumbers& numbers, std::span<const Value> in, bool is_causal) {
  const Shape q = spec_of(in[0]).shape;
  numbers.samples = q[Axis::T] * q[Axis::B];
  numbers.tokens = q[Axis::N];
  numbers.q = numbers_of(in[0]);
  numbers.k = numbers_of(in[1]);
  numbers.x = is_causal ? std::vector<float>{} : numbers_of(in[2]);
  if (in.size() == (is_causal ? 3 : 4)) {
    numbers.mask = numbers_of(in.back());
  }
  for (Index j = 0; j < numbers.rows; ++j) {
    numbers.indices.push_back(numbers.rows == 1 ? 0 : j * (numbers.tokens - 1) / (numbers.rows - 1));
  }
}

inline std::vector<Value> primal_inputs(const Shape& shape, bool is_causal, std::uint64_t seed) {
  std::vector<Value> in{random_dense(shape, seed), random_dense(shape, seed + 100)};
  if (!is_causal) {
    in.emplace_back(random_dense(shape, seed + 200));
  }
  return in;
}

struct PrimalRun {
  PrimalAttention op;
  PrimalNumbers numbers;
  std::vector<Value> in;
};

inline PrimalRun primal_run(const Case& entry) {
  PrimalRun run;
  parse_params(run.op, "attn", entry.attributes());
  const Shape shape = entry.shape("TBNC");
  const Index heads = entry.integer("attr.heads");
  const auto seed = static_cast<std::uint64_t>(entry.integer("seed"));
  run.numbers = random_primal_weights(
      {heads, shape[Axis::C] / heads, entry.integer("n"), entry.integer("rank")}, seed + 300);
  run.numbers.trace_of_data = entry.word_or("attr.trace", "raw") == "data";
  set_primal_weights(run.op, run.numbers);
  run.in = primal_inputs(shape, run.op.is_causal(), seed);
  if (entry.has("mask")) {  // the share of tokens that stay
    run.in.emplace_back(
        unpack(random_spikes(shape.with(Axis::C, 1), binary_code(), entry.real_or("mask", 1), seed + 400)));
  }
  add_inputs(run.numbers, run.in, run.op.is_causal());
  return run;
}

}  // namespace volley::test
