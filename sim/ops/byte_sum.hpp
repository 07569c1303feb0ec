// Sums of weight rows in 8 bits: integers, the same in any order.
#pragma once

#include "sim/ops/spike_sum.hpp"

namespace volley {

// byte_columns outputs of a rounded weight.
struct ByteTile {
  const std::int8_t* weight = nullptr;  // [depth + 1][byte_columns], row `depth` is 0
  const float* scale = nullptr;
  const float* bias = nullptr;  // nullptr: none
  Index depth = 0;
  Index columns = byte_columns;  // that exist
  bool has_next = false;         // another tile follows in memory and is wanted next
};

// out[i][c] = scale[c] * (sum of the rows of plus - sum of the rows of minus) + bias[c]; out is
// [tokens][byte_columns], columns past the last are 0. minus: as many tokens, or none at all. Factors are not
// read: a count is in a list as often as it counts. Precondition: fewer than 2^24 entries a token.
void sum_byte_rows(const RowLists& plus, const RowLists& minus, const ByteTile& tile, float* out);

}  // namespace volley
