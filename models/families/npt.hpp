// Non-parametric transformers: attention between the rows of a table and between its columns, by turns.
#pragma once

#include "models/families/blocks.hpp"

namespace volley {

enum class NptNorm : std::uint8_t {
  query,  // the released code: q from LN(H), k and v from H
  all,    // the paper: q, k and v from LN(H)
  after,  // post-LN
};
enum class NptScale : std::uint8_t {
  block_width,  // 1 / sqrt of the block's width, d e between rows and e between columns (the released code)
  head_width,   // 1 / sqrt of the head's width
  none,
};
enum class NptScore : std::uint8_t { softmax, constant };

// The dense block is
//   R = H W_res + MHSA(LN0(H)),  out = R + fc2(gelu(fc1(LN1(R))))
// and, post-LN, R = LN0(H W_res + MHSA(H)), out = LN1(R + fc2(gelu(fc1(R)))). Even blocks see all rows as
// tokens of width d e, odd ones the columns of each row as tokens of width e. Nodes are named as in
// examples/datapoints. The spiking block (steps > 0) is ours:
//   z = ternary(H), q, k = ternary(z W), y = ternary(select(q, k, z W_v)), R = H + y W_mix,
//   out = R + lif(ternary(R) W_1) W_2
// rows: of a table [1]. classes: of each column, 0 if numeric [1]. width: e [1]. target: the column that is
// read out. Source: Kossen et al., Self-attention between datapoints, NeurIPS 2021, eq 1 to 7, and its code.
struct NptOptions {
  Index rows = 0;
  std::vector<Index> classes;
  Index width = 16, heads = 4, depth = 2, target = 0;
  NptNorm norm = NptNorm::query;
  NptScale scale = NptScale::block_width;
  NptScore score = NptScore::softmax;
  bool residual_projection = true;
  bool is_spiking = false;
  std::uint64_t seed = 0;
};

// Inputs: values and mask, [Y=rows X=columns]; output: logits, [N=rows C]. Throws Error (usage) for options
// that don't fit.
BuiltModel build_npt(const NptOptions& options);

}  // namespace volley
