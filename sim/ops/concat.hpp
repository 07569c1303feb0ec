// Puts the channels of several values side by side.
#pragma once

#include "sim/op/kernel_table.hpp"

namespace volley {

// Concatenation along C.
//   out[.. c] = in_i[.. c - C_1 - ... - C_{i-1}], the channels of in_1 first, then those of in_2, ...
// in: 2 to 8 values [T B ... C], all axes but C the same; out: [T B ... C = sum of theirs]. T = 1 is not
// broadcast.
// Spikes of one code keep it; binary beside graded gives graded with the most levels among them, binary
// beside bipolar gives bipolar. Bipolar beside graded, or a dense value among them: all are wanted dense,
// and out is f32. Nothing is counted: numbers only move.
// Source: [Z; Phi(t)] of Xu et al., NeurIPS 2019; Huang et al., DenseNet, 2017, equation (2).
class MergeConcat final : public Operator {
 public:
  static constexpr std::string_view op_kind = "merge.concat";
  static constexpr std::size_t most_inputs = 8;
  static void install(KernelTable& table);
  std::string_view kind() const override { return op_kind; }
  Arity arity() const override { return {2, most_inputs}; }
  Form wanted_form(std::size_t slot, std::span<const ValueSpec> in) const override;
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  bool silent_on_silence() const override { return true; }
  Cost cost(std::span<const Activity>, std::span<const Activity>) const override { return {}; }
};

}  // namespace volley
