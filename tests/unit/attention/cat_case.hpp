// Inputs of a case of tests/cases/cat.txt.
#pragma once

#include "attention/cat.hpp"
#include "tests/reference/cat_ref.hpp"
#include "tests/unit/attention/attention_case.hpp"

namespace volley::test {

inline std::vector<Case> cat_cases(std::string_view kind) {
  std::vector<Case> cases;
  for (const Case& entry : read_cases("cat.txt")) {
    if (entry.kind == kind) {
      cases.push_back(entry);
    }
  }
  return cases;
}

// Logits in [-4, 4): weights that differ by much more than rounding.
inline Value random_logits(const Shape& shape, std::uint64_t seed) {
  auto numbers = random_numbers(shape.count(), seed);
  for (float& number : numbers) {
    number *= 4;
  }
  return tensor_of(shape, numbers);
}

// z and v, and a key mask that keeps this share of the tokens.
inline std::vector<Value> cat_inputs(const Case& entry) {
  const Shape v = entry.shape("TBNC");
  const Shape z = v.with(Axis::C, entry.integer("attr.heads"));
  const auto seed = static_cast<std::uint64_t>(entry.integer("seed"));
  std::vector<Value> in{random_logits(z, seed), random_dense(v, seed + 100)};
  if (entry.has("code")) {
    in[1] = random_spikes(v, code_of(entry.word_or("code", "")), entry.real_or("rate", 0), seed + 100);
  }
  if (entry.has("kept")) {
    const Shape mask = v.with(Axis::C, 1);
    const Value kept = random_spikes(mask, binary_code(), entry.real_or("kept", 0), seed + 200);
    in.emplace_back(tensor_of(mask, numbers_of(kept)));
  }
  return in;
}

inline CatNumbers cat_numbers(std::span<const Value> in) {
  const Shape z = spec_of(in[0]).shape;
  const Shape v = spec_of(in[1]).shape;
  return {z[Axis::T] * z[Axis::B],
          z[Axis::C],
          z[Axis::N],
          v[Axis::C] / z[Axis::C],
          numbers_of(in[0]),
          numbers_of(in[1]),
          spec_of(in[1]).is_spikes(),
          in.size() > 2 ? numbers_of(in[2]) : std::vector<float>{}};
}

// "corr", "conv", "rel" or "abs".
inline std::string which_matrix(const CatAttention& op) {
  switch (op.causal()) {
    case CatAttention::Causal::rel:
      return "rel";
    case CatAttention::Causal::abs:
      return "abs";
    case CatAttention::Causal::none:
      return op.is_conv() ? "conv" : "corr";
  }
  return "";
}

inline CatAttention cat_of(Index heads, const std::string& direction, const std::string& causal = "none") {
  return made_with<CatAttention>(
      {{"heads", static_cast<double>(heads)}, {"direction", direction}, {"causal", causal}});
}

// v whose channels are the tokens: out is then A.
inline Value identity(Index tokens) {
  std::vector<float> numbers(static_cast<std::size_t>(tokens * tokens), 0.0f);
  for (Index n = 0; n < tokens; ++n) {
    numbers[static_cast<std::size_t>(n * tokens + n)] = 1;
  }
  return tensor_of(tbnc(1, 1, tokens, tokens), numbers);
}

// Token n goes to n + by.
inline Value rolled(const Value& value, Index by) {
  const Index tokens = spec_of(value).shape[Axis::N];
  std::vector<Index> order;
  for (Index n = 0; n < tokens; ++n) {
    order.push_back(((n - by) % tokens + tokens) % tokens);
  }
  return permuted(value, order);
}

// How far apart, as a share of the largest number.
inline double relative_distance(const std::vector<float>& got, const std::vector<float>& wanted) {
  double most = 0;
  double largest = 1e-30;
  EXPECT_EQ(got.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    most = std::max(most, std::abs(static_cast<double>(got[i]) - static_cast<double>(wanted[i])));
    largest = std::max(largest, std::abs(static_cast<double>(wanted[i])));
  }
  return most / largest;
}

}  // namespace volley::test
