// Linear map of the last axis: the weight rows of the spikes are summed.
//   y[o] = sum over c of x[c] / norm weight[o][c] + bias[o]
// in: [T B ... C], dense f32 or spikes; the last axis is C. out: dense f32, C has the size `out` of weight
// [out in]. norm: a spike c stands for c / norm, a power of two; the weights are divided, exactly [1].
// weight: [1]. bias: [1], optional. Each sum runs over c ascending with one accumulator, the bias comes last;
// a graded spike's product is rounded first.
#pragma once

#include "sim/op/foldable.hpp"
#include "sim/op/kernel_table.hpp"
#include "sim/op/roundable.hpp"
#include "sim/ops/input_checks.hpp"
#include "sim/ops/packed_weight.hpp"

namespace volley {

class Linear final : public Operator, public Foldable, public Roundable {
 public:
  static constexpr std::string_view op_kind = "linear";
  static void install(KernelTable& table);

  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  std::vector<WeightSlot> weight_slots() const override { return {{"weight"}, {"bias", Need::optional}}; }
  void set_weight(std::string_view slot, const std::vector<Index>& sizes,
                  std::span<const float> numbers) override;
  Form wanted_form(std::size_t slot, std::span<const ValueSpec> in) const override {
    return spikes_or_dense(in[slot]);
  }
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  std::span<const Value> constants() const override { return weight_.constants(); }
  bool silent_on_silence() const override { return !weight_.has_bias(); }
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;
  std::vector<Product> products(std::span<const Value> in) const override;
  Index dense_mac(std::span<const ValueSpec> in) const override;

  Index outputs() const override { return layout().outputs; }
  void scale_outputs(std::span<const float> scale, std::span<const float> shift) override {
    weight_.scale_outputs(scale, shift);
  }
  bool can_round() const override { return layout().depth <= longest_depth; }
  void round_weights() override { weight_.round_to_bytes(); }
  bool is_rounded() const override { return weight_.is_rounded(); }

  const WeightLayout& layout() const { return weight_.layout(); }

 private:
  Index norm_ = 1;
  PackedWeight weight_;
};

}  // namespace volley
