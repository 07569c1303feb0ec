// Repacks weights, once, when they are set.
#include "sim/ops/packed_weight.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "sim/base/check.hpp"

namespace volley {
namespace {

std::size_t at(Index i) {
  return static_cast<std::size_t>(i);
}

}  // namespace

Shape WeightLayout::shape() const {
  return is_tiled() ? Shape{{Axis::N, groups * tiles()}, {Axis::M, depth + 1}, {Axis::C, tile_columns}}
                    : Shape{{Axis::M, depth}, {Axis::C, all_outputs()}};
}

Index WeightLayout::offset(Index output, Index input) const {
  if (!is_tiled()) {
    return input * all_outputs() + output;
  }
  const Index column = output % outputs;
  return output / outputs * group_size() + (column / tile_columns * (depth + 1) + input) * tile_columns +
         column % tile_columns;
}

void check_norm(Index norm) {
  VOLLEY_CHECK(norm >= 1 && norm <= 64 && (norm & (norm - 1)) == 0, Fault::model,
               "norm is {}, wanted a power of two, 1 to 64", norm);
}

void PackedWeight::set(const WeightLayout& layout, std::span<const float> weight,
                       const std::vector<Index>& source, Index norm) {
  check_norm(norm);
  layout_ = layout;
  const float factor = 1.0f / static_cast<float>(norm);
  Tensor packed(Dtype::f32, layout.shape());
  const auto numbers = packed.as_mutable<float>();
  for (Index o = 0; o < layout.all_outputs(); ++o) {
    float* column = numbers.data() + layout.offset(o, 0);
    const float* row = weight.data() + o * layout.depth;
    for (Index k = 0; k < layout.depth; ++k) {
      column[k * layout.row_size()] = factor * row[source[at(k)]];
    }
  }
  constants_[0] = packed;
}

void PackedWeight::set_bias(std::span<const float> bias) {
  constants_[1] = tensor_of({{Axis::C, static_cast<Index>(bias.size())}}, bias);
}

void PackedWeight::scale_outputs(std::span<const float> scale, std::span<const float> shift) {
  const Index outputs = layout_.all_outputs();
  VOLLEY_ASSERT(static_cast<Index>(scale.size()) == outputs && static_cast<Index>(shift.size()) == outputs);
  VOLLEY_ASSERT(is_present(constants_[0]) && (!has_bias() || bias_size() == outputs));
  const auto weight = std::get<Tensor>(constants_[0]).as_mutable<float>();
  std::vector<float> bias(at(outputs));
  for (Index o = 0; o < outputs; ++o) {
    const double factor = scale[at(o)];
    float* column = weight.data() + layout_.offset(o, 0);
    for (Index k = 0; k < layout_.depth; ++k) {
      float& number = column[k * layout_.row_size()];
      number = static_cast<float>(factor * static_cast<double>(number));
    }
    const float before = has_bias() ? std::get<Tensor>(constants_[1]).as<float>()[at(o)] : 0.0f;
    bias[at(o)] =
        static_cast<float>(factor * static_cast<double>(before) + static_cast<double>(shift[at(o)]));
  }
  set_bias(bias);
}

void PackedWeight::round_to_bytes() {
  constexpr float greatest = 127.0f;
  VOLLEY_ASSERT(layout_.groups == 1 && !is_rounded());
  const WeightView before(layout_, constants_);
  Tensor bytes(Dtype::i8, layout_.byte_shape());
  Tensor scale(Dtype::f32, {{Axis::C, layout_.outputs}});
  Index most = 0;
  for (Index o = 0; o < layout_.outputs; ++o) {
    float size = 0.0f;
    for (Index k = 0; k < layout_.depth; ++k) {
      size = std::max(size, std::abs(before.at(o, k)));
    }
    Index above = 0;
    Index below = 0;
    const float step = size > 0.0f ? size / greatest : 1.0f;
    scale.as_mutable<float>()[at(o)] = step;
    for (Index k = 0; k < layout_.depth; ++k) {
      const float number = std::clamp(std::nearbyint(before.at(o, k) / step), -greatest, greatest);
      bytes.as_mutable<std::int8_t>()[at(layout_.byte_offset(o, k))] = static_cast<std::int8_t>(number);
      (number > 0.0f ? above : below) += static_cast<Index>(std::abs(number));
    }
    most = std::max({most, above, below});
  }
  layout_.fits_16 = most <= std::numeric_limits<std::int16_t>::max();
  constants_[0] = bytes;
  constants_[2] = scale;
}

namespace {

template <class Number>
const Number* numbers_of(const Value& value, Dtype dtype) {
  const auto* tensor = std::get_if<Tensor>(&value);
  return tensor == nullptr || tensor->dtype() != dtype ? nullptr : tensor->as<Number>().data();
}

}  // namespace

WeightView::WeightView(const WeightLayout& weight_layout, std::span<const Value> constants)
    : layout(weight_layout),
      weight(numbers_of<float>(constants[0], Dtype::f32)),
      bias(numbers_of<float>(constants[1], Dtype::f32)),
      bytes(numbers_of<std::int8_t>(constants[0], Dtype::i8)),
      scale(numbers_of<float>(constants[2], Dtype::f32)) {}

}  // namespace volley
