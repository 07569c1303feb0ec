// Separation rank of linear self-attention, exact over a prime field.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "sim/base/device_fn.hpp"

namespace volley {

// What a self-attention network is for this theory: N tokens of d numbers, L layers of H heads,
//   y_n = sum over h of W_O^h sum over m of <W_Q^h x_n, W_K^h x_m> W_V^h x_m
// without softmax, scale, normalisation, residual and feed-forward network. Y. Levine et al., NeurIPS 2020,
// arXiv 2006.12467.
struct StackShape {
  Index tokens = 2;
  Index width = 2;
  Index heads = 1;
  Index depth = 1;
};
// Throws Error (usage): a number below 1, a width that isn't a multiple of heads, or fewer than 2 tokens.
void check_stack(const StackShape& shape);

// Vectors that a token may be. any: drawn at random; binary: all of {0,1}^d, bipolar: all of {-1,1}^d, in
// lexicographic order, the last coordinate fastest.
enum class TemplateKind : std::uint8_t { any, binary, bipolar };

// The tokens 0 .. N/2 - 1 are A, the others B. Rows are the choices of templates of A in lexicographic order,
// the last token fastest, columns those of B.
struct Grid {
  Index tokens = 2;
  Index templates = 1;  // M
  Index rows = 1;       // M^(N/2)
  Index columns = 1;    // M^(N - N/2)

  Index entries() const { return rows * columns; }
  Index side() const { return std::min(rows, columns); }
  // The greatest rank of a network that has no positions: it can't tell the order of the tokens of B, nor
  // that of A behind the first.
  Index exchangeable_side() const;
  // Template of each token at a row and a column.
  void choice(Index row, Index column, std::vector<Index>& chosen) const;
};
// Throws Error (usage) when there are more entries than that, and says how many.
Grid make_grid(Index tokens, Index templates, Index most_entries);
// Throws Error (usage) when the width is too large to list them all.
Index all_templates(Index width);

struct ExactRank {
  Grid grid;
  Index rank = 0;
  // The rank is the greatest that the grid lets through: more templates could give more.
  bool saturated() const { return rank == grid.exchangeable_side(); }
};
// Rank of the matrix of output 0 of token 0 over the grid, weights (and templates of kind `any`) random in
// the field of 2^31 - 1. It never exceeds the separation rank of the polynomial, and equals it for enough
// templates but for a chance of about degree / 2^31.
ExactRank exact_rank(const StackShape& shape, TemplateKind kind, Index templates, Index most_entries,
                     std::uint64_t seed);

// C(d + K, d), K = (3^L - 1) / 2: a bound of the separation rank for N = 2 tokens (docs/analysing.md), which
// random weights reach when heads have two numbers or more. Nothing when it, or K, is above 2^31.
std::optional<Index> closed_form_rank(Index width, Index depth);

}  // namespace volley
