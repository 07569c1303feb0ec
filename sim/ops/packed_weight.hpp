// Weight and bias of a linear map, laid out as kernels read them.
#pragma once

#include <span>
#include <vector>

#include "sim/tensor/value.hpp"

namespace volley {

constexpr Index tile_columns = 32;  // 2 vectors of AVX-512: a tile of 512 rows stays in L2

// A weight has `groups` blocks of [outputs x depth]: depth inputs go to each output.
// Tiled: [group][tile][depth + 1][tile_columns], transposed; row `depth` and the columns past the last output
// are 0. Rows, where a group has too few outputs to fill a vector: [depth][groups * outputs], so that groups
// are the lanes.
struct WeightLayout {
  Index groups = 1, outputs = 0, depth = 0;

  bool is_tiled() const { return groups == 1 || outputs >= 16; }
  Index tiles() const { return (outputs + tile_columns - 1) / tile_columns; }
  Index group_size() const { return tiles() * (depth + 1) * tile_columns; }  // [floats], tiled
  Index all_outputs() const { return groups * outputs; }
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

  const WeightLayout& layout() const { return layout_; }
  bool has_bias() const { return constants_.size() > 1; }
  Index bias_size() const { return has_bias() ? std::get<Tensor>(constants_[1]).shape().count() : 0; }
  // weight, then the bias if there is one.
  std::span<const Value> constants() const { return constants_; }

 private:
  WeightLayout layout_;
  std::vector<Value> constants_ = std::vector<Value>(1);
};

// The constants of a call, read by a kernel on the host.
struct WeightView {
  const WeightLayout& layout;
  const float* weight;
  const float* bias;  // nullptr when there is none

  WeightView(const WeightLayout& layout, std::span<const Value> constants);
  float at(Index output, Index input) const { return weight[layout.offset(output, input)]; }
  float bias_or_zero(Index output) const { return bias == nullptr ? 0.0f : bias[output]; }
};

}  // namespace volley
