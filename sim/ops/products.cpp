// The products of linear and conv2d, counted pair by pair.
#include <cmath>

#include "sim/ops/conv2d.hpp"
#include "sim/ops/linear.hpp"

namespace volley {
namespace {

std::size_t at(Index i) {
  return static_cast<std::size_t>(i);
}

// For each input of a group: the outputs whose weight is not 0. [groups][depth]
std::vector<Index> live_outputs(const WeightView& weight, Operand& operand) {
  const WeightLayout& layout = weight.layout;
  std::vector<Index> live(at(layout.groups * layout.depth), 0);
  operand = {.numbers = Numbers::binary, .is_weight = true, .size = layout.all_outputs() * layout.depth};
  for (Index o = 0; o < layout.all_outputs(); ++o) {
    for (Index k = 0; k < layout.depth; ++k) {
      const float number = weight.at(o, k);
      operand.numbers = std::max(operand.numbers, kind_of(static_cast<double>(number)));
      if (number != 0.0f) {
        ++live[at(o / layout.outputs * layout.depth + k)];
        ++operand.nonzero;
      }
    }
  }
  operand.units = operand.nonzero;  // a weight has no events: each counts once
  return live;
}

// One number of the input with the weights that it meets; live of them are not 0.
void add_pairs(Product& product, float number, Index pairs, Index live) {
  product.dense += pairs;
  product.event_b += live;
  product.units_b += live;
  if (number == 0.0f) {
    return;
  }
  product.event_a += pairs;
  product.coincidence += live;
  const bool is_count = product.a.numbers != Numbers::real;
  product.units_a += is_count ? pairs * static_cast<Index>(std::abs(number)) : pairs;
}

Product product_of(std::string_view name, const Value& in, std::span<const float> numbers) {
  Product product;
  product.name = name;
  product.driven = spec_of(in).is_spikes() ? Driven::a : Driven::none;
  product.a = operand_of(numbers);
  return product;
}

}  // namespace

std::vector<Product> Linear::products(std::span<const Value> in) const {
  const Tensor x = as_dense(in[0]);
  const auto numbers = x.as<float>();
  const Index rows = x.shape().rows();
  Product product = product_of(product_names::linear, in[0], numbers);
  const auto live = live_outputs({layout(), constants()}, product.b);
  for (Index row = 0; row < rows; ++row) {
    for (Index c = 0; c < layout().depth; ++c) {
      add_pairs(product, numbers[at(row * layout().depth + c)], layout().outputs, live[at(c)]);
    }
  }
  product.dense_padded = product.dense;
  product.bias = weight_.has_bias() ? rows * layout().outputs : 0;
  return {product};
}

std::vector<Product> Conv2d::products(std::span<const Value> in) const {
  const Tensor x = as_dense(in[0]);
  const auto numbers = x.as<float>();
  const Shape& shape = x.shape();
  const Index height = shape[Axis::Y];
  const Index width = shape[Axis::X];
  const Index group_channels = channels_ / groups_;
  Product product = product_of(product_names::conv, in[0], numbers);
  const auto live = live_outputs({layout(), constants()}, product.b);
  const Index places = out_size(height, kernel_y_) * out_size(width, kernel_x_);
  for (Index place = 0; place < places; ++place) {
    const Index oy = place / out_size(width, kernel_x_);
    const Index ox = place % out_size(width, kernel_x_);
    for (Index tap = 0; tap < kernel_y_ * kernel_x_; ++tap) {
      const Index y = oy * stride_ + tap / kernel_x_ - padding_;
      const Index column = ox * stride_ + tap % kernel_x_ - padding_;
      if (y < 0 || y >= height || column < 0 || column >= width) {
        continue;
      }
      for (Index c = 0; c < channels_; ++c) {
        const Index from =
            y * shape.stride(Axis::Y) + column * shape.stride(Axis::X) + c * shape.stride(Axis::C);
        const Index input = c / group_channels * layout().depth + tap * group_channels + c % group_channels;
        add_pairs(product, numbers[at(from)], layout().outputs, live[at(input)]);
      }
    }
  }
  product.dense_padded = places * layout().all_outputs() * layout().depth;
  product.bias = weight_.has_bias() ? places * layout().all_outputs() : 0;
  return {product};
}

}  // namespace volley
