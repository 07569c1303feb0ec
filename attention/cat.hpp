// Attention by a circulant matrix: one softmax, then rolled copies of it.
#pragma once

#include "sim/op/kernel_table.hpp"

namespace volley {

struct CatShape {
  Index steps = 0, samples = 0, heads = 0, tokens = 0, width = 0;  // T B H N d

  Index channels() const { return heads * width; }
  Index slices() const { return steps * samples * heads; }
};

// The logits of one head: token n has z[n * stride]. key_mask: 0 where a token's logit counts as -infinity;
// nullptr: nowhere.
struct CatLogitsOfHead {
  const float* z;
  Index stride, tokens;
  const float* key_mask;

  bool keeps(Index n) const { return key_mask == nullptr || key_mask[n] != 0.0f; }
};

// Circular-convolutional attention of each head, in each step alone.
//   w = softmax_n(z),  y_i = sum_j A_ij v_j
//   corr: A_ij = w[(j - i) mod N], conv: A_ij = w[(i - j) mod N]
//   causal, whatever the direction, for j <= i, else 0:
//     rel: A_ij = exp(z[i - j]) / sum_{k <= i} exp(z[k]),  abs: A_ij = exp(z[j]) / sum_{k <= i} exp(z[k])
// In: z dense f32 [T B N H], v dense f32 or spikes [T B N C]; and maybe key_mask dense f32 [T B N C=1]: where
// it is 0, z counts as -infinity for every head. The weights roll, so the value of such a token is still
// added under other weights: to leave a token out, zero its v too. Out: "out" f32 [T B N C]; "weights" f32 [T
// B N H], which is w (causal: the share of the newest logit in row n). A row without a logit left is 0.
// heads: number of heads H, d = C / H [1]. direction, causal: which A.
// Yamada, CAT: Circular-convolutional Attention for sub-quadratic Transformers, NeurIPS 2025. Which direction
// was trained is not known; the causal forms are ours, for the paper does not give its shift.
//
// Counted as the sum over all pairs of A and v whose logit is kept, whichever kernel runs: a transform needs
// fewer. Per pair and channel a mac, of spikes an ac per unit event and token that it reaches; per kept entry
// of a softmax (N, causal one of each prefix) a comparison, 2 additions and 2 special (exp, division).
class CatAttention final : public Operator {
 public:
  static constexpr std::string_view op_kind = "attention.cat";
  static void install(KernelTable& table);

  enum class Direction { corr, conv };
  enum class Causal { none, rel, abs };
  static constexpr std::size_t key_mask_slot = 2;

  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  Arity arity() const override { return {2, 3}; }
  std::vector<std::string_view> output_names() const override { return {"out", "weights"}; }
  Form wanted_form(std::size_t slot, std::span<const ValueSpec> in) const override;
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  std::vector<Axis> activity_axes(std::size_t slot) const override;
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;
  std::vector<Product> products(std::span<const Value> in) const override;
  Index dense_mac(std::span<const ValueSpec> in) const override;

  CatShape shape(const Shape& v) const;
  Index heads() const { return heads_; }
  Direction direction() const { return direction_; }
  Causal causal() const { return causal_; }
  bool is_causal() const { return causal_ != Causal::none; }
  bool is_conv() const { return direction_ == Direction::conv; }
  // The logit that weights token j for token i, causal: j <= i.
  Index logit_of(Index i, Index j, Index tokens) const;
  // Of each token, how many rows weight its value with a kept logit. keeps: of each token, 0 or 1.
  std::vector<Index> reach(std::span<const Index> keeps) const;

 private:
  Index heads_ = 0;
  Direction direction_ = Direction::corr;
  Causal causal_ = Causal::none;
};

// The rows of A of one head, from its logits. Scratch of one thread: it grows and is then reused.
class CatRows {
 public:
  void prepare(const CatAttention& op, const CatLogitsOfHead& logits);

  // Row i: the weights of tokens 0, 1, ... (causal: up to i). Valid until the next call; causal: call it for
  // i = 0, 1, ... in this order.
  std::span<const float> row(Index i);
  // What the output "weights" holds at token i, after row(i).
  float weight(Index i) const;
  // Not causal: row 0 of A and its copy behind it. A_ij = doubled()[N + j - i].
  std::span<const float> doubled() const { return rolled_; }

 private:
  void append_to_prefix(Index i);

  CatAttention::Causal causal_ = CatAttention::Causal::none;
  CatLogitsOfHead logits_{};
  std::vector<float> weights_, kept_;  // w; the logits that are kept
  std::vector<float> rolled_;          // causal: the row
  std::vector<float> exponentials_;    // of the prefix, less its maximum; 0 where not kept
  float greatest_ = 0, sum_ = 0;
};

// Throws Error when `input` is not [T B N C] of at least one each.
void check_cat_tokens(const ValueSpec& spec, std::string_view input);

}  // namespace volley
