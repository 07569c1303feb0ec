// One call of softmax attention as its kernels read it, and the kernel of blocks.
#pragma once

#include "attention/softmax_attention.hpp"

namespace volley {

inline constexpr std::size_t softmax_key_mask_slot = 3;

// Numbers of one call, as every kernel reads them.
struct SoftmaxCall {
  explicit SoftmaxCall(const Call& call)
      : op(static_cast<const SoftmaxAttention&>(call.op)),
        shape(attention_shape(spec_of(call.in[0]).shape, spec_of(call.in[1]).shape, op.heads())),
        scale(op.scale(shape.width)),
        q(std::get<Tensor>(call.in[0]).as<float>().data()),
        k(std::get<Tensor>(call.in[1]).as<float>().data()),
        v(std::get<Tensor>(call.in[2]).as<float>().data()),
        out(std::get<Tensor>(call.out[0]).as_mutable<float>().data()) {
    if (call.in.size() > softmax_key_mask_slot) {
      key_mask = std::get<Tensor>(call.in[softmax_key_mask_slot]).as<float>().data();
    }
    if (call.out.size() > 1 && is_present(call.out[1])) {
      score = std::get<Tensor>(call.out[1]).as_mutable<float>().data();
    }
  }

  const SoftmaxAttention& op;
  AttentionShape shape;
  float scale;
  bool is_allowed(const HeadSlice& at, Index n, Index m) const {
    return op.sees(n, m) && (key_mask == nullptr || key_mask[at.key_row + m] != 0.0f);
  }

  const float *q, *k, *v;
  const float* key_mask = nullptr;
  float* out;
  float* score = nullptr;  // nobody asked for it
};

// Blocks of queries with a lane each; its exponentials and fused multiply-adds round differently.
Verdict accepts_softmax_blocks(const Operator& op, std::span<const ValueSpec> in);
void run_softmax_blocks(const Call& call);

}  // namespace volley
