// Sums of weight rows in 8 bits: integers, the same in any order.
#pragma once

#include "sim/ops/bucket_lists.hpp"

namespace volley {

// byte_columns outputs of a rounded weight.
struct ByteTile {
  const std::int8_t* weight = nullptr;  // [depth + 1][byte_columns], row `depth` is 0
  const float* scale = nullptr;
  const float* bias = nullptr;  // nullptr: none
  Index depth = 0;
  Index columns = byte_columns;  // that exist
  bool has_next = false;         // another tile follows in memory and is wanted next
  bool fits_16 = false;          // the sum of any rows, each once, has 16 bits
};

// out[i][c] = scale[c] * (sum of the rows of plus - sum of the rows of minus) + bias[c]; out is
// [tokens][byte_columns], columns past the last are 0. minus: as many tokens, or none at all. Factors are not
// read: a count is in a list as often as it counts. With fits_16 a row is in a list once. Precondition: fewer
// than 2^24 entries a token.
void sum_byte_rows(const RowLists& plus, const RowLists& minus, const ByteTile& tile, float* out);

// The same for binary spikes of `steps` steps together: out is [tokens][steps][byte_columns].
// Precondition: fits_16.
void sum_byte_buckets(const BucketLists& lists, Index steps, const ByteTile& tile, float* out);

}  // namespace volley
