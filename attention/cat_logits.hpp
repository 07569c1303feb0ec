// Logits of circulant attention from queries and the mean key.
#pragma once

#include "sim/op/kernel_table.hpp"

namespace volley {

// One logit for each token and head: how well its query fits the mean of all keys.
//   z_n = scale q_n . kbar,  kbar = (1 / M) sum_m k_m
// In: q dense f32 [T B N C], k dense f32 [T B M C]; M may differ from N. Out: f32 [T B N H], as attention.cat
// wants it.
// heads: number of heads H, d = C / H [1]. scale: factor, 0 stands for 1 / sqrt(d) [1].
// Yamada, CAT, NeurIPS 2025, the averaged-key form; its scale is not known, 1 leaves it out.
//
// Counted: M C additions and C special (division) of a sample for kbar, N C mac. The scale is not: it folds
// into the weights of q.
class CatLogits final : public Operator {
 public:
  static constexpr std::string_view op_kind = "attention.cat_logits";
  static void install(KernelTable& table);

  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  Arity arity() const override { return {2, 2}; }
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

}  // namespace volley
