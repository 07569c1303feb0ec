// Joins values of the same shape: sum and product, place by place.
#pragma once

#include "sim/op/kernel_table.hpp"

namespace volley {

// Sum of its inputs, place by place: residuals.
//   out = in_1 + in_2 + ... + in_n, in this order
// in: 2 to 8 values of the same shape [T B ...]; out: the same shape. T = 1 is not broadcast.
// Binary and graded spikes give graded spikes whose levels are the sum of theirs, 64 at most. Bipolar spikes
// or a dense value among them: all are wanted dense, and out is f32. Cost: dense: add = places (n - 1).
// Spikes: add = unit events of all inputs but the first: each moves a count by one. Source: Fang et al.,
// SEW-ResNet, 2021 (ADD on spikes); membrane shortcuts: Hu et al., MS-ResNet, 2021.
class MergeAdd final : public Operator {
 public:
  static constexpr std::string_view op_kind = "merge.add";
  static constexpr std::size_t most_inputs = 8;
  static void install(KernelTable& table);
  std::string_view kind() const override { return op_kind; }
  Arity arity() const override { return {2, most_inputs}; }
  Form wanted_form(std::size_t slot, std::span<const ValueSpec> in) const override;
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  bool silent_on_silence() const override { return true; }
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;
};

// Product of two values, place by place: gates and masks.
//   out = in_1 in_2
// in: 2 values of the same shape [T B ...]; out: the same shape. Two binary spikes give binary spikes (AND);
// a binary spike and a dense value give the dense value where the spike is and 0 elsewhere; other spikes are
// wanted dense. Cost: with a binary input compare = places (an AND or a selection each); of two dense ones
// mac = places. Source: Fang et al., SEW-ResNet, 2021 (AND); Yao et al., Spike-driven Transformer, 2023 (mask
// by Hadamard product).
class MergeMultiply final : public Operator {
 public:
  static constexpr std::string_view op_kind = "merge.multiply";
  static void install(KernelTable& table);
  std::string_view kind() const override { return op_kind; }
  Arity arity() const override { return {2, 2}; }
  Form wanted_form(std::size_t slot, std::span<const ValueSpec> in) const override;
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  bool silent_on_silence() const override { return true; }
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;
  Index dense_mac(std::span<const ValueSpec> in) const override;
};

}  // namespace volley
