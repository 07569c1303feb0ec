// Random spikes and numbers for tests, from a seed.
#pragma once

#include "sim/tensor/value.hpp"

namespace volley::test {

// Each place fires with this probability; bipolar: either sign, graded: 1 .. levels.
SpikeTensor random_spikes(const Shape& shape, SpikeCode code, double rate, std::uint64_t seed);

// Uniform in [-1, 1). With grid > 0: multiples of 1 / grid, so that sums are exact in any order.
Tensor random_dense(const Shape& shape, std::uint64_t seed, double grid = 0);
std::vector<float> random_numbers(Index count, std::uint64_t seed, double grid = 0);

}  // namespace volley::test
