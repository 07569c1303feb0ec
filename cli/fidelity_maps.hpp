// Attention maps of every mechanism from the same currents, by the operators themselves.
#pragma once

#include "cli/analyze.hpp"

namespace volley::cli {

// Currents in front of the neurons of q and k: [T S N C], heads own neighbouring channels.
struct Currents {
  std::string name;  // of the layer, or of the file
  Index steps = 1;
  Index samples = 1;
  Index tokens = 0;
  Index channels = 0;
  Index heads = 1;
  double threshold = 1;  // of the spikes made of them [current]
  std::vector<float> q;
  std::vector<float> k;
};

struct MechanismMaps {
  std::string mechanism;
  LayerMaps maps;
};

struct FidelityMaps {
  LayerMaps softmax;                      // of the currents themselves, in each step
  std::vector<MechanismMaps> mechanisms;  // in a fixed order
  double binary_rate = 0;                 // spikes a place and step, of q and k
  double ternary_rate = 0;
  std::vector<std::string> left_out;  // "dssa: head 2 of q has no spike"
};

// q and k become binary spikes (neuron.lif, the membrane of BSA with one threshold) and ternary ones
// (neuron.ternary); each mechanism has its own operator, whose score is the map. Those without a score are
// given values that are one at one token each (V = I): what comes out is the map.
// chunk: steps of attention.statten. Throws Error (usage) when the heads don't divide the channels.
FidelityMaps fidelity_maps(const Currents& currents, Index chunk);

}  // namespace volley::cli
