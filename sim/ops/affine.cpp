// Affine and batch norm: checks, and one loop for both.
#include "sim/ops/affine.hpp"

#include <cmath>

#include "sim/base/parallel.hpp"
#include "sim/ops/input_checks.hpp"

namespace volley {
namespace {

std::vector<float> one_axis(std::string_view slot, const std::vector<Index>& sizes,
                            std::span<const float> numbers) {
  VOLLEY_CHECK(sizes.size() == 1, Fault::model, "{} has {} axes, wanted 1", slot, sizes.size());
  return {numbers.begin(), numbers.end()};
}

void check_size(std::string_view slot, const std::vector<float>& numbers, Index channels) {
  VOLLEY_CHECK(static_cast<Index>(numbers.size()) == channels, Fault::model,
               "{} has {} numbers, wanted {} as C of input", slot, numbers.size(), channels);
}

Index channels_of(std::span<const ValueSpec> in) {
  require_f32(in[0], "in");
  VOLLEY_CHECK(in[0].shape.has(Axis::C), Fault::model, "the input is {}, wanted an axis C", text(in[0]));
  return in[0].shape[Axis::C];
}

void reference(const Call& call) {
  const auto& in = std::get<Tensor>(call.in[0]);
  const auto x = in.as<float>();
  const auto out = std::get<Tensor>(call.out[0]).as_mutable<float>();
  const auto scale = std::get<Tensor>(call.constants[0]).as<float>();
  const auto shift = std::get<Tensor>(call.constants[1]).as<float>();
  const Index channels = in.shape()[Axis::C];
  const Index stride = in.shape().stride(Axis::C);
  if (in.shape().count() == 0) {
    return;
  }
  for_each_block(in.shape().count() / (channels * stride), 64, [&](Index begin, Index end) {
    std::size_t i = static_cast<std::size_t>(begin * channels * stride);
    for (Index outer = begin; outer < end; ++outer) {
      for (std::size_t c = 0; c < scale.size(); ++c) {
        for (Index inner = 0; inner < stride; ++inner, ++i) {
          out[i] = scale[c] * x[i] + shift[c];
        }
      }
    }
  });
}

}  // namespace

std::vector<ValueSpec> ChannelAffine::infer(std::span<const ValueSpec> in, Index) const {
  return {dense_spec(in[0].shape)};
}

Cost ChannelAffine::cost(std::span<const Activity> in, std::span<const Activity>) const {
  Cost cost;
  cost.add = 2 * in[0].spec.shape.count();
  return cost;
}

void ChannelAffine::prepare() {
  const auto scales = scale();
  const auto shifts = shift();
  if (scales.empty() || scales.size() != shifts.size()) {
    return;
  }
  const Shape shape{{Axis::C, static_cast<Index>(scales.size())}};
  constants_[0] = tensor_of(shape, scales);
  constants_[1] = tensor_of(shape, shifts);
}

void Affine::install(KernelTable& table) {
  table.add(op_kind, {"reference", Device::cpu, Exactness::bits, accepts_all, reference});
}

void Affine::set_weight(std::string_view slot, const std::vector<Index>& sizes,
                        std::span<const float> numbers) {
  (slot == "scale" ? scale_ : shift_) = one_axis(slot, sizes, numbers);
  prepare();
}

std::vector<ValueSpec> Affine::infer(std::span<const ValueSpec> in, Index steps) const {
  const Index channels = channels_of(in);
  check_size("scale", scale_, channels);
  check_size("shift", shift_, channels);
  return ChannelAffine::infer(in, steps);
}

void BatchNorm::install(KernelTable& table) {
  table.add(op_kind, {"reference", Device::cpu, Exactness::bits, accepts_all, reference});
}

void BatchNorm::visit(ParamVisitor& visitor) {
  visitor.real("eps", eps_, "added to the variance [1]");
}

void BatchNorm::set_weight(std::string_view slot, const std::vector<Index>& sizes,
                           std::span<const float> numbers) {
  auto& held = slot == "weight" ? weight_ : slot == "bias" ? bias_ : slot == "mean" ? mean_ : variance_;
  held = one_axis(slot, sizes, numbers);
  prepare();
}

std::vector<ValueSpec> BatchNorm::infer(std::span<const ValueSpec> in, Index steps) const {
  const Index channels = channels_of(in);
  check_size("mean", mean_, channels);
  check_size("variance", variance_, channels);
  if (!weight_.empty()) {
    check_size("weight", weight_, channels);
  }
  if (!bias_.empty()) {
    check_size("bias", bias_, channels);
  }
  VOLLEY_CHECK(eps_ >= 0.0f, Fault::model, "eps is {}, wanted 0 or more", eps_);
  for (std::size_t c = 0; c < variance_.size(); ++c) {
    VOLLEY_CHECK(variance_[c] >= 0.0f && variance_[c] + eps_ > 0.0f, Fault::model,
                 "variance of channel {} is {} with eps {}, wanted a sum above 0", c, variance_[c], eps_);
  }
  return ChannelAffine::infer(in, steps);
}

std::vector<float> BatchNorm::scale() const {
  std::vector<float> alpha(variance_.size());
  for (std::size_t c = 0; c < alpha.size(); ++c) {
    const float inverse = 1.0f / std::sqrt(variance_[c] + eps_);
    alpha[c] = inverse * (c < weight_.size() ? weight_[c] : 1.0f);
  }
  return alpha;
}

std::vector<float> BatchNorm::shift() const {
  const std::vector<float> alpha = scale();
  std::vector<float> beta(std::min(alpha.size(), mean_.size()));
  for (std::size_t c = 0; c < beta.size(); ++c) {
    beta[c] = (c < bias_.size() ? bias_[c] : 0.0f) - mean_[c] * alpha[c];
  }
  return beta;
}

}  // namespace volley
