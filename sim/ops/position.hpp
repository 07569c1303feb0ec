// Adds a learned number to each token and channel: where a token stands.
//   y[t][b][n][c] = x[t][b][n][c] + weight[n][c]
// in: dense f32 [T B N C]. out: the same shape, dense f32.
// weight: [N C] or, as PyTorch models keep it, [1 N C]. [1]
// A. Dosovitskiy et al., An image is worth 16x16 words, ICLR 2021, equation (1).
#pragma once

#include "sim/op/kernel_table.hpp"

namespace volley {

class Position final : public Operator {
 public:
  static constexpr std::string_view op_kind = "embed.position";
  static void install(KernelTable& table);

  std::string_view kind() const override { return op_kind; }
  std::vector<WeightSlot> weight_slots() const override { return {{"weight"}}; }
  void set_weight(std::string_view slot, const std::vector<Index>& sizes,
                  std::span<const float> numbers) override;
  Form wanted_form(std::size_t, std::span<const ValueSpec>) const override { return Form::dense; }
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  std::span<const Value> constants() const override { return constants_; }
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;

 private:
  std::vector<Value> constants_ = std::vector<Value>(1);
};

}  // namespace volley
