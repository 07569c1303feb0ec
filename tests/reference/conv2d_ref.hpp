// A convolution as a loop over taps that counts what it does.
#pragma once

#include "tests/reference/linear_ref.hpp"

namespace volley::test {

struct ConvNumbers {
  Index samples, y, x, channels, outputs, kernel_y, kernel_x, stride, padding, groups;
  std::vector<float> in;      // [samples][y][x][channels]
  std::vector<float> weight;  // [outputs][channels / groups][kernel_y][kernel_x]
  std::vector<float> bias;    // [outputs], or empty
  bool is_spike;

  Index out_y() const { return (y + 2 * padding - kernel_y) / stride + 1; }
  Index out_x() const { return (x + 2 * padding - kernel_x) / stride + 1; }
};

template <class Tally>
float conv_sum(const ConvNumbers& n, Index sample, Index oy, Index ox, Index o, Tally& tally) {
  const Index width = n.channels / n.groups;
  const Index first = o / (n.outputs / n.groups) * width;
  float sum = 0.0f;
  for (Index ky = 0; ky < n.kernel_y; ++ky) {
    for (Index kx = 0; kx < n.kernel_x; ++kx) {
      const Index iy = oy * n.stride + ky - n.padding;
      const Index ix = ox * n.stride + kx - n.padding;
      if (iy < 0 || iy >= n.y || ix < 0 || ix >= n.x) {
        continue;
      }
      for (Index c = 0; c < width; ++c) {
        const Index from = ((sample * n.y + iy) * n.x + ix) * n.channels + first + c;
        const Index tap = ((o * width + c) * n.kernel_y + ky) * n.kernel_x + kx;
        accumulate(sum, n.in[static_cast<std::size_t>(from)], n.weight[static_cast<std::size_t>(tap)],
                   n.is_spike, tally);
      }
    }
  }
  if (!n.bias.empty()) {
    sum += n.bias[static_cast<std::size_t>(o)];
    tally.count(&Cost::add);
  }
  return sum;
}

template <class Tally>
std::vector<float> conv2d_ref(const ConvNumbers& n, Tally& tally) {
  std::vector<float> out;
  for (Index sample = 0; sample < n.samples; ++sample) {
    for (Index oy = 0; oy < n.out_y(); ++oy) {
      for (Index ox = 0; ox < n.out_x(); ++ox) {
        for (Index o = 0; o < n.outputs; ++o) {
          out.push_back(conv_sum(n, sample, oy, ox, o, tally));
        }
      }
    }
  }
  return out;
}

}  // namespace volley::test
