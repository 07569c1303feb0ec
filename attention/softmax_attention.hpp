// The attention of the dense twin: softmax of real scores.
#pragma once

#include "attention/heads.hpp"
#include "sim/op/kernel_table.hpp"

namespace volley {

// Softmax attention of each head, in each step alone.
//   score = softmax_m(scale q k^T),  out = score v
// In: q dense f32 [T B N C], k and v dense f32 [T B M C]. Out: "out" f32 [T B N C], "score" f32 [T B H N M].
// heads: number of heads H, d = C / H [1]. scale: factor of q k^T, 0 stands for 1 / sqrt(d) [1].
// Vaswani et al., Attention is all you need, NeurIPS 2017, eq 1.
//
// Counted per entry of the score: 2 d mac, a comparison (row maximum), 2 additions (x - max, row sum) and 2
// special (exp, division). The scale is not: it folds into the weights of q.
class SoftmaxAttention final : public Operator {
 public:
  static constexpr std::string_view op_kind = "attention.softmax";
  static void install(KernelTable& table);

  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  Arity arity() const override { return {3, 3}; }
  std::vector<std::string_view> output_names() const override { return {"out", "score"}; }
  Form wanted_form(std::size_t, std::span<const ValueSpec>) const override { return Form::dense; }
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;
  std::vector<Product> products(std::span<const Value> in) const override;
  Index dense_mac(std::span<const ValueSpec> in) const override;

  Index heads() const { return heads_; }
  float scale(Index width) const;  // with the default resolved

 private:
  Index heads_ = 0;
  float scale_ = 0;
};

// Softmax of a row in place, base e, with the maximum subtracted; the sum runs from left to right.
void softmax_row(std::span<float> row);

}  // namespace volley
