// Gives one value its steps: repeated, by chance, or by time of the first spike.
#pragma once

#include "sim/op/kernel_table.hpp"

namespace volley {

// An encoder: a value without steps goes in, one with steps comes out.
class Encoder : public Operator {
 public:
  TimeRole time_role() const override { return TimeRole::spread; }
};

// The same value in each step.
//   out[t b ...] = in[b ...]
// in: any form but events [T=1 B ...]; out: the same form [T B ...]. Cost: zero.
// Source: Rathi, Roy, DIET-SNN, 2020 (direct encoding: the first layer with a neuron makes the spikes).
class EncodeDirect final : public Encoder {
 public:
  static constexpr std::string_view op_kind = "encode.direct";
  static void install(KernelTable& table);
  std::string_view kind() const override { return op_kind; }
  Form wanted_form(std::size_t slot, std::span<const ValueSpec> in) const override;
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  Cost cost(std::span<const Activity>, std::span<const Activity>) const override { return {}; }
};

// A spike in each step with a probability that is the value.
//   out[t b i] = 1 if u(seed, node, t, sample n + i) < gain in[b i], u uniform in [0, 1), n numbers in a
//   sample
// in: f32 [T=1 B ...], in [0, 1]: below never fires, above always; out: binary [T B ...].
// The number of the sample is that in the data set, so that spikes don't depend on the batch or the executor.
// gain: of the probability [1]. Cost: compare = numbers in each step; the gain folds into the threshold.
// Source: Bernoulli approximation of a Poisson train, Dayan, Abbott, Theoretical Neuroscience, 2001, 1.4.
class EncodePoisson final : public Encoder {
 public:
  static constexpr std::string_view op_kind = "encode.poisson";
  static void install(KernelTable& table);
  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  Form wanted_form(std::size_t, std::span<const ValueSpec>) const override { return Form::dense; }
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;

  float gain() const { return gain_; }

 private:
  float gain_ = 1.0f;
};

// One spike for each value, the earlier the greater it is.
//   out[t b i] = 1 if x > threshold and t = floor((1 - x) (T - 1) + 1/2), x = min(in[b i], 1)
// in: f32 [T=1 B ...], in [0, 1]: above counts as 1; out: binary [T B ...].
// threshold: values up to it stay silent [1], 0 or more. Cost: compare = numbers in each step (is it my
// step?). Source: Thorpe, Gautrais, Rank order coding, 1998; linear as in snnTorch
// spikegen.latency(linear=True).
class EncodeLatency final : public Encoder {
 public:
  static constexpr std::string_view op_kind = "encode.latency";
  static void install(KernelTable& table);
  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  Form wanted_form(std::size_t, std::span<const ValueSpec>) const override { return Form::dense; }
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;

  float threshold() const { return threshold_; }

 private:
  float threshold_ = 0.0f;
};

}  // namespace volley
