// A stack of linear self-attention and nothing else: what theory of depth and width speaks of.
#pragma once

#include "models/families/parts.hpp"

namespace volley {

// Without softmax, normalisation, neurons, positions and feed-forward networks:
//   q, k, v = W x of each head,  y_n = W_O concat_h (sum over m of (q_n . k_m) v_m),  x = y (or x + y)
// Y. Levine et al., Limits to Depth Efficiencies of Self-Attention, NeurIPS 2020, eq 4; they too leave out
// the residual.
struct LinearAttentionOptions {
  Index tokens = 64;
  Index dim = 64;
  Index heads = 4;
  Index depth = 4;
  bool residual = false;
  std::uint64_t seed = 0;
  Draw draw = Draw::numbers;

  void visit(ParamVisitor& visitor);
};

// Random weights: with independent inputs of variance 1 the first layer's output has variance 1. Input
// "tokens", f32 [T=1 B N C]; output "out", the same. Names: layer.I.q, k, v, attention, proj, and add.
// Throws Error when heads does not divide dim.
BuiltModel build_linear_attention(const LinearAttentionOptions& options);

}  // namespace volley
