// Pooling as plain double loops that count what they do.
#pragma once

#include <vector>

#include "sim/tensor/shape.hpp"

namespace volley::test {

// Images channels-last: [images Y X C], row-major.
struct PoolNumbers {
  Index images, height, width, channels;
  Index kernel, stride, padding;
  std::vector<float> in;

  Index out_side(Index side) const { return (side + 2 * padding - kernel) / stride + 1; }
  bool is_inside(Index y, Index x) const { return y >= 0 && y < height && x >= 0 && x < width; }
  float at(Index image, Index y, Index x, Index c) const {
    return in[static_cast<std::size_t>(((image * height + y) * width + x) * channels + c)];
  }
};

// Numbers of one window that lie inside the image, rows first.
inline std::vector<float> window_numbers(const PoolNumbers& pool, Index image, Index oy, Index ox, Index c) {
  std::vector<float> numbers;
  for (Index i = 0; i < pool.kernel; ++i) {
    for (Index j = 0; j < pool.kernel; ++j) {
      const Index y = oy * pool.stride + i - pool.padding;
      const Index x = ox * pool.stride + j - pool.padding;
      if (pool.is_inside(y, x)) {
        numbers.push_back(pool.at(image, y, x, c));
      }
    }
  }
  return numbers;
}

template <class Reduce>
std::vector<float> pool_windows(const PoolNumbers& pool, const Reduce& reduce) {
  std::vector<float> out;
  for (Index image = 0; image < pool.images; ++image) {
    for (Index y = 0; y < pool.out_side(pool.height); ++y) {
      for (Index x = 0; x < pool.out_side(pool.width); ++x) {
        for (Index c = 0; c < pool.channels; ++c) {
          out.push_back(reduce(window_numbers(pool, image, y, x, c)));
        }
      }
    }
  }
  return out;
}

// Tally: has compare, add and special to count up.
template <class Tally>
std::vector<float> max_pool(const PoolNumbers& pool, Tally& tally) {
  return pool_windows(pool, [&](const std::vector<float>& numbers) {
    float best = numbers[0];
    for (std::size_t i = 1; i < numbers.size(); ++i) {
      ++tally.compare;
      best = numbers[i] > best ? numbers[i] : best;
    }
    return best;
  });
}

template <class Tally>
std::vector<float> average_pool(const PoolNumbers& pool, bool counts_rim, Tally& tally) {
  return pool_windows(pool, [&](const std::vector<float>& numbers) {
    float sum = numbers[0];
    for (std::size_t i = 1; i < numbers.size(); ++i) {
      ++tally.add;
      sum += numbers[i];
    }
    ++tally.special;
    return sum /
           static_cast<float>(counts_rim ? pool.kernel * pool.kernel : static_cast<Index>(numbers.size()));
  });
}

}  // namespace volley::test
