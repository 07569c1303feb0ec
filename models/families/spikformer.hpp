// Spikformer: spiking patch splitting, SSA blocks with integer residuals, rate head.
// Z. Zhou et al., Spikformer: When Spiking Neural Network Meets Transformer, ICLR 2023; sizes as in the
// authors' code.
#pragma once

#include "models/families/parts.hpp"

namespace volley {

// cifar: pooling after stages 3 and 4, biases in q, k, v, order (q k^T) v. imagenet: pooling after all
// stages, no biases in q, k, v, order q (k^T v). dvs: event frames, pooling as imagenet, order (q k^T) v,
// scale 0.25.
enum class SpikformerVariant : std::uint8_t { cifar, imagenet, dvs };

struct SpikformerOptions {
  SpikformerVariant variant = SpikformerVariant::cifar;
  Index image = 32;  // height and width [pixels]
  Index channels = 3;
  Index dim = 384;  // E
  Index heads = 12;
  Index depth = 4;
  Index classes = 10;
  std::uint64_t seed = 0;
  Draw draw = Draw::numbers;

  void visit(ParamVisitor& visitor);
};

// Random weights; layer gains are set so that firing rates lie in the published range (0.05 to 0.3).
// The image current is encoded behind the first convolution, which is so computed once and not once a step.
// Names (see GraphWriter): patch_embed.proj_conv, proj_bn, proj_lif, then proj_conv1 ... proj_conv3,
// rpe_conv; block.I.attn.q_linear (cifar) or q_conv, q_bn, q_lif, attn_lif; block.I.mlp.fc1_linear or
// fc1_conv; head. Published and not here, since the forward never reads them: block.I.norm1, norm2; of dvs
// pos_embed, norm. Throws Error when dim is not a multiple of 8 and of heads, or the image not one of the
// total stride.
BuiltModel build_spikformer(const SpikformerOptions& options);

}  // namespace volley
