// Attention that picks keys by their score, without exponentials.
#pragma once

#include "attention/heads.hpp"
#include "sim/op/kernel_table.hpp"

namespace volley {

// Selective attention: a query takes the mean of the values whose keys agree with it best.
//   x_nm = q_n . k_m,  S_n = the keys of the greatest x_nm (rule top), or those with x_nm >= threshold
//   score_nm = 1 / |S_n| for m in S_n, else 0;  out_n = (sum over m in S_n of v_m, m ascending) / |S_n|
//   rule constant, for comparison: score_nm = scale x_nm,  out_n = sum over m of score_nm v_m
// In: q [T B N C] and k [T B M C], both dense f32 or both spikes of any code; v dense f32 [T B M C]. Out:
// "out" f32 [T B N C], "score" f32 [T B H N M]. An empty S_n gives 0; of a silent query
// rule top takes all keys. heads: number of heads H, d = C / H
// [1]. rule: top, threshold or constant. threshold: least score that is taken [1]. scale: of rule constant, 0
// stands for 1 / d [1]. group: tokens see their own group of so many alone, and M = N; 0: one group [tokens].
// With q and k in {-1, +1} x is d - 2 Hamming distance, so top is the nearest neighbour. Ties share: an order
// of the tokens changes nothing but the order of the sum. Constant: Kossen et al., Self-attention between
// datapoints, NeurIPS 2021, released code (score_norm constant). Top and threshold on spikes are ours.
//
// Counted, with P pairs that see each other, of each head, and Z keys taken in all:
//   q k^T      ac = unit events of q times the keys that each meets; of real numbers mac P d
//   top        compare 2 P (the maximum, who has it), ac Z d, special N d a head (division by |S_n|)
//   threshold  compare P, ac Z d, special N d a head.   constant: mac P d; the scale folds into the weights
//   of q
class SelectiveAttention final : public Operator {
 public:
  static constexpr std::string_view op_kind = "attention.select";
  static void install(KernelTable& table);

  enum class Rule { top, threshold, constant };

  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  Arity arity() const override { return {3, 3}; }
  std::vector<std::string_view> output_names() const override { return {"out", "score"}; }
  Form wanted_form(std::size_t slot, std::span<const ValueSpec> in) const override;
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  bool cost_needs_output(std::size_t output) const override { return output == 1 && takes(); }
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;
  std::vector<Product> products(std::span<const Value> in) const override;
  Index dense_mac(std::span<const ValueSpec> in) const override;

  Index heads() const { return heads_; }
  Rule rule() const { return rule_; }
  bool takes() const { return rule_ != Rule::constant; }  // are there keys taken and keys left?
  float threshold() const { return threshold_; }
  float scale(Index width) const { return scale_ != 0 ? scale_ : 1.0f / static_cast<float>(width); }
  Index group() const { return group_; }

 private:
  Index seen(const AttentionShape& shape) const { return group_ == 0 ? shape.keys : group_; }  // by a query

  Index heads_ = 0;
  Rule rule_ = Rule::top;
  float threshold_ = 0;
  float scale_ = 0;
  Index group_ = 0;
};

}  // namespace volley
