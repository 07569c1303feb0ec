// DSSA: two products of real numbers with spikes, scaled by firing rates.
#pragma once

#include "attention/heads.hpp"
#include "sim/op/kernel_table.hpp"

namespace volley {

// Both products of dual spike self-attention. y is the p x p convolution of the spikes s, with batch
// normalisation, as tokens [T B N=M C=2C]: in head h its channels [2 h d, 2 h d + d) are y1 and the next d
// are y2, with d = C / H. M = (side / p)^2 tokens of y, N tokens of s.
//   scores:  out_hmn = s1_h sum_c y1_mc s_nc,   s1_h = 1 / sqrt(firing_rate_x_h d)
//   values:  out_nc  = s2_h sum_m y2_mc A_hmn,  s2_h = 1 / sqrt(firing_rate_attn_h tokens)
// with A = LIF(scores), V_th = 1, and a LIF of V_th = 1 behind the values too.
// attention.dssa_scores: in y f32 [T B N=M C=2C], s binary [T B N C]; out f32 [T B H M N].
// attention.dssa_values: in y as above, A binary [T B H M N]; out f32 [T B N C].
// Sums run upward in c and in m; the scale multiplies the finished sum, with three roundings of its own.
// heads: H [1]. tokens: M as the model was trained with, which a run at another resolution does not change
// [1]. firing_rate_x, firing_rate_attn: one number a head, of any axes, from training; a rate of 0 or below
// is refused [spikes per step]. Shi et al., SpikingResformer, CVPR 2024 (code: DSSA).
//
// Counted: scores ac = nnz(s) M, values ac = nnz(A) d: each product has one binary operand. The scale is not:
// it folds into y.
class DssaProduct : public Operator {
 public:
  enum class Which { scores, values };

  explicit DssaProduct(Which which) : which_(which) {}
  void visit(ParamVisitor& visitor) override;
  Arity arity() const override { return {2, 2}; }
  Form wanted_form(std::size_t slot, std::span<const ValueSpec> in) const override;
  std::vector<WeightSlot> weight_slots() const override { return {{rate_name()}}; }
  void set_weight(std::string_view slot, const std::vector<Index>& sizes,
                  std::span<const float> numbers) override;
  Index heads() const { return heads_; }
  // s1 or s2 of a head; width: d.
  float scale(Index head, Index width) const;

 protected:
  std::string_view rate_name() const;
  void check_y(const ValueSpec& y) const;
  void check_rates() const;

  Index tokens_ = 0;  // of values only

 private:
  Which which_;
  Index heads_ = 0;
  std::vector<float> rates_;
};

class DssaScores final : public DssaProduct {
 public:
  static constexpr std::string_view op_kind = "attention.dssa_scores";
  static void install(KernelTable& table);

  DssaScores() : DssaProduct(Which::scores) {}
  std::string_view kind() const override { return op_kind; }
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  bool silent_on_silence() const override { return true; }
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;
  std::vector<Product> products(std::span<const Value> in) const override;
  Index dense_mac(std::span<const ValueSpec> in) const override;
};

class DssaValues final : public DssaProduct {
 public:
  static constexpr std::string_view op_kind = "attention.dssa_values";
  static void install(KernelTable& table);

  DssaValues() : DssaProduct(Which::values) {}
  std::string_view kind() const override { return op_kind; }
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  bool silent_on_silence() const override { return true; }
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;
  std::vector<Product> products(std::span<const Value> in) const override;
  Index dense_mac(std::span<const ValueSpec> in) const override;
};

}  // namespace volley
