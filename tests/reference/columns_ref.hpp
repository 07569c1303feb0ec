// Tables to vectors and back as plain loops that count what they do.
#pragma once

#include <vector>

#include "tests/reference/attention_ref.hpp"

namespace volley::test {

// Empty vectors: weights that are missing.
struct EmbedNumbers {
  Index rows, width;
  std::vector<Index> classes;
  std::vector<float> values, mask, weight, bias, index, type, mean, deviation;
};

inline float number_or_zero(const std::vector<float>& numbers, Index at) {
  return numbers.empty() ? 0.0f : numbers[static_cast<std::size_t>(at)];
}

// By the definition: each column one-hot encoded with its flag, times its own matrix; what is known to be 0
// or 1 is not multiplied.
template <class Tally>
std::vector<float> embed_reference(const EmbedNumbers& in, Tally& tally) {
  const auto columns = static_cast<Index>(in.classes.size());
  Index encoded = 0;
  for (const Index count : in.classes) {
    encoded += (count == 0 ? 1 : count) + 1;
  }
  std::vector<float> out;
  for (Index row = 0; row < in.rows; ++row) {
    Index first = 0;
    for (Index x = 0; x < columns; ++x) {
      const auto cell = static_cast<std::size_t>(row * columns + x);
      const Index count = in.classes[static_cast<std::size_t>(x)];
      const Index size = count == 0 ? 1 : count;
      std::vector<float> code(static_cast<std::size_t>(size + 1), 0.0f);
      const bool is_number = in.mask[cell] == 0 && count == 0;
      if (in.mask[cell] != 0) {
        code.back() = 1;
      } else if (count > 0) {
        code[static_cast<std::size_t>(in.values[cell])] = 1;
      } else if (in.mean.empty()) {
        code[0] = in.values[cell];
      } else {
        tally.count(&Cost::add);
        tally.count(&Cost::special);
        code[0] = (in.values[cell] - in.mean[static_cast<std::size_t>(x)]) /
                  in.deviation[static_cast<std::size_t>(x)];
      }
      for (Index c = 0; c < in.width; ++c) {
        float sum = 0;
        for (Index f = 0; f <= size; ++f) {
          sum += in.weight[static_cast<std::size_t>(c * encoded + first + f)] *
                 code[static_cast<std::size_t>(f)];
        }
        const float offset = number_or_zero(in.bias, x * in.width + c) +
                             number_or_zero(in.index, x * in.width + c) +
                             number_or_zero(in.type, (count > 0 ? in.width : 0) + c);
        tally.count(&Cost::mac, is_number ? 1 : 0);
        tally.count(&Cost::add);
        out.push_back(sum + offset);
      }
      first += size + 1;
    }
  }
  return out;
}

// cells: [rows, columns, width].
template <class Tally>
std::vector<float> readout_reference(const std::vector<float>& cells, Index rows, Index width,
                                     const std::vector<Index>& outputs, const std::vector<float>& weight,
                                     const std::vector<float>& bias, Tally& tally) {
  std::vector<float> out;
  const auto columns = static_cast<Index>(outputs.size());
  for (Index row = 0; row < rows; ++row) {
    Index o = 0;
    for (Index x = 0; x < columns; ++x) {
      for (Index j = 0; j < outputs[static_cast<std::size_t>(x)]; ++j, ++o) {
        float sum = 0;
        for (Index c = 0; c < width; ++c) {
          tally.count(&Cost::mac);
          sum += cells[static_cast<std::size_t>((row * columns + x) * width + c)] *
                 weight[static_cast<std::size_t>(o * width + c)];
        }
        tally.count(&Cost::add, bias.empty() ? 0 : 1);
        out.push_back(bias.empty() ? sum : sum + bias[static_cast<std::size_t>(o)]);
      }
    }
  }
  return out;
}

}  // namespace volley::test
