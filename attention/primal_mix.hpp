// Spiking primal attention: in front of its scores, and behind them.
#pragma once

#include "sim/op/kernel_table.hpp"

namespace volley {

// One small matrix for all heads, which turns the scores of a token into its output.
//   out_h = W_c [e; r]_h + b_c
// In: spikes [T B N C=2 H s], as attention.primal_scores gives them. Out: f32 [T B N C=H d].
// heads: number of heads H [1]. Weights: concate_weight [d 2s], concate_bias [d].
// W_c of Chen, Tao, Tonin, Suykens, Primal-Attention, NeurIPS 2023, on spikes.
//
// Counted: d ac for each unit event, an addition for each output (the bias).
class PrimalMix final : public Operator {
 public:
  static constexpr std::string_view op_kind = "attention.primal_mix";
  static void install(KernelTable& table);

  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  std::vector<WeightSlot> weight_slots() const override { return {{"concate_weight"}, {"concate_bias"}}; }
  void set_weight(std::string_view slot, const std::vector<Index>& sizes,
                  std::span<const float> numbers) override;
  std::span<const Value> constants() const override { return weights_; }
  Form wanted_form(std::size_t slot, std::span<const ValueSpec> in) const override;
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;
  std::vector<Product> products(std::span<const Value> in) const override;
  Index dense_mac(std::span<const ValueSpec> in) const override;

  Index heads() const { return heads_; }
  Index width() const { return bias_width_; }       // d
  Index inputs() const { return weight_columns_; }  // 2 s

 private:
  Index heads_ = 0;
  Index weight_rows_ = 0, weight_columns_ = 0, bias_width_ = 0;  // 0: the weight is missing
  std::vector<Value> weights_ = std::vector<Value>(2);           // W_c as [2s d], b_c
};

// Ternary spikes of a leaky sum over the tokens so far, in each step alone: the causal feature.
//   m_n = decay m_{n-1} + x_n,  out_n = sign(m_n) [|m_n| >= threshold],  m_{-1} = 0
// The sum is not reset: it stands for the running mean of causal Primal-Attention.
// In: f32 [T B N C]. Out: bipolar [T B N C]. decay: share of the sum that stays, in (0, 1] [1]. threshold:
// above 0 [input].
// Our definition. Counted: a neuron update for each place.
class RunningSpikes final : public Operator {
 public:
  static constexpr std::string_view op_kind = "attention.running_spikes";
  static void install(KernelTable& table);

  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  Form wanted_form(std::size_t, std::span<const ValueSpec>) const override { return Form::dense; }
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;

  float decay() const { return decay_; }
  float threshold() const { return threshold_; }

 private:
  float decay_ = 0.5f, threshold_ = 1;
};

}  // namespace volley
