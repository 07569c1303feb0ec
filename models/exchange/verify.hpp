// Is what volley computes what another framework recorded?
#pragma once

#include "models/exchange/golden_file.hpp"

namespace volley {

struct VerifySettings {
  float tolerance = 1e-4f;  // largest difference of real numbers [their unit]
  float tie = 1e-5f;        // closer to its threshold than this a neuron may differ [membrane]
  // Every node reads what was recorded of its inputs, so that no difference makes another.
  bool node_by_node = false;
  bool allow_ties = false;  // with node_by_node: near ties do not fail
  Index batch = 32;         // of a free run
};

// The first in time; among those of one step, in row-major order.
struct Mismatch {
  Index step = 0, sample = 0;
  Index neuron = 0;   // row-major in one sample's step
  std::string place;  // "N=3 C=17"
  float got = 0, wanted = 0;
  std::optional<float> margin;  // |v - threshold|, v before the reset [membrane]; of spikes of a neuron
};

struct NodeVerdict {
  std::string node;  // "block0.lif", "block0.attn:score"; an output: "output NAME"
  bool is_spiking = false;
  std::string not_judged;  // why; empty: it was
  Index compared = 0;      // numbers; node by node of each neuron those up to its first difference
  Index differing = 0;     // spikes that differ, or numbers beyond the tolerance
  Index ties = 0;          // of the differing: near ties; counted node by node only
  float largest_error = 0;
  std::optional<Mismatch> first;
};

struct Verification {
  std::vector<NodeVerdict> nodes;  // in the order of the graph; outputs last
  bool passes = false;             // nothing differs that is not allowed, and something was judged
  Index judged = 0;

  // Of all nodes the mismatch in the earliest step, and there in the order of the graph; nullptr: none.
  const NodeVerdict* first() const;
};

// Throws Error where golden holds a spike that the node can't send, and, node by node, for a graph with
// delays.
Verification verify(const Runtime& runtime, const Model& model, const Golden& golden,
                    const VerifySettings& settings);

}  // namespace volley
