// The attention of the dense twin: softmax of real scores.
#pragma once

#include "attention/token_groups.hpp"
#include "sim/op/kernel_table.hpp"

namespace volley {

enum class AttentionMask : std::uint8_t { none, causal };

// Softmax attention of each head, in each step alone.
//   score = softmax_m(scale q k^T) over the keys that the masks allow, 0 at the others;  out = score v
// In: q dense f32 [T B N C], k and v dense f32 [T B M C]; and maybe key_mask dense f32 [T B N=M C=1]: 0 masks
// a key for every query and head. Out: "out" f32 [T B N C], "score" f32 [T B H N M].
// heads: number of heads H, d = C / H [1].
// scale: factor of q k^T, 0 stands for 1 / sqrt(d) [1].
// mask: none; causal: query n sees the keys m <= n alone, and M = N.
// group: tokens stand in groups of so many, each sees its own group alone, and M = N; 0: one group [tokens].
// segments: groups of other sizes: TokenGroups.
// Vaswani et al., Attention is all you need, NeurIPS 2017, eq 1; causal: section 3.2.3.
//
// A query whose keys are all masked has score 0 and out 0. Nothing that stands at a masked key is added, not
// even a NaN.
//
// Counted per allowed entry of the score: 2 d mac, a comparison (row maximum), 2 additions (x - max, row sum)
// and 2 special (exp, division). The scale is not: it folds into the weights of q.
class SoftmaxAttention final : public Operator {
 public:
  static constexpr std::string_view op_kind = "attention.softmax";
  static void install(KernelTable& table);

  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  Arity arity() const override { return {3, 4}; }
  std::vector<std::string_view> output_names() const override { return {"out", "score"}; }
  Form wanted_form(std::size_t, std::span<const ValueSpec>) const override { return Form::dense; }
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  std::vector<Axis> activity_axes(std::size_t slot) const override;
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;
  std::vector<Product> products(std::span<const Value> in) const override;
  Index dense_mac(std::span<const ValueSpec> in) const override;

  Index heads() const { return heads_; }
  float scale(Index width) const;  // with the default resolved
  bool is_causal() const { return mask_ == AttentionMask::causal; }
  bool has_mask() const { return is_causal() || group_ != 0 || groups_.is_set(); }
  // Does a query see a key, before key_mask?
  bool sees(Index query, Index key) const {
    return !(is_causal() && key > query) && (group_ == 0 || query / group_ == key / group_) &&
           (!groups_.is_set() || groups_.first_of(query) == groups_.first_of(key));
  }

 private:
  Index queries_of(const AttentionShape& shape, Index key) const;  // how many see the key

  Index heads_ = 0;
  float scale_ = 0;
  AttentionMask mask_ = AttentionMask::none;
  Index group_ = 0;
  TokenGroups groups_;
};

// Softmax of a row in place, base e, with the maximum subtracted; the sum runs from left to right. A row
// without entries stays so.
void softmax_row(std::span<float> row);

}  // namespace volley
