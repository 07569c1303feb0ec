// Circulant attention of spikes by spikes: integers and one comparison.
#pragma once

#include "attention/cat.hpp"

namespace volley {

// Kernel spikes take the place of the softmax weights; the division by their number moves into the threshold.
//   sum_i = sum_j a[(j - i) mod N] v_j (corr), sum_j a[(i - j) mod N] v_j (conv), of each head, in each step
//   alone out_i = 1 where sum_i >= threshold max(1, sum_k a_k), else 0
// In: a binary [T B N C=H], v spikes [T B N C]. Out: "out" binary [T B N C]; "sum" f32 [T B N C], integers.
// heads: number of heads H, d = C / H [1]. direction: which roll. threshold: of the mean of v over the kernel
// spikes, above 0 [1]. It is compared as the float32 product with the count, which is exact for a dyadic
// threshold. Ours, after Yamada, CAT, NeurIPS 2025: its mode for spikes on both sides, without a softmax.
//
// Counted: ac = sum over heads of nnz(a) nnz(v) (a graded event of value c is c events), and nnz(a) for the
// count; mac = H for threshold x count; compare = N C.
class CatSpikes final : public Operator {
 public:
  static constexpr std::string_view op_kind = "attention.cat_spikes";
  static void install(KernelTable& table);

  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  Arity arity() const override { return {2, 2}; }
  std::vector<std::string_view> output_names() const override { return {"out", "sum"}; }
  Form wanted_form(std::size_t, std::span<const ValueSpec>) const override { return Form::spikes; }
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  std::vector<Axis> activity_axes(std::size_t slot) const override;
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;
  std::vector<Product> products(std::span<const Value> in) const override;
  Index dense_mac(std::span<const ValueSpec> in) const override;

  CatShape shape(const Shape& v) const;
  Index heads() const { return heads_; }
  bool is_conv() const { return direction_ == CatAttention::Direction::conv; }
  // What the sums are held against when so many kernel spikes came.
  float bar(Index kernel_spikes) const;

 private:
  Index heads_ = 0;
  CatAttention::Direction direction_ = CatAttention::Direction::corr;
  float threshold_ = 0.25f;
};

}  // namespace volley
