// Spikingformer: blocks with membrane shortcuts, so that every layer behind the first reads spikes.
// C. Zhou et al., Spikingformer: Spike-driven Residual Learning for Transformer-based SNN, 2023; sizes as in
// the authors' code.
#pragma once

#include "models/families/parts.hpp"

namespace volley {

// cifar: pooling in the last two stages, order (q k^T) v. imagenet: pooling in all stages, order q (k^T v).
// dvs: event frames, pooling as imagenet, order (q k^T) v, tau 1.5 in every neuron.
enum class SpikingformerVariant : std::uint8_t { cifar, imagenet, dvs };

struct SpikingformerOptions {
  SpikingformerVariant variant = SpikingformerVariant::cifar;
  Index image = 32;  // height and width [pixels]
  Index channels = 3;
  Index dim = 384;
  Index heads = 12;
  Index depth = 4;
  Index classes = 10;
  std::uint64_t seed = 0;
  Draw draw = Draw::numbers;

  void visit(ParamVisitor& visitor);
};

// Random weights. Names (see GraphWriter): cifar: patch_embed.block0_conv, block0_bn, then blockK_lif,
// blockK_conv, blockK_bn; else patch_embed.proj_conv, then projK_lif, projK_conv. block.I.attn.proj_lif (the
// neuron in front of q, k and v), q_conv, q_bn, q_lif, attn_lif, proj_conv, proj_bn; block.I.mlp.mlp1_lif,
// mlp1_conv, mlp1_bn and mlp2; head. Published and not here: block.I.norm1, norm2, which nothing reads.
// Throws Error when dim is not a multiple of 8 and of heads, or the image not one of the total stride.
BuiltModel build_spikingformer(const SpikingformerOptions& options);

}  // namespace volley
