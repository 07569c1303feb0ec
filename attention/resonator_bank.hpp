// Linear attention over time: each event rings in a bank of resonators.
#pragma once

#include "sim/op/kernel_table.hpp"
#include "sim/op/value_check.hpp"

namespace volley {

// What the events before and at a token are worth at its query time.
//   S_k <- S_k e^{(i w_k - 1 / tau) (t_n - t_{n-1})} + v_n;  out_n = sum_k g_k Re(S_k e^{(i w_k - 1 / tau)
//   (q_n - t_n)}) = sum over m <= n of K(q_n - t_m) v_m,  K(s) = e^{-s / tau} sum_k g_k cos(w_k s)
// In: v f32 or binary [T B N C], stamps t f32 [T B N C=1]; and maybe query q f32 [T B N C=1], t without it.
// Out: f32 [T B N C]. Each step is a sequence of its own. No buffer of events: a state of 2 k C numbers.
// tau: of the damping, 0 for none [unit of time].
// Weights: omega w [k] [rad per unit of time], gain g [k] (1 without it) [1].
// PROPOSAL of ours, on the resonate-and-fire neuron of Izhikevich, 2001; kernel: Xu et al., NeurIPS 2019.
//
// State, phases and sums are float64, rounded once. Stamps that go backwards and a query before its event are
// an Error of the run: a resonator cannot go back; an empty sequence stays empty. Events of one time are
// summed in their order. Counted: per event after the first of its sequence k mac (phases), 2 k special, 4 k
// C mac (rotation). Each entry of v that is not 0: k ac of spikes, k add of real numbers. Reading without
// query: k C add, or k C mac with a gain; with query: k mac, 2 k special, 2 k C mac, and 2 k mac for a gain.
// tau: one special and 2 k mac more each time. Silence between events costs nothing.
class ResonatorBank final : public Operator, public ValueCheck {
 public:
  static constexpr std::string_view op_kind = "attention.resonator";
  static void install(KernelTable& table);

  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  Arity arity() const override { return {2, 3}; }
  std::vector<WeightSlot> weight_slots() const override { return {{"omega"}, {"gain", Need::optional}}; }
  void set_weight(std::string_view slot, const std::vector<Index>& sizes,
                  std::span<const float> numbers) override;
  Form wanted_form(std::size_t slot, std::span<const ValueSpec> in) const override;
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  void check_values(std::span<const Value> in) const override;
  std::span<const Value> constants() const override { return constants_; }
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;
  Index dense_mac(std::span<const ValueSpec> in) const override;

  double tau() const { return static_cast<double>(tau_); }
  std::span<const double> omega() const { return omega_; }
  std::span<const double> gain() const { return gain_; }  // empty: all are 1

 private:
  Cost cost_of(Index sequences, const ValueSpec& v, bool has_query) const;  // without the events of v

  float tau_ = 0;
  std::vector<double> omega_, gain_;
  std::vector<Value> constants_ = std::vector<Value>(2);
};

}  // namespace volley
