// Sampled tokens and the objective of primal attention.
#include "attention/primal_sampling.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace volley {
namespace {

constexpr std::string_view rule_words[] = {"fixed", "min", "all"};

std::size_t at(Index i) {
  return static_cast<std::size_t>(i);
}

}  // namespace

void PrimalSampling::visit(ParamVisitor& visitor) {
  visitor.choice_of("n_rule", n_rule, rule_words, "what n must be: s rank_multi, at most N, N itself");
  visitor.integer("rank_multi", rank_multi, "sampled tokens per score [1]");
  visitor.integers("indices", indices, "the sampled tokens, none: evenly from the first to the last [1]");
}

Index PrimalSampling::token(Index row, Index rows, Index tokens) const {
  if (!indices.empty()) {
    return indices[at(row)];
  }
  return rows == 1 ? 0 : row * (tokens - 1) / (rows - 1);
}

void PrimalSampling::check(Index rows, Index rank, Index tokens) const {
  VOLLEY_CHECK(rank_multi >= 1, Fault::model, "rank_multi is {}, wanted at least 1", rank_multi);
  const Index fixed = rank * rank_multi;
  const Index wanted = n_rule == PrimalRows::all   ? tokens
                       : n_rule == PrimalRows::min ? std::min(tokens, fixed)
                                                   : fixed;
  VOLLEY_CHECK(rows == wanted, Fault::model, "we has {} rows, wanted {} by n_rule {}", rows, wanted,
               rule_words[static_cast<std::size_t>(n_rule)]);
  VOLLEY_CHECK(indices.empty() || static_cast<Index>(indices.size()) == rows, Fault::model,
               "there are {} indices, wanted {} as rows of we", indices.size(), rows);
  for (const Index index : indices) {
    VOLLEY_CHECK(index >= 0 && index < tokens, Fault::model, "index {} is no token, wanted 0 to {}", index,
                 tokens - 1);
  }
}

double primal_squares(const float* lambda, const float* scores, Index rank) {
  double squares = 0;
  for (Index a = 0; a < 2 * rank; ++a) {
    const double score = static_cast<double>(lambda[a % rank]) * static_cast<double>(scores[a]);
    squares += score * score;
  }
  return squares;
}

double primal_trace(const float* a, const float* b, Index count) {
  double sum = 0;
  for (Index i = 0; i < count; ++i) {
    sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  }
  return sum;
}

double primal_objective(Index heads, Index tokens, const double* squares, const double* traces) {
  double objective = 0;
  for (Index head = 0; head < heads; ++head) {
    double sum = 0;
    for (Index n = 0; n < tokens; ++n) {
      sum += squares[head * tokens + n];
    }
    objective += sum / (2 * static_cast<double>(tokens)) - traces[head];
  }
  return objective / static_cast<double>(heads);
}

std::string sizes_text(const std::vector<Index>& sizes) {
  std::string out = "[";
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    out += (i == 0 ? "" : " ") + std::to_string(sizes[i]);
  }
  return out + "]";
}

}  // namespace volley
