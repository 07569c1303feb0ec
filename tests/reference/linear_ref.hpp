// A linear map as a double loop that counts what it does.
#pragma once

#include <cmath>
#include <vector>

#include "sim/op/cost.hpp"

namespace volley::test {

// Counts every operation that a loop tells it of.
struct SynapseTally {
  Cost cost;
  void count(Index Cost::*kind, Index times = 1) { cost.*kind += times; }
};

// Adds value * weight and counts it: a spike costs one addition for each unit event, a real number a
// multiplication.
template <class Tally>
void accumulate(float& sum, float value, float weight, bool is_spike, Tally& tally) {
  if (!is_spike) {
    sum += value * weight;
    tally.count(&Cost::mac);
  } else if (value != 0.0f) {
    sum += value * weight;
    tally.count(&Cost::ac, std::lround(std::abs(value)));
  }
}

struct LinearNumbers {
  Index rows, inputs, outputs;
  std::vector<float> x;       // [rows][inputs]
  std::vector<float> weight;  // [outputs][inputs]
  std::vector<float> bias;    // [outputs], or empty
  bool is_spike;
};

template <class Tally>
std::vector<float> linear_ref(const LinearNumbers& in, Tally& tally) {
  std::vector<float> out;
  for (Index row = 0; row < in.rows; ++row) {
    for (Index o = 0; o < in.outputs; ++o) {
      float sum = 0.0f;
      for (Index c = 0; c < in.inputs; ++c) {
        accumulate(sum, in.x[static_cast<std::size_t>(row * in.inputs + c)],
                   in.weight[static_cast<std::size_t>(o * in.inputs + c)], in.is_spike, tally);
      }
      if (!in.bias.empty()) {
        sum += in.bias[static_cast<std::size_t>(o)];
        tally.count(&Cost::add);
      }
      out.push_back(sum);
    }
  }
  return out;
}

}  // namespace volley::test
