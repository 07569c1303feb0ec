// BSA: bipolar spikes, Shiftmax, and real values that are shifted.
#pragma once

#include "attention/heads.hpp"
#include "sim/op/kernel_table.hpp"

namespace volley {

// Bipolar self-attention: integer scores of spikes become powers of two that shift the real values.
//   x = q k^T,  score_nm = 2^-s, s = gamma_n - x_nm,  gamma_n = ceil(log2(sum_m 2^x_nm)),  out_n = sum_m
//   score_nm v_m
// In: q bipolar or binary spikes [T B N C], k the same [T B M C], v dense f32 [T B M C] (the current, not
// spikes). Out: "out" f32 [T B N C], m ascending; "score" f32 [T B H N M] (0 where 2^-s is below the smallest
// float32). heads: number of heads H, d = C / H [1]. normalise: shiftmax; or, for the ablation, softmax (base
// e) or none (x). max_shift: entries with s above it are cut to 0, -1 cuts none [bits]. arithmetic: exact (a
// float times 2^-s), or qmn: v_q = round-half-even(v 2^frac_bits), saturated at 2^62, then v_q >> s (floor),
// summed, times 2^-frac_bits. frac_bits: required for qmn [bits]. Wang et al., BSA, NeurIPS 2025, eq 13 to
// 19; qmn is ours.
//
// A silent query gives each of its M keys 2^-ceil(log2 M), and 0 where max_shift cuts that: then out is 0.
//
// Counted, with P = N M pairs of each head and Z those whose score was not cut (all, without max_shift):
//   q k^T      ac = nnz(q) M: each event of q meets M keys
//   shiftmax   shift P (2^x), add P (row sums), compare P + N (row minimum; leading one of each sum)
//   values     shift Z d, ac Z d
//   softmax    instead: compare P, add 2 P, special 2 P (exp, division), mac P d.  none: mac P d.
class BipolarAttention final : public Operator {
 public:
  static constexpr std::string_view op_kind = "attention.bipolar";
  static void install(KernelTable& table);

  enum class Normalise { shiftmax, softmax, none };
  enum class Arithmetic { exact, qmn };
  static constexpr Index most_frac_bits = 30;

  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  Arity arity() const override { return {3, 3}; }
  std::vector<std::string_view> output_names() const override { return {"out", "score"}; }
  Form wanted_form(std::size_t slot, std::span<const ValueSpec> in) const override;
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  bool cost_needs_output(std::size_t output) const override { return output == 1 && cuts(); }
  bool silent_on_silence() const override { return true; }
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;
  std::vector<Product> products(std::span<const Value> in) const override;
  Index dense_mac(std::span<const ValueSpec> in) const override;

  Index heads() const { return heads_; }
  Normalise normalise() const { return normalise_; }
  Arithmetic arithmetic() const { return arithmetic_; }
  int frac_bits() const { return static_cast<int>(frac_bits_); }
  bool cuts() const { return max_shift_ >= 0; }
  Index max_shift() const { return max_shift_; }  // meaningful when it cuts

 private:
  void check_parameters() const;

  Index heads_ = 0;
  Normalise normalise_ = Normalise::shiftmax;
  Arithmetic arithmetic_ = Arithmetic::exact;
  Index max_shift_ = -1;
  Index frac_bits_ = -1;
};

}  // namespace volley
