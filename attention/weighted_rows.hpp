// Weighted sums of rows: the inner loop of every product.
#pragma once

#include <span>

#include "sim/base/device_fn.hpp"

namespace volley {

// A list of rows and the weight of each.
template <class Number>
struct WeightedRows {
  std::span<const std::int32_t> rows;  // ascending
  std::span<const Number> weights;     // as many
};

// out[c] = sum of weight * table[row * stride + c] for c < width, in the order of the list; each product is
// rounded before it is added, so the bits are those of the plain loop.
void sum_rows(const WeightedRows<float>& list, const float* table, Index stride, Index width, float* out);

// The same of integers. Precondition: no sum leaves 32 bits.
void sum_rows(const WeightedRows<std::int32_t>& list, const std::int32_t* table, Index stride, Index width,
              std::int32_t* out);

// table[row * stride + c] += weight * added[c] for each row of the list.
void add_to_rows(const WeightedRows<std::int32_t>& list, const std::int32_t* added, Index stride, Index width,
                 std::int32_t* table);

// out[c] = scale * number[c].
void scale_row(const std::int32_t* numbers, Index width, float scale, float* out);

}  // namespace volley
