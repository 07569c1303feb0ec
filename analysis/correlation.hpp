// Attention as a linear model: correlations of tokens, given others.
#pragma once

#include <span>
#include <vector>

#include "sim/base/device_fn.hpp"

namespace volley {

// Row-major square numbers.
struct SquareMatrix {
  Index size = 0;
  std::vector<double> numbers;

  double operator()(Index row, Index column) const { return numbers[row * size + column]; }
  double& operator()(Index row, Index column) { return numbers[row * size + column]; }
};

struct CovarianceSettings {
  bool centre_rows = false;  // ours: for maps of counts, whose A A^T is nearly of rank one
  double ridge = 0;          // added to the diagonal
};

// S = A A^T + ridge I, or with each row of A less its mean.
// map: A [N N], rows = queries. Throws Error (model) when it isn't square or holds a number not finite.
// Source: Rohekar et al. 2023, arXiv 2310.20307 (released code: V V^T / d taken as identity).
SquareMatrix attention_covariance(const SquareMatrix& map, const CovarianceSettings& settings = {});

struct TokenCorrelation {
  SquareMatrix rho;            // of the kept tokens
  std::vector<Index> tokens;   // kept: ascending as asked for, rows of the map
  std::vector<Index> dropped;  // asked for, but sqrt((A A^T)_ii) <= 1e-8: a silent query
};
// rho = D^-1/2 S D^-1/2, D = diag(S), of some tokens; the others are marginalised by not being nodes.
// tokens: empty for all. Throws Error (usage) for a token that isn't there or is named twice.
TokenCorrelation token_correlation(const SquareMatrix& map, std::span<const Index> tokens,
                                   const CovarianceSettings& settings = {});

// Correlation of x and y given `others`. NaN when the matrix of all these tokens has a reciprocal condition
// below 1e-12 (collinear tokens); without others it is rho(x, y).
double partial_correlation(const SquareMatrix& rho, Index x, Index y, std::span<const Index> others);

}  // namespace volley
