// Rows of a circulant times values, several rows at once.
#pragma once

#include "sim/base/device_fn.hpp"

namespace volley {

inline constexpr Index windows_at_once = 4;

// out[r out_stride + c] = sum_j window[j - r] values[j width + c] for r < windows_at_once, c < width, j <
// tokens in this order; each product is rounded before it is added, so the bits are those of the plain loop.
void sum_windows(const float* window, const float* values, Index tokens, Index width, float* out,
                 Index out_stride);

}  // namespace volley
