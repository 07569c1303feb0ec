// Primal attention of spikes: scores whose threshold grows with the feature's length.
#pragma once

#include "attention/primal_sampling.hpp"
#include "sim/op/kernel_table.hpp"

namespace volley {

struct PrimalScoreSizes {
  Index steps = 0, samples = 0, heads = 0, tokens = 0, width = 0;  // T B H N d
  Index rows = 0, rank = 0;                                        // n (causal: d), s

  Index all_samples() const { return steps * samples; }
  Index slices() const { return all_samples() * heads; }
};

// Scores of primal attention as spikes, of each head, in each step alone; nothing is divided.
//   a = W_e|X^T q_n,  e = sign(a) if a^2 >= threshold^2 |q_n|_1 and a is not 0, else 0;  W_e|X = f(X)^T W_e
//   r: the same of k, W_r
// For spikes of -1, 0 and 1 |q_n|_1 is the square of the length of q_n, so that the rule is |a| / |q_n| >=
// threshold: the normalisation of Primal-Attention stands inside the threshold. The product is compared in
// double.
// In: q, k binary or bipolar [T B N C], x spikes [T B N C] of any code, what the layer reads (not causal).
// Out: "out" bipolar [T B N C=2 H s], e and r of head 0, of head 1, ...; "e", "r" f32 [T B N C=H s]: the
// accumulators divided by sqrt(max(1, |q_n|_1)); "objective" and "loss" f32 [T B C=1]: J and J^2 of these, as
// in attention.primal.
// heads: number of heads H, d = C / H [1]. causal: W_e and W_r stand for W_e|X and W_r|X, there is no x.
// n_rule, rank_multi, indices: which rows f(X) has, see PrimalSampling. threshold: [score]. trace: of the
// weights (raw) or of W_e|X and W_r|X (data). Weights: we, wr [H n s] (causal [H d s]), lambda [H s].
// Our definition; after Chen, Tao, Tonin, Suykens, Primal-Attention, NeurIPS 2023.
//
// Counted: 2 s ac for each unit event of f(X), s for each event of q and of k; a neuron update for each
// score.
class PrimalScores final : public Operator {
 public:
  static constexpr std::string_view op_kind = "attention.primal_scores";
  static void install(KernelTable& table);

  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  Arity arity() const override { return {2, 3}; }
  std::vector<std::string_view> output_names() const override {
    return {"out", "e", "r", "objective", "loss"};
  }
  std::vector<WeightSlot> weight_slots() const override { return {{"we"}, {"wr"}, {"lambda"}}; }
  void set_weight(std::string_view slot, const std::vector<Index>& sizes,
                  std::span<const float> numbers) override;
  std::span<const Value> constants() const override { return weights_; }
  Form wanted_form(std::size_t slot, std::span<const ValueSpec> in) const override;
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  std::vector<Axis> activity_axes(std::size_t slot) const override;
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;
  std::vector<Product> products(std::span<const Value> in) const override;
  Index dense_mac(std::span<const ValueSpec> in) const override;

  PrimalScoreSizes sizes(const Shape& q) const;
  Index sampled(Index row, Index tokens) const { return sampling_.token(row, weight_sizes_[we][1], tokens); }
  bool is_causal() const { return causal_; }
  float threshold() const { return threshold_; }
  PrimalTrace trace() const { return trace_; }

  enum Slot : std::size_t { we, wr, lambda, slot_count };

 private:
  void check_inputs(std::span<const ValueSpec> in) const;

  Index heads_ = 0;
  bool causal_ = false;
  PrimalSampling sampling_;
  float threshold_ = 1;
  PrimalTrace trace_ = PrimalTrace::raw;
  std::vector<Value> weights_ = std::vector<Value>(slot_count);  // by Slot
  std::vector<std::vector<Index>> weight_sizes_ = std::vector<std::vector<Index>>(slot_count);
};

// Does a score fire? a: the accumulator, length: |q_n|_1.
inline bool reaches(double a, Index length, double threshold) {
  return a != 0 && a * a >= threshold * threshold * static_cast<double>(length);
}

}  // namespace volley
