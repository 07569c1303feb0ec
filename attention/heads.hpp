// Heads of attention: the shapes that q, k and v share.
#pragma once

#include <span>

#include "sim/tensor/value.hpp"

namespace volley {

// q is [T B N C], k and v are [T B M C]: M may differ from N. Head h owns the channels [h d, (h + 1) d), d =
// C / H.
struct AttentionShape {
  Index steps = 0, samples = 0, heads = 0, queries = 0, keys = 0, width = 0;  // T B H N M d

  Index channels() const { return heads * width; }
  Index slices() const { return steps * samples * heads; }   // products of one head, step and sample
  Index pairs() const { return slices() * queries * keys; }  // entries of the score
  Shape out() const;                                         // [T B N C]
  Shape score() const;                                       // [T B H N M]
};

// Precondition: checked by check_attention.
AttentionShape attention_shape(const Shape& q, const Shape& k, Index heads);

// Throws Error when the axes are not T B N C, or one is empty; `input` is its name, "q".
void check_axes(const ValueSpec& spec, std::string_view input);
// Throws Error when the two differ in this axis.
void check_agree(const Shape& got, std::string_view input, const Shape& wanted, std::string_view as_in,
                 Axis axis);

// Throws Error when q, k and v don't fit together or into the heads. Forms and codes are the operator's.
AttentionShape check_attention(std::span<const ValueSpec> in, Index heads);

// Throws Error when an input is not spikes / not dense f32; `slot` is 0 for q, 1 for k, 2 for v.
void check_spikes(std::span<const ValueSpec> in, std::size_t slot);
void check_dense(std::span<const ValueSpec> in, std::size_t slot);
std::string_view attention_input(std::size_t slot);  // "q", "k", "v"

// Where one slice (t, b, h) stands: rows of q and of k and v, the first channel, the first entry of the
// score.
struct HeadSlice {
  HeadSlice(const AttentionShape& shape, Index slice);

  Index query_row = 0, key_row = 0, channel = 0, pair = 0;
};

}  // namespace volley
