// Rounds numbers to a few levels and back: quantised activations.
#pragma once

#include "sim/op/kernel_table.hpp"

namespace volley {

// Symmetric uniform fake quantisation of one tensor with one scale.
//   out = scale q, q = min(max(rint(in / scale), lowest), highest), -0 as 0
//   signed: highest = 2^(bits - 1) - 1, lowest = -highest; not signed: highest = 2^bits - 1, lowest = 0
// in, out: f32 [T B ...]. bits: width of q [bit], 2 to 16. scale: between two levels [in], more than 0.
// signed: are there levels below 0? rint rounds to the nearest integer, ties to the even one; division,
// clamping and product are float32, each rounded.
// Cost: special = places: scaling, rounding and clamping of a number as one, as the rescaling behind an
// integer sum does it. The products that read the value are counted where they are done.
// Source: Jacob et al., Quantization and training of neural networks for efficient integer-arithmetic-only
// inference, CVPR 2018, eq. 12, with zero point 0.
class Quantise final : public Operator {
 public:
  static constexpr std::string_view op_kind = "quantise";
  static void install(KernelTable& table);
  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  Form wanted_form(std::size_t, std::span<const ValueSpec>) const override { return Form::dense; }
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  bool silent_on_silence() const override { return true; }
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;

  float scale() const { return scale_; }
  float highest() const;
  float lowest() const { return is_signed_ ? -highest() : 0.0f; }

 private:
  Index bits_ = 0;
  float scale_ = 0.0f;
  bool is_signed_ = true;
};

// The greatest level of this width.
Index highest_level(Index bits, bool is_signed);

// What the kernel does with one number.
float quantised(float number, float scale, float lowest, float highest);

}  // namespace volley
