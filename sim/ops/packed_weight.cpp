// Repacks weights, once, when they are set.
#include "sim/ops/packed_weight.hpp"

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
    for (Index k = 0; k < layout.depth; ++k) {
      numbers[at(layout.offset(o, k))] = factor * weight[at(o * layout.depth + source[at(k)])];
    }
  }
  constants_[0] = packed;
}

void PackedWeight::set_bias(std::span<const float> bias) {
  constants_.resize(2);
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
    for (Index k = 0; k < layout_.depth; ++k) {
      float& number = weight[at(layout_.offset(o, k))];
      number = static_cast<float>(factor * static_cast<double>(number));
    }
    const float before = has_bias() ? std::get<Tensor>(constants_[1]).as<float>()[at(o)] : 0.0f;
    bias[at(o)] =
        static_cast<float>(factor * static_cast<double>(before) + static_cast<double>(shift[at(o)]));
  }
  set_bias(bias);
}

WeightView::WeightView(const WeightLayout& weight_layout, std::span<const Value> constants)
    : layout(weight_layout),
      weight(std::get<Tensor>(constants[0]).as<float>().data()),
      bias(constants.size() > 1 ? std::get<Tensor>(constants[1]).as<float>().data() : nullptr) {}

}  // namespace volley
