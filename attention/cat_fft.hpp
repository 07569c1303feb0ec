// Products with a circulant matrix by Fourier transforms.
#pragma once

#include <span>

#include "sim/base/device_fn.hpp"

namespace volley {

// out[i * out_stride + c] = sum_j first_row[(j - i) mod N] values[j * width + c] for c < width, N =
// first_row.size(): transforms of exactly this length, for padding to another would give a linear
// convolution. A plan is made once per thread and length.
void multiply_circulant(std::span<const float> first_row, const float* values, Index width, float* out,
                        Index out_stride);

// Steps of a transform per number: the sum of its radices, those above 5 twice, for they have no loop of
// their own.
Index transform_steps(Index length);

}  // namespace volley
