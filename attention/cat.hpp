// Attention by a circulant matrix: one softmax, then rolled copies of it.
#pragma once

#include "sim/op/kernel_table.hpp"

namespace volley {

struct CatShape {
  Index steps = 0, samples = 0, heads = 0, tokens = 0, width = 0;  // T B H N d

  Index channels() const { return heads * width; }
  Index slices() const { return steps * samples * heads; }
};

// Circular-convolutional attention of each head, in each step alone.
//   w = softmax_n(z),  y_i = sum_j A_ij v_j
//   corr: A_ij = w[(j - i) mod N], conv: A_ij = w[(i - j) mod N]
//   causal rel: A_ij = exp(z[i - j]) / sum_{k <= i} exp(z[k]) for j <= i, else 0, whatever the direction
// In: z dense f32 [T B N H], v dense f32 or spikes [T B N C]. Out: "out" f32 [T B N C]; "weights" f32
// [T B N H], which is w (causal rel: A_n0, the share of the newest logit in its row).
// heads: number of heads H, d = C / H [1]. direction, causal: which A.
// Yamada, CAT: Circular-convolutional Attention for sub-quadratic Transformers, NeurIPS 2025. Which direction
// was trained is not known; the causal form is ours, for the paper does not give its shift.
//
// Counted as the sum over all pairs of A and v, whichever kernel runs: a transform needs fewer. Per pair and
// channel a mac, of spikes an ac per unit event and token that it reaches; per entry of a softmax (N, causal
// one of each prefix) a comparison, 2 additions and 2 special (exp, division).
class CatAttention final : public Operator {
 public:
  static constexpr std::string_view op_kind = "attention.cat";
  static void install(KernelTable& table);

  enum class Direction { corr, conv };
  enum class Causal { none, rel };

  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  Arity arity() const override { return {2, 2}; }
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
  bool is_causal() const { return causal_ == Causal::rel; }

 private:
  Index pairs(Index tokens) const;  // entries of A

  Index heads_ = 0;
  Direction direction_ = Direction::corr;
  Causal causal_ = Causal::none;
};

// The rows of A of one head, from its logits. Scratch of one thread: it grows and is then reused.
class CatRows {
 public:
  void prepare(const CatAttention& op, const float* z, Index stride, Index tokens);

  // Row i: the weights of tokens 0, 1, ... (causal: up to i). Valid until the next call; causal: call it for
  // i = 0, 1, ... in this order.
  std::span<const float> row(Index i);
  // What the output "weights" holds at token i, after row(i).
  float weight(Index i) const;
  // Not causal: row 0 of A and its copy behind it. A_ij = doubled()[N + j - i].
  std::span<const float> doubled() const { return rolled_; }

 private:
  void append_to_prefix(Index i);

  bool is_causal_ = false;
  Index tokens_ = 0;
  std::vector<float> weights_;       // z; not causal: then w
  std::vector<float> rolled_;        // causal: the row
  std::vector<float> exponentials_;  // of the prefix, less its maximum
  float greatest_ = 0, sum_ = 0;
};

// Throws Error when `input` is not [T B N C] of at least one each.
void check_cat_tokens(const ValueSpec& spec, std::string_view input);

}  // namespace volley
