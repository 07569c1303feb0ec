// What the kernels of circulant attention share: one call, one head.
#pragma once

#include "attention/cat.hpp"
#include "attention/head_spikes.hpp"
#include "sim/base/parallel.hpp"

namespace volley::cat {

constexpr std::size_t at(Index i) {
  return static_cast<std::size_t>(i);
}

struct CatCall {
  explicit CatCall(const Call& call)
      : op(static_cast<const CatAttention&>(call.op)),
        shape(op.shape(spec_of(call.in[1]).shape)),
        z(std::get<Tensor>(call.in[0]).as<float>().data()),
        out(std::get<Tensor>(call.out[0]).as_mutable<float>().data()) {
    if (const auto* spikes = std::get_if<SpikeTensor>(&call.in[1])) {
      v_spikes = spikes;
    } else {
      v = std::get<Tensor>(call.in[1]).as<float>().data();
    }
    if (call.in.size() > CatAttention::key_mask_slot) {
      key_mask = std::get<Tensor>(call.in[CatAttention::key_mask_slot]).as<float>().data();
    }
    if (call.out.size() > 1 && is_present(call.out[1])) {
      weights = std::get<Tensor>(call.out[1]).as_mutable<float>().data();
    }
  }

  float value(Index row, Index channel) const {
    return v != nullptr ? v[row * shape.channels() + channel]
                        : static_cast<float>(v_spikes->at(row, channel));
  }

  const CatAttention& op;
  CatShape shape;
  const float* z;
  const float* v = nullptr;
  const SpikeTensor* v_spikes = nullptr;
  const float* key_mask = nullptr;  // none given
  float* out;
  float* weights = nullptr;  // nobody asked for it
};

// Where one slice (t, b, h) stands.
struct CatSlice {
  CatSlice(const CatCall& call, Index slice)
      : index(slice),
        head(slice % call.shape.heads),
        first_row(slice / call.shape.heads * call.shape.tokens),
        channel(head * call.shape.width),
        logits{call.z + first_row * call.shape.heads + head, call.shape.heads, call.shape.tokens,
               call.key_mask == nullptr ? nullptr : call.key_mask + first_row},
        v(call.v == nullptr ? nullptr : call.v + first_row * call.shape.channels() + channel),
        out(call.out + first_row * call.shape.channels() + channel),
        weights(call.weights == nullptr ? nullptr : call.weights + first_row * call.shape.heads + head) {}

  Index index, head, first_row, channel;
  CatLogitsOfHead logits;
  const float* v;  // stride: channels; nullptr: v is spikes
  float* out;
  float* weights;  // stride: heads
};

inline void store_weight(const CatCall& call, const CatSlice& slice, Index n, float weight) {
  if (slice.weights != nullptr) {
    slice.weights[n * call.shape.heads] = weight;
  }
}

// The values of a head as numbers, [N stride]: those of spikes are written out.
struct HeadValues {
  const float* values;
  Index stride;
};
struct ValueScratch {
  HeadSpikes spikes;
  std::vector<std::int32_t> integers;
  std::vector<float> values;
};
HeadValues values_of(const CatCall& call, const CatSlice& slice, ValueScratch& scratch);

// The kernels beside the reference.
void run_gather(const Call& call);                // rows of A
void run_events(const Call& call);                // columns of A, one for each spike
void run_transforms(const Call& call);            // not causal
void run_causal_transforms(const Call& call);     // rel
void run_scan(const Call& call);                  // abs
void run_events_or_transforms(const Call& call);  // not causal, spikes

// Is it faster to add a head's events one by one than to transform its channels?
bool takes_events(Index events, Index tokens, Index width);

}  // namespace volley::cat
