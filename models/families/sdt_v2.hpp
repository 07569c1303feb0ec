// Spike-driven Transformer V2 (Meta-SpikeFormer): convolution blocks, then attention blocks.
// M. Yao et al., Spike-driven Transformer V2: Meta Spiking Neural Network Architecture, ICLR 2024; sizes as
// in the authors' code.
#pragma once

#include "models/families/parts.hpp"

namespace volley {

struct SdtV2Options {
  Index image = 224;  // height and width [pixels]
  Index channels = 3;
  std::vector<Index> dims{128, 256, 512, 640};  // widths of the stages
  Index heads = 8;
  Index blocks3 = 6;  // of stage 3; stages 1 and 2 have 1, 1 and 2 convolution blocks
  Index blocks4 = 2;  // of stage 4
  Index classes = 1000;
  std::uint64_t seed = 0;
  Draw draw = Draw::numbers;

  void visit(ParamVisitor& visitor);
};

// Random weights; the total stride is 16. RepConv (q, k, v and proj) is written as it is trained and
// published: 1x1 convolution, batch norm, padding with what the batch norm makes of 0, 3x3 depthwise, 1x1,
// two batch norms. The padding is here a rim of zeros in front of the batch norm: padding 1 of the 1x1
// convolution. So parameters are the published ones. Loading folds each chain into one 3x3 convolution of
// spikes (models/repconv.hpp), as it folds batch norms; unfolded the chain stays. The 1x1 convolution behind
// the depthwise one of SepConv multiplies real numbers in both: it has no neuron in front. Names (see
// GraphWriter): downsample1_1.encode_conv, encode_bn; ConvBlock1_1.0.Conv.lif1, pwconv1, bn1, lif2, dwconv,
// pwconv2, bn2; ConvBlock1_1.0.lif1, conv1, bn1, lif2, conv2, bn2; block3.I.attn.head_lif, q_conv.0.body.0,
// q_conv.0.body.1.bn, q_conv.0.body.2.0, 2.1, 2.2, q_conv.1, q_lif, attn_lif; block3.I.mlp.fc1_lif, fc1_conv,
// fc1_bn; lif, head. Throws Error when dims are not four multiples of heads, the first even, or the image no
// multiple of 16.
BuiltModel build_sdt_v2(const SdtV2Options& options);

}  // namespace volley
