// Kernel attention over time as sums over all pairs, and what a bank of resonators counts.
#pragma once

#include <cmath>
#include <vector>

#include "sim/op/cost.hpp"

namespace volley::test {

// v [sequences tokens width], stamps and queries [sequences tokens] (no queries: the stamps).
struct ResonatorNumbers {
  Index sequences = 1, tokens = 0, width = 0;
  std::vector<float> v, stamps, queries, omega, gain;
  double tau = 0;
  bool is_spiking = false;

  long double kernel(long double span) const {
    long double sum = 0;
    for (std::size_t k = 0; k < omega.size(); ++k) {
      const long double g = gain.empty() ? 1.0L : static_cast<long double>(gain[k]);
      sum += g * std::cos(static_cast<long double>(omega[k]) * span);
    }
    return tau > 0 ? sum * std::exp(-span / static_cast<long double>(tau)) : sum;
  }
};

inline std::vector<float> resonator_reference(const ResonatorNumbers& in) {
  std::vector<float> out;
  for (Index s = 0; s < in.sequences; ++s) {
    for (Index n = 0; n < in.tokens; ++n) {
      const auto at = static_cast<std::size_t>(s * in.tokens + n);
      const long double query = static_cast<long double>(in.queries.empty() ? in.stamps[at] : in.queries[at]);
      for (Index c = 0; c < in.width; ++c) {
        long double sum = 0;
        for (Index m = 0; m <= n; ++m) {
          const auto other = static_cast<std::size_t>(s * in.tokens + m);
          sum += in.kernel(query - static_cast<long double>(in.stamps[other])) *
                 static_cast<long double>(
                     in.v[other * static_cast<std::size_t>(in.width) + static_cast<std::size_t>(c)]);
        }
        out.push_back(static_cast<float>(sum));
      }
    }
  }
  return out;
}

// Walks the bank event by event and counts each operation where it would be done.
template <class Tally>
void tally_phasor(const ResonatorNumbers& in, Tally& tally) {
  for (std::size_t k = 0; k < in.omega.size(); ++k) {
    tally.count(&Cost::mac);         // w interval
    tally.count(&Cost::special, 2);  // cosine, sine
    if (in.tau > 0) {
      tally.count(&Cost::mac, 2);  // times the decay
    }
  }
  if (in.tau > 0) {
    tally.count(&Cost::special);  // the decay
  }
}

template <class Tally>
void tally_resonators(const ResonatorNumbers& in, Tally& tally) {
  const auto width = static_cast<std::size_t>(in.width);
  for (Index s = 0; s < in.sequences; ++s) {
    for (Index n = 0; n < in.tokens; ++n) {
      const auto row = static_cast<std::size_t>(s * in.tokens + n) * width;
      if (n > 0) {
        tally_phasor(in, tally);
      }
      if (!in.queries.empty()) {
        tally_phasor(in, tally);
      }
      for (std::size_t k = 0; k < in.omega.size(); ++k) {
        if (!in.queries.empty() && !in.gain.empty()) {
          tally.count(&Cost::mac, 2);  // the gain into the phasor
        }
        for (std::size_t c = 0; c < width; ++c) {
          if (n > 0) {
            tally.count(&Cost::mac, 4);
          }
          if (in.v[row + c] != 0) {
            tally.count(in.is_spiking ? &Cost::ac : &Cost::add);
          }
          if (in.queries.empty()) {
            tally.count(in.gain.empty() ? &Cost::add : &Cost::mac);
          } else {
            tally.count(&Cost::mac, 2);
          }
        }
      }
    }
  }
}

}  // namespace volley::test
