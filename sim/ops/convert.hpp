// Conversions between the forms of a value.
#pragma once

#include "sim/op/kernel_table.hpp"

namespace volley {

// Spikes or events as numbers: what a graph puts in front of an op that wants dense numbers.
//   out = the value of the spike
// in: spikes or events [T ...]; out: f32 of the same shape. Cost: zero.
class ConvertDense final : public Operator {
 public:
  static constexpr std::string_view op_kind = "convert.dense";
  static void install(KernelTable& table);
  std::string_view kind() const override { return op_kind; }
  bool silent_on_silence() const override { return true; }
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  Cost cost(std::span<const Activity>, std::span<const Activity>) const override { return {}; }
};

// Numbers or events as spikes of a code.
//   out = clamp(round(in), least, greatest value of the code)
// in: f32 or events [T ...]; out: spikes of the same shape. Halves are rounded away from 0; what is not a
// number is 0. A number that is no value of the code can't be refused while a network runs, hence the
// rounding. code: of the spikes. levels: greatest value of graded spikes [1]; other codes don't read it.
// Cost: dense: compare = numbers times planes, one threshold each. Events: zero.
class ConvertSpikes final : public Operator {
 public:
  static constexpr std::string_view op_kind = "convert.spikes";
  static void install(KernelTable& table);
  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  Form wanted_form(std::size_t slot, std::span<const ValueSpec> in) const override;
  bool silent_on_silence() const override { return true; }
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;

 private:
  SpikeCode code() const;  // precondition: levels_ are in range

  Coding coding_ = Coding::binary;
  Index levels_ = 1;
};

}  // namespace volley
