// What bodies shared by host and device may use.
#pragma once

#include <cstdint>

#if defined(__CUDACC__)
#define VOLLEY_HD __host__ __device__
#else
#define VOLLEY_HD
#endif

namespace volley {

using Index = std::int64_t;

VOLLEY_HD inline int popcount(std::uint64_t bits) {
#if defined(__CUDA_ARCH__)
  return __popcll(bits);
#else
  return __builtin_popcountll(bits);
#endif
}

// Position of the lowest set bit; bits is not 0.
VOLLEY_HD inline int lowest_bit(std::uint64_t bits) {
#if defined(__CUDA_ARCH__)
  return __ffsll(static_cast<long long>(bits)) - 1;
#else
  return __builtin_ctzll(bits);
#endif
}

}  // namespace volley
