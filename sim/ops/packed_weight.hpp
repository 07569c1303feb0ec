// Weight and bias of a linear map, laid out as kernels read them.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "sim/tensor/value.hpp"

namespace volley {

constexpr Index tile_columns = 32;       // 2 vectors of AVX-512: a tile of 512 rows stays in L2
constexpr Index longest_depth = 0xFFFF;  // of lists of rows: the zero row's number, in 16 bits
constexpr Index byte_columns = 64;       // of weights in 8 bits: a tile of 512 rows stays in L1

// A weight has `groups` blocks of [outputs x depth]: depth inputs go to each output.
// Tiled: [group][tile][depth + 1][tile_columns], transposed; row `depth` and the columns past the last output
// are 0. Rows, where a group has too few outputs to fill a vector: [depth][groups * outputs], so that groups
// are the lanes.
struct WeightLayout {
  Index groups = 1, outputs = 0, depth = 0;
  bool fits_16 = false;  // rounded: the sum of any weights of an output, each once, has 16 bits

  Index words() const { return (outputs + byte_columns - 1) / byte_columns; }
  // Of weights in 8 bits, one group: [word][depth + 1][byte_columns].
  Shape byte_shape() const { return {{Axis::N, words()}, {Axis::M, depth + 1}, {Axis::C, byte_columns}}; }
  Index byte_offset(Index output, Index input) const {
    return (output / byte_columns * (depth + 1) + input) * byte_columns + output % byte_columns;
  }
  bool is_tiled() const { return groups == 1 || outputs >= 16; }
  Index tiles() const { return (outputs + tile_columns - 1) / tile_columns; }
  Index group_size() const { return tiles() * (depth + 1) * tile_columns; }  // [floats], tiled
  Index all_outputs() const { return groups * outputs; }
  Index row_size() const { return is_tiled() ? tile_columns : all_outputs(); }  // from input to input
  Shape shape() const;
  Index offset(Index output, Index input) const;  // output counts over all groups
};

// What a graded spike c is divided by: a power of two, so that dividing the weights instead is exact.
void check_norm(Index norm);  // throws Error

class PackedWeight {
 public:
  // weight: row-major [groups * outputs][depth], permuted in each row: input k stands at `source(k)`. Each
  // number is divided by norm.
  void set(const WeightLayout& layout, std::span<const float> weight, const std::vector<Index>& source,
           Index norm);
  void set_bias(std::span<const float> bias);
  void scale_outputs(std::span<const float> scale, std::span<const float> shift);  // see Foldable
  void round_to_bytes();                                                           // see Roundable; one group

  const WeightLayout& layout() const { return layout_; }
  bool has_bias() const { return is_present(constants_[1]); }
  bool is_rounded() const { return is_present(constants_[2]); }
  Index bias_size() const { return has_bias() ? std::get<Tensor>(constants_[1]).shape().count() : 0; }
  // Weight; bias, if there is one; scale of each output, if the weight is in 8 bits.
  std::span<const Value> constants() const { return constants_; }

 private:
  WeightLayout layout_;
  std::array<Value, 3> constants_;
};

// The constants of a call, read by a kernel on the host.
struct WeightView {
  const WeightLayout& layout;
  const float* weight;       // nullptr when it is rounded
  const float* bias;         // nullptr when there is none
  const std::int8_t* bytes;  // the rounded weight: weight[o][k] = scale[o] * bytes
  const float* scale;

  WeightView(const WeightLayout& layout, std::span<const Value> constants);
  float at(Index output, Index input) const {
    return bytes == nullptr ? weight[layout.offset(output, input)]
                            : scale[output] * static_cast<float>(byte_at(output, input));
  }
  std::int8_t byte_at(Index output, Index input) const { return bytes[layout.byte_offset(output, input)]; }
  float bias_or_zero(Index output) const { return bias == nullptr ? 0.0f : bias[output]; }
};

}  // namespace volley
