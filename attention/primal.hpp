// Attention in the primal: projections of two feature maps, no score between tokens.
#pragma once

#include "attention/primal_sampling.hpp"
#include "sim/op/kernel_table.hpp"

namespace volley {

struct PrimalShape {
  Index steps = 0, samples = 0, heads = 0, tokens = 0, width = 0;  // T B H N d
  Index rows = 0, rank = 0;                                        // n (causal: d), s

  Index channels() const { return heads * width; }
  Index all_samples() const { return steps * samples; }
  Index slices() const { return all_samples() * heads; }
};

// Primal attention of each head, in each step alone.
//   phi_q = q / max(|q|, eps), phi_k = k / max(|k|, eps)
//   e = phi_q W_e|X,  r = phi_k W_r|X,  W_e|X = f(X)^T W_e, W_r|X = f(X)^T W_r,  out = W_c [e; r] + b_c
//   f(X): rows floor(j (N - 1) / (n - 1)) of x, j < n; or `indices`
//   causal: q and k are first replaced by their means over the tokens so far; W_e and W_r stand for W_e|X
//   and W_r|X, and there is no x
// In: q, k, x (not causal) dense f32 [T B N C], x is what the layer reads; and maybe mask dense f32
// [T B N C=1]: where it is 0, out is 0; such a token is still sampled and counts in the objective. Out: "out"
// f32 [T B N C]; "e", "r" f32 [T B N C=H s]; "objective" and "loss" f32 [T B C=1], of each sample
//   J = mean (|lambda e|^2 + |lambda r|^2) / 2 - mean tr(W_e^T W_r), means over tokens and heads, over heads
//   loss = J^2, which training adds, weighted, to that of the task; of a batch in one: (mean J)^2
// heads: number of heads H, d = C / H [1]. n_rule, rank_multi, indices: which rows f(X) has, see
// PrimalSampling. eps: least length [1]. trace: of the weights (raw) or of W_e|X and W_r|X (data). Weights:
// we, wr [H n s] (causal [H d s]), lambda [H s], concate_weight [d 2s], concate_bias [d].
// Chen, Tao, Tonin, Suykens, Primal-Attention, NeurIPS 2023, and its code.
//
// Counted per head: 2 n d s mac for W_e|X and W_r|X; per token 2 d mac, 2 compare and 2 d + 2 special for the
// feature maps (causal: 2 d additions and 2 d special more), 4 d s mac for e, r and out, d additions for b_c
// and, with a mask, d compare. The objective and the loss are looked at, not worked with.
class PrimalAttention final : public Operator {
 public:
  static constexpr std::string_view op_kind = "attention.primal";
  static void install(KernelTable& table);

  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  Arity arity() const override { return {2, 4}; }
  std::vector<std::string_view> output_names() const override {
    return {"out", "e", "r", "objective", "loss"};
  }
  std::vector<WeightSlot> weight_slots() const override;
  void set_weight(std::string_view slot, const std::vector<Index>& sizes,
                  std::span<const float> numbers) override;
  std::span<const Value> constants() const override { return weights_; }
  Form wanted_form(std::size_t, std::span<const ValueSpec>) const override { return Form::dense; }
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;
  std::vector<Product> products(std::span<const Value> in) const override;
  Index dense_mac(std::span<const ValueSpec> in) const override;

  PrimalShape shape(const Shape& q) const;
  // The token of row `row` of f(X).
  Index sampled(Index row, Index tokens) const { return sampling_.token(row, weight_sizes_[we][1], tokens); }
  bool is_causal() const { return causal_; }
  std::size_t mask_slot() const { return causal_ ? 2 : 3; }
  float eps() const { return eps_; }
  PrimalTrace trace() const { return trace_; }

  enum Slot : std::size_t { we, wr, lambda, concate_weight, concate_bias, slot_count };

 private:
  void check_inputs(std::span<const ValueSpec> in) const;
  void check_weights(const PrimalShape& sizes) const;

  Index heads_ = 0;
  bool causal_ = false;
  PrimalSampling sampling_;
  PrimalTrace trace_ = PrimalTrace::raw;
  float eps_ = 1e-12f;
  std::vector<Value> weights_ = std::vector<Value>(slot_count);  // by Slot; concate_weight as [2s d]
  std::vector<std::vector<Index>> weight_sizes_ = std::vector<std::vector<Index>>(slot_count);
};

// One head of one sample, row-major: its numbers on the way from q, k and x to out.
struct PrimalHead {
  std::vector<float> phi_q, phi_k;          // [N d]
  std::vector<float> sampled;               // f(X)^T, [d n]; empty when causal
  std::vector<float> project_e, project_r;  // [d s]
  std::vector<float> scores;                // [e; r] of each token, [N 2s]
};

// Inputs of one sample, [N C].
struct PrimalTokens {
  const float *q = nullptr, *k = nullptr, *x = nullptr;
};

// out[row][column] = sum over k of a[row][k] b[k][column], k ascending.
struct MatrixSizes {
  Index rows = 0, inner = 0, columns = 0;
};
void multiply_plainly(const MatrixSizes& sizes, const float* a, const float* b, float* out);

// In plain loops, for the reference and for products().
void compute_head(const PrimalAttention& op, const PrimalShape& shape, std::span<const Value> weights,
                  const PrimalTokens& tokens, Index head, PrimalHead& out);

}  // namespace volley
