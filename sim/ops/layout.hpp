// Moves numbers to other axes; no arithmetic, no cost.
#pragma once

#include "sim/op/kernel_table.hpp"

namespace volley {

// An operator that only moves numbers: its cost is zero.
class Layout : public Operator {
 public:
  Form wanted_form(std::size_t slot, std::span<const ValueSpec> in) const override;
  bool silent_on_silence() const override { return true; }
  Cost cost(std::span<const Activity>, std::span<const Activity>) const override { return {}; }
};

// Cuts an image into square patches, one token each.
//   out[t b n c'] = in[t b c, py0 + i, px0 + j], n = row-major in the grid of patches, c' = (c patch + i)
//   patch + j
// in: f32 [T B C Y X]; out: f32 [T B N C], N = (Y / patch) (X / patch). patch: side of a patch [pixels].
// Source: Dosovitskiy et al., ViT, 2021, 3.1; channel order of a Conv2d with stride = kernel = patch (its
// weight flattened).
class LayoutPatches final : public Layout {
 public:
  static constexpr std::string_view op_kind = "layout.patches";
  static void install(KernelTable& table);
  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  Form wanted_form(std::size_t, std::span<const ValueSpec>) const override { return Form::dense; }
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;

  Index patch() const { return patch_; }

 private:
  Index patch_ = 0;
};

// Reads an image as a sequence of tokens, one a pixel.
//   out[t b, y X + x, c] = in[t b y x c]
// in: any form but events [T B Y X C]; out: the same form [T B N C].
// Source: flatten(2) of Spikformer, Zhou et al., 2023, on our channels-last order.
class LayoutTokens final : public Layout {
 public:
  static constexpr std::string_view op_kind = "layout.tokens";
  static void install(KernelTable& table);
  std::string_view kind() const override { return op_kind; }
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
};

// The inverse of layout.tokens.
//   out[t b y x c] = in[t b, y width + x, c]
// in: any form but events [T B N C], N = height width; out: the same form [T B Y X C].
// height, width: of the image [pixels].
class LayoutImage final : public Layout {
 public:
  static constexpr std::string_view op_kind = "layout.image";
  static void install(KernelTable& table);
  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;

 private:
  Index height_ = 0;
  Index width_ = 0;
};

// Puts the axes into another order.
//   out[t b i j ...] = in[t b ...] at the same indices by name
// in: f32 or spikes [T B ...]; out: the same form, axes as named.
// axes: letters of all axes in their new order, "T B C N"; T B stay in front.
class LayoutTranspose final : public Layout {
 public:
  static constexpr std::string_view op_kind = "layout.transpose";
  static void install(KernelTable& table);
  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;

 private:
  std::string axes_;
};

// Joins all axes after T B into channels, row-major.
//   out[t b c] = in[t b ...], c = row-major index of the rest
// in: any form but events [T B ...] with at least one more axis; out: the same form [T B C].
class LayoutFlatten final : public Layout {
 public:
  static constexpr std::string_view op_kind = "layout.flatten";
  static void install(KernelTable& table);
  std::string_view kind() const override { return op_kind; }
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
};

}  // namespace volley
