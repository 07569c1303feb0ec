// QKFormer: sums of q over channels or tokens mask k.
#pragma once

#include "attention/heads.hpp"
#include "sim/op/kernel_table.hpp"

namespace volley {

// The first half of Q-K token attention (QKTA): how many channels of a head fire in each token.
//   out_nh = sum over the channels c of head h of q_nc        a = LIF(out), V_th = 0.5;  y = a o k
// In: q binary [T B N C]. Out: f32 [T B N C=H], integers 0 .. d, for a neuron.lif of threshold 0.5 that makes
// a, and from there attention.token_mask with k. heads: number of heads H, d = C / H [1]. Zhou et al.,
// QKFormer, NeurIPS 2024 (code: attn_lif).
//
// Counted: ac = nnz(q).
class TokenSum final : public Operator {
 public:
  static constexpr std::string_view op_kind = "attention.token_sum";
  static void install(KernelTable& table);

  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  Form wanted_form(std::size_t slot, std::span<const ValueSpec> in) const override;
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  bool silent_on_silence() const override { return true; }
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;

  Index heads() const { return heads_; }

 private:
  Index heads_ = 0;
};

// The second half of QKTA: lets through the tokens of k that a has set, head by head.
//   out_nc = a_nh AND k_nc for the channels c of head h
// In: a binary [T B N C=H], k binary [T B N C]. Out: binary [T B N C]. No parameters: H is C of a. Zhou et
// al., QKFormer, NeurIPS 2024 (code: attn_lif).
//
// Counted: compare = N C.
class TokenMask final : public Operator {
 public:
  static constexpr std::string_view op_kind = "attention.token_mask";
  static void install(KernelTable& table);

  std::string_view kind() const override { return op_kind; }
  Arity arity() const override { return {2, 2}; }
  Form wanted_form(std::size_t slot, std::span<const ValueSpec> in) const override;
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  bool silent_on_silence() const override { return true; }
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;
};

// The first half of Q-K channel attention (QKCA): how many tokens fire in each channel.
//   out_c = sum_n q_nc        a = LIF(out);  y = a o k
// In: q binary [T B N C]. Out: f32 [T B N=1 C], integers 0 .. N, for a neuron.lif (its threshold is not
// published: 0.5, as in QKTA, is our choice), and from there attention.column_mask with k. No parameters.
// Zhou et al., QKFormer, NeurIPS 2024 (QKCA is in the paper only).
//
// Counted: ac = nnz(q).
class ChannelSum final : public Operator {
 public:
  static constexpr std::string_view op_kind = "attention.channel_sum";
  static void install(KernelTable& table);

  std::string_view kind() const override { return op_kind; }
  Form wanted_form(std::size_t slot, std::span<const ValueSpec> in) const override;
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  bool silent_on_silence() const override { return true; }
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;
};

}  // namespace volley
