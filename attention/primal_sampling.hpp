// The tokens that primal attention looks at, and its objective.
#pragma once

#include <string>
#include <vector>

#include "sim/op/params.hpp"

namespace volley {

enum class PrimalRows : std::uint8_t { fixed, min, all };
enum class PrimalTrace : std::uint8_t { raw, data };

// f(X): row j is token floor(j (N - 1) / (n - 1)), token 0 if n is 1; or token indices[j].
// n_rule: what n must be: s rank_multi (fixed), that but at most N (min), N (all). rank_multi [1]. indices:
// tokens, none: by the formula [1].
struct PrimalSampling {
  PrimalRows n_rule = PrimalRows::fixed;
  Index rank_multi = 10;
  std::vector<Index> indices;

  void visit(ParamVisitor& visitor);
  Index token(Index row, Index rows, Index tokens) const;
  // Throws Error when there are not as many rows as the rule says, or an index is no token.
  void check(Index rows, Index rank, Index tokens) const;
};

std::string sizes_text(const std::vector<Index>& sizes);  // "[2 3]", for messages

// |lambda e|^2 + |lambda r|^2 of one token, whose scores are [e; r].
double primal_squares(const float* lambda, const float* scores, Index rank);
// tr(a^T b) of two matrices of `count` entries.
double primal_trace(const float* a, const float* b, Index count);
// J of one sample from the squares of its tokens [H N] and the traces of its heads [H].
double primal_objective(Index heads, Index tokens, const double* squares, const double* traces);

}  // namespace volley
