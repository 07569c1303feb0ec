// One call of BSA as its kernels read it, and the kernel of blocks.
#pragma once

#include "attention/bipolar_attention.hpp"
#include "attention/heads.hpp"

namespace volley {

struct BipolarCall {
  explicit BipolarCall(const Call& call)
      : op(static_cast<const BipolarAttention&>(call.op)),
        q(std::get<SpikeTensor>(call.in[0])),
        k(std::get<SpikeTensor>(call.in[1])),
        v(std::get<Tensor>(call.in[2]).as<float>().data()),
        shape(attention_shape(q.shape(), k.shape(), op.heads())),
        out(std::get<Tensor>(call.out[0]).as_mutable<float>().data()) {
    if (call.out.size() > 1 && is_present(call.out[1])) {
      score = std::get<Tensor>(call.out[1]).as_mutable<float>().data();
    }
  }

  const BipolarAttention& op;
  const SpikeTensor &q, &k;
  const float* v;
  AttentionShape shape;
  float* out;
  float* score = nullptr;  // nobody asked for it
};

// Queries [first, first + count) of a slice, row by row: right for every attribute and any number.
void bipolar_rows(const BipolarCall& call, const HeadSlice& at, Index first, Index count);

// Blocks of queries with a lane each, where the bits stay those of the reference; else rows.
Verdict accepts_bipolar_blocks(const Operator& op, std::span<const ValueSpec> in);
void run_bipolar_blocks(const Call& call);

}  // namespace volley
