// Words and other discrete tokens as vectors, by index.
#pragma once

#include "sim/op/kernel_table.hpp"
#include "sim/op/value_check.hpp"

namespace volley {

// The row of a table that a token names.
//   out[t b n c] = weight[token[t b n], c]
// in: tokens, f32 or i32 [T B N] or [T B N C=1], each an integer from 0 to V - 1; out: f32 [T B N C].
// weight: [V C] [1]. A token that is no index of a row (too large, negative, a fraction) is an Error of the
// run, with its place; nothing is written then. f32 holds each integer up to 2^24 exactly, and no table may
// be longer. Nothing is counted: numbers only move.
// Source: Bengio et al., A neural probabilistic language model, 2003, the matrix C; Embedding of PyTorch.
class EmbedTable final : public Operator, public ValueCheck {
 public:
  static constexpr std::string_view op_kind = "embed.table";
  static constexpr Index most_rows = 1 << 24;
  static void install(KernelTable& table);

  std::string_view kind() const override { return op_kind; }
  std::vector<WeightSlot> weight_slots() const override { return {{"weight"}}; }
  void set_weight(std::string_view slot, const std::vector<Index>& sizes,
                  std::span<const float> numbers) override;
  Form wanted_form(std::size_t, std::span<const ValueSpec>) const override { return Form::dense; }
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  void check_values(std::span<const Value> in) const override;
  std::span<const Value> constants() const override { return constants_; }
  Cost cost(std::span<const Activity>, std::span<const Activity>) const override { return {}; }

 private:
  Index row_count() const;  // V

  std::vector<Value> constants_ = std::vector<Value>(1);
};

}  // namespace volley
