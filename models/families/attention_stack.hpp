// Stacks of one attention mechanism and nothing else, at matched width.
#pragma once

#include "models/families/parts.hpp"

namespace volley {

// linear: build_linear_attention. softmax: the same with softmax_m(q . k / sqrt(d_head)) in place of q . k.
// binary: SSA of neurons that fire 0 or 1: q, k, v = IF(W x), y = W_O IF(scale (q k^T) v).
// bipolar: BSA: q, k = TSN(W x), v = W x, y = W_O TSN(Shiftmax(q k^T) v), spikes of -1, 0 and 1.
// Neither residual nor normalisation nor feed-forward network. The spiking stacks repeat the input in each of
// T steps and give the mean over T of the last layer. For the separation rank of Y. Levine et al., NeurIPS
// 2020, which is defined of `linear`; the other three are ours.
enum class StackMechanism : std::uint8_t { linear, softmax, binary, bipolar };
inline constexpr std::string_view stack_mechanisms[] = {"linear", "softmax", "binary", "bipolar"};

struct AttentionStackOptions {
  Index tokens = 4;
  Index dim = 8;
  Index heads = 1;
  Index depth = 1;
  StackMechanism mechanism = StackMechanism::linear;
  std::uint64_t seed = 0;
  Draw draw = Draw::numbers;
};

// Random weights: the same for all mechanisms but for a factor, so that currents have about unit variance.
// Input "tokens", f32 [T=1 B N C]; output "out", the same. Throws Error as build_linear_attention does.
BuiltModel build_attention_stack(const AttentionStackOptions& options);

}  // namespace volley
