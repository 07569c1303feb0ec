// The LIF that has to be fast, behind a plain signature.
#pragma once

#include <span>

#include "neurons/lif.hpp"
#include "neurons/neuron_op.hpp"
#include "sim/op/strip.hpp"

namespace volley {

// Numbers of one call; v may be nullptr.
struct LifRun {
  NeuronLayout layout;
  const float* x;
  Lif::State* cells;
  std::uint64_t* spikes;
  float* v;
};

// All steps of the words [begin, end), numbered over the rows of one step; the bits of Lif::step.
// Precondition: reset_time is now and reset_value is 0.
void lif_hwy(const Lif::Derived& derived, const LifRun& run, Index begin, Index end);
// The same for the neurons of a strip; run.x is not read.
void lif_strip_hwy(const Lif::Derived& derived, const LifRun& run, const Strip& strip);

// n steps of zero input; the bits of Lif::step.
// Precondition: a hard reset to 0 in the same step, so that no membrane fires.
void lif_idle_hwy(const Lif::Derived& derived, std::span<Lif::State> cells, Index n);

}  // namespace volley
