// Time stamps as spikes: the phase of each frequency names one neuron.
#pragma once

#include <cstdint>

#include "attention/time_features.hpp"
#include "sim/op/value_check.hpp"

namespace volley {

// One-hot code of the phases of k frequencies: k spikes for each event, whatever its time.
//   phase_k = (t inc_k) mod 2^40, inc_k = round(w_k 2^40 / (2 pi));  index_k = phase_k >> (40 - bits)
//   out[.. n, k 2^bits + index_k] = 1, the others 0
//   t = stamp (none),  stamp - stamp of token 0 (since_first),  target - stamp (target_span)
// In: stamps f32 or i32 [T B N C=1], whole numbers [ticks]; with target_span then target [T B N=1 C=1] of the
// same type; and maybe live f32 [T B N C=1] behind them: a token of live 0 is padding and stays silent.
// Out: binary [T B N C = k 2^bits].
// time_ref: none, since_first or target_span. bits: of an index, 1 to 12 [bit].
// Weight: omega w [k] [rad per tick].
// PROPOSAL of ours; it stands for the map of Xu et al., NeurIPS 2019: a linear node behind it holds the
// table T_k[2^bits] that replaces the map and its projection, and adds k rows for each event.
//
// The phase is an integer on a circle: exact at any span, and a span below 0 (stamps that go backwards, an
// event after the target) has its place on it. A stamp that is no whole number is an Error of the run; an
// empty sequence stays empty.
// Counted per live token: an addition for the difference, k mac and k shift. Padding costs nothing.
class PhaseCode final : public Operator, public ValueCheck {
 public:
  static constexpr std::string_view op_kind = "time.phase";
  static constexpr int circle_bits = 40;
  static constexpr Index most_bits = 12;
  static void install(KernelTable& table);

  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  Arity arity() const override { return {stamp_inputs(), stamp_inputs() + 1}; }
  std::vector<WeightSlot> weight_slots() const override { return {{"omega"}}; }
  void set_weight(std::string_view slot, const std::vector<Index>& sizes,
                  std::span<const float> numbers) override;
  Form wanted_form(std::size_t, std::span<const ValueSpec>) const override { return Form::dense; }
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  void check_values(std::span<const Value> in) const override;
  std::span<const Value> constants() const override { return constants_; }
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;
  Index dense_mac(std::span<const ValueSpec> in) const override;

  TimeRef time_ref() const { return time_ref_; }
  Index bits() const { return bits_; }
  std::span<const std::uint64_t> increments() const { return increments_; }               // modulo 2^64
  std::size_t stamp_inputs() const { return time_ref_ == TimeRef::target_span ? 2 : 1; }  // live comes next

 private:
  TimeRef time_ref_ = TimeRef::none;
  Index bits_ = 5;
  std::vector<std::uint64_t> increments_;
  std::vector<Value> constants_ = std::vector<Value>(1);
};

}  // namespace volley
