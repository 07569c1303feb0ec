// Products and lengths of small dense matrices, in registers.
#pragma once

#include "sim/base/device_fn.hpp"

namespace volley {

// out[row][column] = bias[column] + sum over k of a[row][k] b[k][column]; the bits are those of the plain
// loop: k ascending, each product rounded, the bias added last. Entries of a stand anywhere on a grid, rows
// of b and out at any distance.
struct TileProduct {
  Index rows = 0, inner = 0, columns = 0;
  const float* a = nullptr;
  Index a_row = 0, a_inner = 1;  // from one row to the next, from one k to the next
  const float* b = nullptr;
  Index b_row = 0;
  float* out = nullptr;
  Index out_row = 0;
  const float* bias = nullptr;  // nullptr: none
};
void multiply_in_tiles(const TileProduct& product);

// Rows of `width` numbers, copied and divided by their lengths, at least eps; squares are summed in order.
struct RowsToNormalise {
  Index rows = 0, width = 0;
  const float* from = nullptr;
  Index from_row = 0;
  float* out = nullptr;  // [rows width], may be `from`
  float eps = 0;
};
void normalise_rows(const RowsToNormalise& rows);

// sums[c] += from[row][c] for each row, in order.
void add_rows_in_order(const float* from, Index from_row, Index rows, Index width, float* sums);

// sums[c] += token[c], row[c] = sums[c] / count: the mean of the tokens so far.
void next_mean(const float* token, Index width, float count, float* sums, float* row);

}  // namespace volley
