// Convolution in two dimensions: the kernel rows of the spikes are summed.
//   y[oy][ox][o] = sum over ky, kx, c of x[oy stride + ky - padding][ox stride + kx - padding][c] / norm
//   weight[o][c][ky][kx]
//                  + bias[o]
// in: spikes or dense f32 [T B Y X C], or dense f32 [T B C Y X] (an image as files hold it). out: dense f32
// [T B Y X C]; Y and X are (size + 2 padding - kernel) / stride + 1. weight is [out in/groups ky kx]; output
// o sees the channels of its group only. stride: [places]. padding: zeros on each side, at most
// as wide as the kernel: then outputs at the rim are the bias alone [places]. groups: [1]. norm: a spike c
// stands for c / norm, a power of two; the weights are divided, exactly [1]. weight: [1]. bias: [1],
// optional. Each sum runs over ky, kx, then c ascending with one accumulator, the bias comes last; places
// outside are left out. ac: each unit event times the outputs that it reaches (borders exact).
#pragma once

#include "sim/op/foldable.hpp"
#include "sim/op/kernel_table.hpp"
#include "sim/op/roundable.hpp"
#include "sim/ops/input_checks.hpp"
#include "sim/ops/packed_weight.hpp"

namespace volley {

class Conv2d final : public Operator, public Foldable, public Roundable {
 public:
  static constexpr std::string_view op_kind = "conv2d";
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
  std::vector<Axis> activity_axes(std::size_t) const override { return {Axis::Y, Axis::X}; }
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;
  std::vector<Product> products(std::span<const Value> in) const override;
  Index dense_mac(std::span<const ValueSpec> in) const override;

  Index outputs() const override { return layout().all_outputs(); }
  void scale_outputs(std::span<const float> scale, std::span<const float> shift) override {
    weight_.scale_outputs(scale, shift);
  }

  bool can_round() const override { return layout().groups == 1 && layout().depth <= longest_depth; }
  void round_weights() override { weight_.round_to_bytes(); }
  bool is_rounded() const override { return weight_.is_rounded(); }

  const WeightLayout& layout() const { return weight_.layout(); }
  Index kernel_y() const { return kernel_y_; }
  Index kernel_x() const { return kernel_x_; }
  Index stride() const { return stride_; }
  Index padding() const { return padding_; }
  Index channels() const { return channels_; }  // of the input, all groups
  Index out_size(Index in_size, Index kernel) const {
    return (in_size + 2 * padding_ - kernel) / stride_ + 1;
  }

 private:
  std::vector<Index> reach(Index in_size, Index kernel) const;
  std::string weight_text() const;

  Index stride_ = 1;
  Index padding_ = 0;
  Index groups_ = 1;
  Index norm_ = 1;
  Index channels_ = 0;
  Index kernel_y_ = 0;
  Index kernel_x_ = 0;
  PackedWeight weight_;
};

}  // namespace volley
