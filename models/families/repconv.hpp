// Folds the chains of RepConv into one convolution of spikes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/families/blocks.hpp"

namespace volley {

struct FoldedModel {
  BuiltModel model;
  std::vector<std::string> notes;  // a line for each chain
};

// A chain is a 1x1 convolution with padding p, a batch norm, a depthwise k x k convolution without padding
// and a 1x1 convolution, each read by the next alone; none of the convolutions has a stride, groups other
// than the depthwise ones, or a bias. It equals one convolution k x k with padding p of the same input:
//   weight[o i y x] = sum over c of P[o c] D[c y x] a[c] W[c i],   bias[o] = sum over c, y, x of P[o c] D[c y
//   x] b[c],  with a and b the scale and the shift of the batch norm
// in double, rounded once. It takes the place and the name of the last node of the chain. Nothing: no chain
// is there. Yao et al., Meta-SpikeFormer, ICLR 2024 (RepConv, BNAndPad).
std::optional<FoldedModel> fold_repconv(const BuiltModel& built);

}  // namespace volley
