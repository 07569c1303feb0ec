// Conv2d: parameters, checks and cost.
#include "sim/ops/conv2d.hpp"

#include <numeric>

namespace volley {
namespace {

bool has_axes(const Shape& shape, std::initializer_list<Axis> axes) {
  return std::equal(shape.extents.begin(), shape.extents.end(), axes.begin(), axes.end(),
                    [](const Extent& extent, Axis axis) { return extent.axis == axis; });
}

Index sum_of(const std::vector<Index>& numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), Index{0});
}

}  // namespace

void Conv2d::visit(ParamVisitor& visitor) {
  visitor.integer("stride", stride_, "from one output to the next [places]");
  visitor.integer("padding", padding_, "zeros on each side [places]");
  visitor.integer("groups", groups_, "parts of the channels that don't see each other [1]");
  visitor.integer("norm", norm_, "a spike c stands for c / norm, a power of two [1]");
}

void Conv2d::set_weight(std::string_view slot, const std::vector<Index>& sizes,
                        std::span<const float> numbers) {
  if (slot == "bias") {
    VOLLEY_CHECK(sizes.size() == 1, Fault::model, "bias has {} axes, wanted 1", sizes.size());
    weight_.set_bias(numbers);
    return;
  }
  VOLLEY_CHECK(sizes.size() == 4, Fault::model, "weight has {} axes, wanted 4: [out in/groups ky kx]",
               sizes.size());
  VOLLEY_CHECK(sizes[0] > 0 && sizes[1] > 0 && sizes[2] > 0 && sizes[3] > 0, Fault::model,
               "weight is [{} {} {} {}], wanted no empty axis", sizes[0], sizes[1], sizes[2], sizes[3]);
  VOLLEY_CHECK(groups_ >= 1 && sizes[0] % groups_ == 0, Fault::model,
               "groups is {}, wanted a divisor of the {} outputs of the weight", groups_, sizes[0]);
  channels_ = sizes[1] * groups_;
  kernel_y_ = sizes[2];
  kernel_x_ = sizes[3];
  const Index taps = kernel_y_ * kernel_x_;
  std::vector<Index> source;  // input (tap, channel) stands at (channel, tap) in the file
  for (Index tap = 0; tap < taps; ++tap) {
    for (Index c = 0; c < sizes[1]; ++c) {
      source.push_back(c * taps + tap);
    }
  }
  weight_.set({groups_, sizes[0] / groups_, taps * sizes[1]}, numbers, source, norm_);
}

std::string Conv2d::weight_text() const {
  return fmt::format("[{} {} {} {}]", outputs(), channels_ / groups_, kernel_y_, kernel_x_);
}

std::vector<ValueSpec> Conv2d::infer(std::span<const ValueSpec> in, Index) const {
  const ValueSpec& x = in[0];
  VOLLEY_CHECK(outputs() > 0, Fault::model, "weight is missing");
  VOLLEY_CHECK(stride_ >= 1, Fault::model, "stride is {}, wanted 1 or more", stride_);
  VOLLEY_CHECK(padding_ >= 0 && padding_ <= std::max(kernel_y_, kernel_x_), Fault::model,
               "padding is {}, wanted 0 or more and at most the kernel {} x {}", padding_, kernel_y_,
               kernel_x_);
  require_numbers(x, "in");
  const bool is_image = x.is_dense() && has_axes(x.shape, {Axis::T, Axis::B, Axis::C, Axis::Y, Axis::X});
  VOLLEY_CHECK(is_image || has_axes(x.shape, {Axis::T, Axis::B, Axis::Y, Axis::X, Axis::C}), Fault::model,
               "the input is {}, wanted axes [T B Y X C], or dense [T B C Y X]", text(x));
  VOLLEY_CHECK(x.shape[Axis::C] == channels_, Fault::model,
               "C of input is {}, wanted {} as in weight {}, groups {}", x.shape[Axis::C], channels_,
               weight_text(), groups_);
  const Index y = x.shape[Axis::Y];
  const Index width = x.shape[Axis::X];
  VOLLEY_CHECK(y + 2 * padding_ >= kernel_y_ && width + 2 * padding_ >= kernel_x_, Fault::model,
               "the input is {} x {} with padding {}, smaller than the kernel {} x {}", y, width, padding_,
               kernel_y_, kernel_x_);
  VOLLEY_CHECK(!weight_.has_bias() || weight_.bias_size() == outputs(), Fault::model,
               "bias has {} numbers, wanted {} as in weight {}", weight_.bias_size(), outputs(),
               weight_text());
  return {dense_spec({{Axis::T, x.shape[Axis::T]},
                      {Axis::B, x.shape[Axis::B]},
                      {Axis::Y, out_size(y, kernel_y_)},
                      {Axis::X, out_size(width, kernel_x_)},
                      {Axis::C, outputs()}})};
}

// For each place along one axis: the outputs that it reaches.
std::vector<Index> Conv2d::reach(Index in_size, Index kernel) const {
  std::vector<Index> counts(static_cast<std::size_t>(in_size), 0);
  for (Index o = 0; o < out_size(in_size, kernel); ++o) {
    for (Index k = 0; k < kernel; ++k) {
      const Index i = o * stride_ + k - padding_;
      if (i >= 0 && i < in_size) {
        ++counts[static_cast<std::size_t>(i)];
      }
    }
  }
  return counts;
}

Cost Conv2d::cost(std::span<const Activity> in, std::span<const Activity>) const {
  const ValueSpec& x = in[0].spec;
  const Index width = x.shape[Axis::X];
  Cost cost;
  if (x.is_dense()) {
    cost.mac = dense_mac(std::vector{x});
  } else {
    const auto reach_y = reach(x.shape[Axis::Y], kernel_y_);
    const auto reach_x = reach(width, kernel_x_);
    for (std::size_t i = 0; i < in[0].marginal.size(); ++i) {
      cost.ac += in[0].marginal[i] * reach_y[i / static_cast<std::size_t>(width)] *
                 reach_x[i % static_cast<std::size_t>(width)];
    }
    cost.ac *= layout().outputs;
  }
  if (weight_.has_bias()) {
    cost.add =
        x.shape[Axis::B] * out_size(x.shape[Axis::Y], kernel_y_) * out_size(width, kernel_x_) * outputs();
  }
  return cost;
}

Index Conv2d::dense_mac(std::span<const ValueSpec> in) const {
  const Shape& x = in[0].shape;
  return x[Axis::T] * x[Axis::B] * x[Axis::C] * sum_of(reach(x[Axis::Y], kernel_y_)) *
         sum_of(reach(x[Axis::X], kernel_x_)) * layout().outputs;
}

}  // namespace volley
