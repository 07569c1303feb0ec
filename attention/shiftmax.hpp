// Shiftmax: rows of integer scores to exact powers of two.
#pragma once

#include <bit>
#include <span>

#include "sim/base/device_fn.hpp"

namespace volley {

// Shiftmax(x)_j = 2^(x_j - gamma), gamma = ceil(log2(sum_j 2^x_j)): the sum of a row lies in (1/2, 1].
// [paper BSA, Wang et al., NeurIPS 2025, eq 13, 14]

// The gamma of a row, exact for any row: the sum is an integer of as many bits as it needs, never a float.
// Precondition: the row is not empty and |x| < 2^30.
Index shiftmax_gamma(std::span<const std::int32_t> x);

// 2^-largest_shift is the smallest float32 above 0.
inline constexpr Index largest_shift = 149;

// 2^-n in float32: exact for 0 <= n <= largest_shift, 0 above.
inline float power_of_two(Index n) {
  constexpr Index bias = 127;
  constexpr Index fraction_bits = 23;
  if (n > largest_shift) {
    return 0.0f;
  }
  const Index bits = n < bias ? (bias - n) << fraction_bits : Index{1} << (largest_shift - n);
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
}

// number 2^-n in float32, one rounding whatever n is.
float shifted(float number, Index n);

}  // namespace volley
