// A table of datapoints as tokens: one a row, its columns side by side.
#pragma once

#include "sim/ops/layout.hpp"

namespace volley {

// Attention between datapoints sees each row of a table as one token. A table is one sample: its rows are
// axis Y, its columns axis X, each cell a vector of C; B counts tables. Attention between attributes is
// layout.tokens and attention.softmax with group = columns.
//   out[t b n, x C + c] = in[t b y=n x c]
// in: f32 or spikes [T B Y X C]; out: the same form [T B N=Y C = X C].
// Source: Kossen et al., Self-attention between datapoints, NeurIPS 2021, 2.3 (ABD).
class LayoutRowsToTokens final : public Layout {
 public:
  static constexpr std::string_view op_kind = "layout.rows_to_tokens";
  static void install(KernelTable& table);
  std::string_view kind() const override { return op_kind; }
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
};

// The inverse of layout.rows_to_tokens.
//   out[t b y x c] = in[t b n=y, x e + c], e = C / columns
// in: f32 or spikes [T B N C]; out: the same form [T B Y=N X=columns C=e].
// columns: of the table [1].
// Source: as layout.rows_to_tokens.
class LayoutTokensToRows final : public Layout {
 public:
  static constexpr std::string_view op_kind = "layout.tokens_to_rows";
  static void install(KernelTable& table);
  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;

 private:
  Index columns_ = 0;
};

}  // namespace volley
