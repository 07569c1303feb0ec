// Counter-based random numbers: (seed, node, step, index) -> bits, the same on every backend.
// Philox4x32-10, J. Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC 2011.
#pragma once

#include <array>
#include <cstdint>

#include "sim/base/device_fn.hpp"

namespace volley {

using PhiloxBlock = std::array<std::uint32_t, 4>;

VOLLEY_HD inline PhiloxBlock philox(PhiloxBlock counter, std::uint32_t key0, std::uint32_t key1) {
  constexpr std::uint32_t multiplier0 = 0xD2511F53u;
  constexpr std::uint32_t multiplier1 = 0xCD9E8D57u;
  constexpr std::uint32_t weyl0 = 0x9E3779B9u;
  constexpr std::uint32_t weyl1 = 0xBB67AE85u;
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{multiplier0} * counter[0];
    const std::uint64_t p1 = std::uint64_t{multiplier1} * counter[2];
    counter = {static_cast<std::uint32_t>(p1 >> 32) ^ counter[1] ^ key0, static_cast<std::uint32_t>(p1),
               static_cast<std::uint32_t>(p0 >> 32) ^ counter[3] ^ key1, static_cast<std::uint32_t>(p0)};
    key0 += weyl0;
    key1 += weyl1;
  }
  return counter;
}

// 32 random bits of one element of one node in one step.
VOLLEY_HD inline std::uint32_t random_bits(std::uint64_t seed, std::uint32_t node, std::uint32_t step,
                                           std::uint64_t index) {
  const PhiloxBlock counter{static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32), step,
                            node};
  return philox(counter, static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32))[0];
}

// Uniform in [0, 1), a multiple of 2^-24 (exact in float32).
VOLLEY_HD inline float random_uniform(std::uint64_t seed, std::uint32_t node, std::uint32_t step,
                                      std::uint64_t index) {
  return static_cast<float>(random_bits(seed, node, step, index) >> 8) * 0x1p-24f;
}

}  // namespace volley
