// The layers of a run, as the energy model of Lemaire takes them.
#pragma once

#include "sim/exec/plan.hpp"
#include "sim/measure/ledger.hpp"
#include "sim/measure/lemaire_energy.hpp"

namespace volley {

struct LemaireNode {
  NodeId node = 0;
  LemaireLayer layer;
  bool has_neurons = false;  // false: no neuron reads it, so spikes_out is 0 and nothing leaks
};

// Each linear and conv2d that reads spikes, per sample. A linear over N > 1 tokens is a 1 x 1 convolution
// over N places. Its neurons are the first that are reached from it through readers that hold no weights.
// Leaks are taken for given where there are neurons. Layers that read dense numbers have no spikes to count
// and are left out. Throws Error (usage) for a convolution with groups, or whose kernel is not square: the
// model has no formula for it.
std::vector<LemaireNode> lemaire_layers(const Plan& plan, const Ledger& ledger, Index samples);

}  // namespace volley
