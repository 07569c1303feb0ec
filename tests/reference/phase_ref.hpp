// Phase indices by turns in whole 128-bit numbers, counted.
#pragma once

#include <cmath>
#include <vector>

#include "sim/op/cost.hpp"

namespace volley::test {

// The neuron of each frequency, [frequencies], of a span that took a difference or not.
template <class Tally>
std::vector<Index> phase_neurons(std::int64_t span, const std::vector<float>& omega, Index bits,
                                 Tally& tally) {
  constexpr __int128 circle = static_cast<__int128>(1) << 40;
  std::vector<Index> neurons;
  for (const float w : omega) {
    const long double turns = static_cast<long double>(w) / (2 * std::acos(-1.0L));
    const auto increment = static_cast<__int128>(std::llround(std::ldexp(static_cast<double>(turns), 40)));
    tally.count(&Cost::mac);
    __int128 phase = static_cast<__int128>(span) * increment % circle;
    phase = phase < 0 ? phase + circle : phase;
    tally.count(&Cost::shift);
    neurons.push_back(static_cast<Index>(phase / (circle >> bits)));
  }
  return neurons;
}

}  // namespace volley::test
