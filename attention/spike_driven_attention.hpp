// SDSA-1: attention by masks and column sums, and the column mask.
#pragma once

#include "attention/heads.hpp"
#include "sim/op/kernel_table.hpp"

namespace volley {

// Spike-driven self-attention of V1: how often k and v fire together in each channel, over the tokens.
//   out_c = sum_n k_nc AND v_nc        y = q o g with g = LIF(out), V_th = 0.5
// In: k and v binary [T B N C]. Out: "out" f32 [T B N=1 C], integers, for a neuron.lif of threshold 0.5 that
// makes g, and from there attention.column_mask with q; "kv" binary [T B N C] = k AND v. No parameters: heads
// change nothing, since every channel is alone. Yao et al., Spike-driven Transformer, NeurIPS 2023
// (SDSA-1; code: talking_heads_lif). SDSA-3 of Meta-SpikeFormer (V2) is attention.ssa with order q_kv.
//
// Counted: compare = N C (k AND v, every place), ac = nnz(kv): each coincidence is one addition.
class SpikeDrivenAttention final : public Operator {
 public:
  static constexpr std::string_view op_kind = "attention.sdsa1";
  static void install(KernelTable& table);

  std::string_view kind() const override { return op_kind; }
  Arity arity() const override { return {2, 2}; }
  std::vector<std::string_view> output_names() const override { return {"out", "kv"}; }
  Form wanted_form(std::size_t slot, std::span<const ValueSpec> in) const override;
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  bool cost_needs_output(std::size_t output) const override { return output == 1; }
  bool silent_on_silence() const override { return true; }
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;
};

// Lets through the channels that g has set, in every token.
//   out_nc = q_nc AND g_c
// In: q binary [T B N C], g binary [T B N=1 C]. Out: binary [T B N C]. No parameters. Yao et al., as above;
// as the mask of QKCA (k in the place of q): Zhou et al., QKFormer, NeurIPS 2024.
//
// Counted: compare = N C.
class ColumnMask final : public Operator {
 public:
  static constexpr std::string_view op_kind = "attention.column_mask";
  static void install(KernelTable& table);

  std::string_view kind() const override { return op_kind; }
  Arity arity() const override { return {2, 2}; }
  Form wanted_form(std::size_t slot, std::span<const ValueSpec> in) const override;
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  bool silent_on_silence() const override { return true; }
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;
};

// What the binary operators of attention share: spikes are taken as they come, all else as dense numbers,
// which check_binary refuses.
inline Form binary_form(const ValueSpec& spec) {
  return spec.is_dense() ? Form::dense : Form::spikes;
}
void check_binary(const ValueSpec& spec, std::string_view input);

}  // namespace volley
