// Layers of attention that a signal passes, and their widths.
#pragma once

#include <vector>

#include "sim/exec/plan.hpp"

namespace volley {

struct AttentionLayer {
  std::string node;  // the first attention node of the layer
  Index width = 0;   // channels of what its queries are made from
};

// Along the longest path of the graph, counted in attention layers. Attention nodes with no linear layer and
// no convolution between them are one layer, as the two products of DSSA or the sum and the mask of QKFormer.
// Edges with a delay are left out. Empty for a graph without attention.
std::vector<AttentionLayer> attention_layers(const Plan& plan);

}  // namespace volley
