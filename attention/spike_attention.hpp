// SSA: attention of spikes without softmax, in integers.
#pragma once

#include "attention/token_groups.hpp"
#include "sim/op/kernel_table.hpp"

namespace volley {

// Spiking self-attention: the integer product of spikes, scaled.
//   out = scale (q k^T) v = scale q (k^T v)
// In: q spikes [T B N C], k spikes [T B M C], v spikes [T B M r C] with any integer r, heads of v being r d
// wide; binary, bipolar or graded. Out: "out" f32 [T B N r C], one rounding of the integer and one of its
// product with the scale; "score" i32 [T B H N M] = q k^T, not scaled, in either order. heads: number of
// heads H, d = C / H [1]. scale: factor of the product, 0 stands for 2 / sqrt(d) [1]. norm: a graded value c
// stands for c / norm, a power of two, so that the division of the product by norm^3 is exact [1]. order:
// which product comes first; the numbers are the same, the count is not. Zhou et al., Spikformer, ICLR 2023,
// eq 6 (qk_v: the CIFAR code, q_kv: the ImageNet code). SDSA-3 of Meta-SpikeFormer (Yao et al., ICLR 2024) is
// order q_kv. Efficient SDSA of Spike-driven Transformer V3 (Yao et al., TPAMI 2025; code:
// MS_Attention_linear) is graded q, k and v, r = 4, scale 0, norm 4.
//
// Counted: one-sided event-driven additions, for each unit event (a graded spike of value c is c of them).
//   qk_v: an event of q meets M keys, an event of v meets N rows of the score:    ac = nnz(q) M + nnz(v) N
//   q_kv: an event of k meets r d values, an event of q meets a row of k^T v:     ac = (nnz(k) + nnz(q)) r d
// The scale is not: it folds into the threshold of the neuron behind. segments: TokenGroups; tokens of other
// groups give nothing, their score is 0, and M and N in qk_v are the size of the group.
class SpikeAttention final : public Operator {
 public:
  static constexpr std::string_view op_kind = "attention.ssa";
  static void install(KernelTable& table);

  enum class Order { qk_v, q_kv };

  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  Arity arity() const override { return {3, 3}; }
  std::vector<std::string_view> output_names() const override { return {"out", "score"}; }
  Form wanted_form(std::size_t slot, std::span<const ValueSpec> in) const override;
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  std::vector<Axis> activity_axes(std::size_t slot) const override;
  bool silent_on_silence() const override { return true; }
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;
  std::vector<Product> products(std::span<const Value> in) const override;
  Index dense_mac(std::span<const ValueSpec> in) const override;

  Index heads() const { return heads_; }
  float scale() const { return scale_; }
  float factor(Index width) const;  // of the integers: scale / norm^3
  Order order() const { return order_; }
  const TokenGroups& groups() const { return groups_; }

 private:
  Index heads_ = 0;
  float scale_ = 0.125f;
  Index norm_ = 1;
  Order order_ = Order::qk_v;
  TokenGroups groups_;
};

}  // namespace volley
