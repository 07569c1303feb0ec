// Pooling over tokens and channels of a head as a plain loop that counts what it does.
#pragma once

#include <vector>

#include "sim/base/device_fn.hpp"

namespace volley::test {

// in: [slices][tokens][width], a slice is one head of one sample in one step.
template <class Tally>
std::vector<float> head_pool_ref(const std::vector<std::vector<std::vector<float>>>& in, Tally& tally) {
  std::vector<float> out;
  for (const auto& slice : in) {
    const auto tokens = static_cast<Index>(slice.size());
    for (Index n = 0; n < tokens; ++n) {
      const auto width = static_cast<Index>(slice[static_cast<std::size_t>(n)].size());
      for (Index c = 0; c < width; ++c) {
        std::vector<float> window;
        for (Index i = n - 1; i <= n + 1; ++i) {
          for (Index j = c - 1; j <= c + 1; ++j) {
            if (i >= 0 && i < tokens && j >= 0 && j < width) {
              window.push_back(slice[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)]);
            }
          }
        }
        float best = window.front();
        for (std::size_t k = 1; k < window.size(); ++k) {
          ++tally.compare;
          best = window[k] > best ? window[k] : best;
        }
        out.push_back(best);
      }
    }
  }
  return out;
}

}  // namespace volley::test
