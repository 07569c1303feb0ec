// What dense networks need: layer norm, GELU, ReLU.
#pragma once

#include "sim/op/kernel_table.hpp"

namespace volley {

// An operator of one dense value that keeps its shape.
class DenseOperator : public Operator {
 public:
  Form wanted_form(std::size_t, std::span<const ValueSpec>) const override { return Form::dense; }
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
};

// Each row of channels to mean 0 and variance 1, then scaled and moved.
//   out = (in - m) / sqrt(v + eps) weight + bias, m and v the mean and the (biased) variance over C
// in, out: f32 [T B ... C]. weight, bias: [C], either may be missing (1, 0). eps: added to the variance
// [in^2]. Mean, variance and the rest in float64, C ascending; rounded to f32 once, at the end. Cost of a
// row: add = 2 C (sum of the mean C - 1, differences C, eps 1), mac = 2 C (squares, scaling), one more C with
// weight or bias, special = 4 (two divisions by C, root, reciprocal).
// Source: Ba, Kiros, Hinton, Layer normalization, 2016, eq. 4.
class LayerNorm final : public DenseOperator {
 public:
  static constexpr std::string_view op_kind = "layer_norm";
  static void install(KernelTable& table);
  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  std::vector<WeightSlot> weight_slots() const override {
    return {{"weight", Need::optional}, {"bias", Need::optional}};
  }
  void set_weight(std::string_view slot, const std::vector<Index>& sizes,
                  std::span<const float> numbers) override;
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  std::span<const Value> constants() const override { return affine_; }
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;
  Index dense_mac(std::span<const ValueSpec> in) const override;

  float eps() const { return eps_; }

 private:
  Index mac_per_number() const { return affine_.empty() ? 2 : 3; }

  float eps_ = 1e-5f;
  std::vector<Value> affine_;  // weight and bias, or nothing
};

enum class GeluForm : std::uint8_t { erf, tanh };

// The Gaussian error linear unit.
//   out = in / 2 (1 + erf(in / sqrt 2)); approximate = tanh: in / 2 (1 + tanh(sqrt(2 / pi) (in + 0.044715
//   in^3)))
// in, out: f32 [T B ...]. In float64, rounded to f32 once. Cost: special = numbers, the whole curve as one.
// Source: Hendrycks, Gimpel, Gaussian error linear units, 2016, 2.
class Gelu final : public DenseOperator {
 public:
  static constexpr std::string_view op_kind = "gelu";
  static void install(KernelTable& table);
  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  bool silent_on_silence() const override { return true; }
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;

  GeluForm form() const { return form_; }

 private:
  GeluForm form_ = GeluForm::erf;
};

// The positive part.
//   out = max(in, 0)
// in, out: f32 [T B ...]. Cost: compare = numbers.
class Relu final : public DenseOperator {
 public:
  static constexpr std::string_view op_kind = "relu";
  static void install(KernelTable& table);
  std::string_view kind() const override { return op_kind; }
  bool silent_on_silence() const override { return true; }
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;
};

}  // namespace volley
