// SpikingResformer: dual spike self-attention and group-wise feed-forward networks in three stages.
// X. Shi et al., SpikingResformer: Bridging ResNet and Vision Transformer in Spiking Neural Networks, CVPR
// 2024; sizes as in the authors' code.
#pragma once

#include "models/families/parts.hpp"

namespace volley {

// imagenet: 7x7 convolution and pooling first, stride 4. cifar: one 3x3 convolution. dvsg: event frames, one
// 3x3 convolution, every neuron with a learned time constant.
enum class SpikingresformerVariant : std::uint8_t { imagenet, cifar, dvsg };

struct SpikingresformerOptions {
  SpikingresformerVariant variant = SpikingresformerVariant::imagenet;
  Index image = 224;  // height and width [pixels]
  Index channels = 3;
  std::vector<Index> dims{64, 192, 384};  // widths of the stages
  std::vector<Index> heads{1, 3, 6};
  std::vector<Index> patches{4, 2, 1};  // side of a key token [pixels]
  std::vector<Index> pairs{1, 2, 3};    // attention and feed-forward, of each stage
  Index group = 64;                     // channels that see each other in the feed-forward network
  Index classes = 1000;
  std::uint64_t seed = 0;
  Draw draw = Draw::numbers;

  void visit(ParamVisitor& visitor);
};

// Random weights; firing rates that scale attention are 0.1. Stage s has half the side of stage s - 1.
// Names (see GraphWriter): prologue.0, prologue.1.bn; layers.S.I with I counting the downsample (S > 0), then
// attention and feed-forward in turn: activation, conv, norm.bn; activation_in, W, norm.bn, firing_rate_x,
// activation_attn, firing_rate_attn, activation_out, Wproj, norm_proj.bn; up.0, up.1, up.2.bn, conv.0.0,
// conv.0.1, conv.0.2.bn, down.0, down.1, down.2.bn; classifier.
// Throws Error when a list has not three numbers, or widths, heads, groups, patches and the image don't fit.
BuiltModel build_spikingresformer(const SpikingresformerOptions& options);

}  // namespace volley
