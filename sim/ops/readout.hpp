// Draws one value from many steps, tokens or pixels.
#pragma once

#include "sim/op/kernel_table.hpp"

namespace volley {

// What sum and mean share.
// in: f32 or spikes [T B ...]; out: f32 [T B ...] without the axes that are summed over; T stays, of size 1
// if summed. axes: letters of the axes to sum over, "T N"; not B. With T among them the node gathers: its
// value is there after the last step, and its state holds one sum for each number that comes out. Order of
// the sum: in each step the numbers of the axes but T, row-major, into a fresh sum; then this one is added to
// the state, steps ascending. So the bits are the same in one call and step by step.
// Cost: dense: add = numbers that come in. Spikes: add = unit events, each moves a sum by one.
class ReadoutReduction : public Operator {
 public:
  void visit(ParamVisitor& visitor) override;
  Form wanted_form(std::size_t slot, std::span<const ValueSpec> in) const override;
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  TimeUse time_use() const override { return sums_steps() ? TimeUse::causal : TimeUse::none; }
  TimeRole time_role() const override { return gathers() ? TimeRole::gather : TimeRole::same; }
  std::unique_ptr<State> make_state(std::span<const ValueSpec> in) const override;
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;

  bool sums_steps() const { return is_summed(Axis::T); }
  bool gathers() const { return sums_steps() && !is_running(); }
  // Is the result up to now there in each step?
  virtual bool is_running() const { return false; }
  bool is_summed(Axis axis) const { return axes_.find(letter(axis)) != std::string::npos; }
  // What the sum of this many numbers is multiplied by.
  virtual float scale(Index count) const = 0;

 private:
  std::string axes_;
};

// The sum over some axes.
//   out = sum over axes of in
class ReadoutSum final : public ReadoutReduction {
 public:
  static constexpr std::string_view op_kind = "readout.sum";
  static void install(KernelTable& table);
  std::string_view kind() const override { return op_kind; }
  float scale(Index) const override { return 1.0f; }
};

// The mean over some axes: rates over steps, pooling over tokens.
//   out = (sum over axes of in) s, s = 1 / (numbers in the sum) in float32
// running: the mean of the steps up to now, in each step; axes must hold T, which keeps its size then:
//   out[t ...] = (sum over the steps 0 .. t and the other axes of in) s, s = 1 / (numbers in this sum)
// So out[t] has the bits of a run of t + 1 steps without it, and the cost is the same.
// The product with s, one for each number that comes out, is not counted: it is a constant that folds into
// what reads it. Source: head of Spikformer, Zhou et al., 2023 (x.flatten(3).mean(3), then mean over T).
class ReadoutMean final : public ReadoutReduction {
 public:
  static constexpr std::string_view op_kind = "readout.mean";
  static void install(KernelTable& table);
  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  float scale(Index count) const override { return 1.0f / static_cast<float>(count); }
  bool is_running() const override { return is_running_; }

 private:
  bool is_running_ = false;
};

// The value of the last step.
//   out[b ...] = in[T - 1, b ...]
// in: f32 or spikes [T B ...]; out: f32 [T=1 B ...]. Cost: zero.
class ReadoutLast final : public Operator {
 public:
  static constexpr std::string_view op_kind = "readout.last";
  static void install(KernelTable& table);
  std::string_view kind() const override { return op_kind; }
  Form wanted_form(std::size_t slot, std::span<const ValueSpec> in) const override;
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  TimeRole time_role() const override { return TimeRole::gather; }
  Cost cost(std::span<const Activity>, std::span<const Activity>) const override { return {}; }
};

// The greatest value over the steps; of membranes: the max-over-time readout.
//   out[b ...] = max over t of in[t b ...]
// in: f32 or spikes [T B ...]; out: f32 [T=1 B ...]. State: the maxima up to now, -infinity at step 0.
// Cost: compare = numbers in each step, the first step included.
// Source: Cramer et al., The Heidelberg spiking data sets, 2020 (max over time of the readout's membrane).
class ReadoutMax final : public Operator {
 public:
  static constexpr std::string_view op_kind = "readout.max";
  static void install(KernelTable& table);
  std::string_view kind() const override { return op_kind; }
  Form wanted_form(std::size_t slot, std::span<const ValueSpec> in) const override;
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  TimeUse time_use() const override { return TimeUse::causal; }
  TimeRole time_role() const override { return TimeRole::gather; }
  std::unique_ptr<State> make_state(std::span<const ValueSpec> in) const override;
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;
};

}  // namespace volley
