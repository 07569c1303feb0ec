// A scale and a shift for each channel, given as they are or as statistics of batch normalisation.
//   affine:      y = scale[c] x + shift[c]
//   batch_norm:  y = alpha[c] x + beta[c],  alpha = weight / sqrt(variance + eps),  beta = bias - mean alpha
// in: dense f32, axes with C anywhere. out: the same shape, dense f32.
// scale, shift, weight, bias (optional: 1 and 0), mean, variance: one number for each channel [1]. eps: [1].
// S. Ioffe and C. Szegedy, Batch normalization, ICML 2015. alpha and beta are rounded to float in the order
// of PyTorch (aten/src/ATen/native/cpu/batch_norm_kernel.cpp), so an unfolded run agrees with its eval mode.
// Cost: no published convention prices it, since a pass folds it away; an unfolded one is 2 add for each
// element (one for the scale, one for the shift), no mac.
#pragma once

#include "sim/op/foldable.hpp"
#include "sim/op/kernel_table.hpp"

namespace volley {

// What both kinds share.
class ChannelAffine : public Operator, public ScaleAndShift {
 public:
  Form wanted_form(std::size_t, std::span<const ValueSpec>) const override { return Form::dense; }
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  std::span<const Value> constants() const override { return constants_; }
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;

 protected:
  // Sets the constants, scale then shift, once all weights are there.
  void prepare();

 private:
  std::vector<Value> constants_ = std::vector<Value>(2);
};

class Affine final : public ChannelAffine {
 public:
  static constexpr std::string_view op_kind = "affine";
  static void install(KernelTable& table);

  std::string_view kind() const override { return op_kind; }
  std::vector<WeightSlot> weight_slots() const override { return {{"scale"}, {"shift"}}; }
  void set_weight(std::string_view slot, const std::vector<Index>& sizes,
                  std::span<const float> numbers) override;
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;

  std::vector<float> scale() const override { return scale_; }
  std::vector<float> shift() const override { return shift_; }

 private:
  std::vector<float> scale_, shift_;
};

class BatchNorm final : public ChannelAffine {
 public:
  static constexpr std::string_view op_kind = "batch_norm";
  static void install(KernelTable& table);

  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  std::vector<WeightSlot> weight_slots() const override {
    return {{"weight", Need::optional}, {"bias", Need::optional}, {"mean"}, {"variance"}};
  }
  void set_weight(std::string_view slot, const std::vector<Index>& sizes,
                  std::span<const float> numbers) override;
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;

  std::vector<float> scale() const override;
  std::vector<float> shift() const override;

 private:
  float eps_ = 1e-5f;
  std::vector<float> weight_, bias_, mean_, variance_;
};

}  // namespace volley
