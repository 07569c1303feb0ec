// Bodies of linear and conv2d: sums of weight rows, vectorised over outputs.
#pragma once

#include <cstdint>

#include "sim/ops/packed_weight.hpp"

namespace volley {

// The weight rows that each token's spikes select, ascending. Token i has entries [begins[i], begins[i + 1]),
// a multiple of list_step of them: the last ones name the zero row.
struct RowLists {
  Index tokens = 0;
  const Index* begins = nullptr;
  const std::uint16_t* rows = nullptr;
  const float* factors = nullptr;  // +1, -1 or a count for each entry; nullptr: all +1
};
constexpr Index list_step = 4;
constexpr Index list_slack = 64;  // entries past the end that list_rows may overwrite

// Tiles [first, first + count) of one group, and where their sums go: column 0 of tile `first` of token i is
// at out[i * out_stride].
struct TileRange {
  const float* weight = nullptr;  // of tile `first`
  const float* bias = nullptr;    // of its column 0; nullptr: none
  Index depth = 0;
  Index columns = 0;       // of all tiles in the range; the last tile may be narrower than tile_columns
  Index tiles_behind = 0;  // that follow in memory and are wanted next
};

// Appends base + position of each set bit; returns how many. Precondition: room for them and list_slack more.
Index list_rows(const std::uint64_t* words, Index word_count, Index base, std::uint16_t* rows);

// out = bias + sum over entries of factor * row, in the order of the list.
void sum_rows(const RowLists& lists, const TileRange& tiles, float* out, Index out_stride);

// out[i] = bias + sum over k of x[i][k] * row k, k ascending. x is [tokens][depth].
void sum_dense(const float* x, Index tokens, const TileRange& tiles, float* out, Index out_stride);

// sum[i] += x[i] * weight[i]
void multiply_add(const float* x, const float* weight, float* sum, Index count);

}  // namespace volley
