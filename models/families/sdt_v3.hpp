// Spike-driven Transformer V3 (E-SpikeFormer), sizes t, s, m and l: integer spikes, no time axis.
// M. Yao et al., Scaling Spike-driven Transformer with Efficient Spike Firing Approximation Training, TPAMI
// 2025; sizes as in the authors' code. The larger models of their repository are another graph.
#pragma once

#include "models/families/parts.hpp"

namespace volley {

struct SdtV3Options {
  Index image = 224;  // height and width [pixels]
  Index channels = 3;
  std::vector<Index> dims{32, 64, 128, 192};  // widths of the stages
  Index heads = 8;
  Index blocks3 = 6;
  Index blocks4 = 2;
  Index levels = 4;  // D: largest spike, and what a spike is divided by, a power of two
  Index classes = 1000;
  std::uint64_t seed = 0;
  Draw draw = Draw::numbers;

  void visit(ParamVisitor& visitor);
};

// Random weights; the total stride is 16; T is 1. A spike c stands for c / levels in front of every layer but
// the head (norm of linear, conv2d and attention.ssa), and for c there. An integer c is c unit events, as in
// the authors' expansion into levels binary slots.
// Names (see GraphWriter): downsample1_1.encode_conv, encode_bn, downsample1_2.encode_spike;
// ConvBlock1_1.0.Conv.spike1, pwconv1.0, pwconv1.1, spike2, dwconv.0, dwconv.1, spike3, pwconv2.0, pwconv2.1;
// ConvBlock1_1.0.spike1, conv1, bn1, spike2, conv2, bn2; block3.I.conv as ConvBlock's Conv;
// block3.I.attn.head_spike, q_conv.0, q_conv.1, q_spike, attn_spike, proj_conv.0; block3.I.mlp.fc1_spike,
// fc1_conv, fc1_bn; spike, head.
// Throws Error when dims are not four multiples of heads, the first even, or the image no multiple of 16.
BuiltModel build_sdt_v3(const SdtV3Options& options);

}  // namespace volley
