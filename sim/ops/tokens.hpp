// Puts tokens together, takes some, hides some, orders them by windows.
#pragma once

#include "sim/ops/layout.hpp"

namespace volley {

// Puts the tokens of several values one after another: image and text as one sequence.
//   out[t b n c] = in_i[t b, n - N_1 - ... - N_{i-1}, c], the tokens of in_1 first, then those of in_2, ...
// in: 2 to 8 values [T B N C], all axes but N the same; out: [T B N = sum of theirs, C]. T = 1 is not
// broadcast. Spikes of one code keep it; if codes differ or a value is dense, all are wanted dense, and out
// is f32. Nothing is counted: numbers only move. Source: the joint sequence of Xue et al., Probing
// inter-modality: visual parsing with self-attention, NeurIPS 2021.
class MergeTokens final : public Layout {
 public:
  static constexpr std::string_view op_kind = "merge.tokens";
  static constexpr std::size_t most_inputs = 8;
  static void install(KernelTable& table);
  std::string_view kind() const override { return op_kind; }
  Arity arity() const override { return {2, most_inputs}; }
  Form wanted_form(std::size_t slot, std::span<const ValueSpec> in) const override;
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
};

// Takes neighbouring tokens out of a sequence: [CLS], the words, the image.
//   out[t b n c] = in[t b, first + n, c]
// in: f32 or spikes [T B N C]; out: the same form [T B N=count C].
// first: the first one [tokens]. count: how many [tokens].
// Source: the class token of Dosovitskiy et al., ViT, 2021, equation (4).
class LayoutTakeTokens final : public Layout {
 public:
  static constexpr std::string_view op_kind = "layout.take_tokens";
  static void install(KernelTable& table);
  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;

  Index first() const { return first_; }

 private:
  Index first_ = 0;
  Index count_ = 0;
};

// What layout.windows and layout.from_windows share: the tokens of an image's grid, window by window.
// Token n of the order, window m = n / window^2, place i = n mod window^2 in it:
//   grid row = (m / (width / window) window + i / window + shift) mod height
//   grid column = (m mod (width / window) window + i mod window + shift) mod width
// in: f32 or spikes [T B N C], N = height width; out: the same.
// height, width: of the grid, multiples of window [tokens]. window: its side [tokens]. shift: the windows
// start so far down and to the right, round the edge [tokens].
// With attention of group = window^2 in between this is windowed self-attention. The edge is not masked:
// windows that reach round it join opposite borders, where Swin masks them apart.
// Source: Liu et al., Swin Transformer, ICCV 2021, 3.2 (cyclic shift).
class WindowOrder : public Layout {
 public:
  void visit(ParamVisitor& visitor) override;
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  Index grid_place(Index n) const;  // of token n of the order: row width + column

 private:
  Index height_ = 0;
  Index width_ = 0;
  Index window_ = 0;
  Index shift_ = 0;
};

// The tokens of a grid, row by row, into the order of windows.
//   out[t b n c] = in[t b, grid place of n, c]
class LayoutWindows final : public WindowOrder {
 public:
  static constexpr std::string_view op_kind = "layout.windows";
  static void install(KernelTable& table);
  std::string_view kind() const override { return op_kind; }
};

// The inverse of layout.windows with the same attributes.
//   out[t b, grid place of n, c] = in[t b n c]
class LayoutFromWindows final : public WindowOrder {
 public:
  static constexpr std::string_view op_kind = "layout.from_windows";
  static void install(KernelTable& table);
  std::string_view kind() const override { return op_kind; }
};

// Hides tokens behind one learned vector: masked feature regression, masked words.
//   out[t b n c] = weight[c] where mask[t b n] is not 0, else in[t b n c]
// in: f32 [T B N C], mask f32 [T B N C=1] with the same B and N, and T the same or 1; out: f32 [T B N C].
// weight: [C] [1]. Nothing is counted: numbers only move.
// Source: Devlin et al., BERT, 2019, 3.1 ([MASK]); of image tokens: Xue et al. (merge.tokens).
class MaskToken final : public Layout {
 public:
  static constexpr std::string_view op_kind = "embed.mask";
  static void install(KernelTable& table);
  std::string_view kind() const override { return op_kind; }
  Arity arity() const override { return {2, 2}; }
  std::vector<WeightSlot> weight_slots() const override { return {{"weight"}}; }
  void set_weight(std::string_view slot, const std::vector<Index>& sizes,
                  std::span<const float> numbers) override;
  Form wanted_form(std::size_t, std::span<const ValueSpec>) const override { return Form::dense; }
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  bool silent_on_silence() const override { return false; }  // it gives its weight
  std::span<const Value> constants() const override { return constants_; }

 private:
  std::vector<Value> constants_ = std::vector<Value>(1);
};

}  // namespace volley
