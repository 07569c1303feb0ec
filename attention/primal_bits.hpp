// Spikes of a head as small dense numbers, and scores as spikes.
#pragma once

#include "sim/tensor/spike_tensor.hpp"

namespace volley {

// The channels [first, first + width) of the rows [row, row + rows).
struct BitBlock {
  Index row = 0, rows = 0, first = 0, width = 0;
};

// Their values, [rows width]. events[n]: unit events of row n; nullptr: nobody asked.
void unpack_block(const SpikeTensor& spikes, const BitBlock& block, float* out, Index* events);

// Sets bit c of row n where |scores[n * stride + c]| >= limits[n], in plane 0 or, of negative scores, 1.
// Precondition: none of the bits is set. A limit of infinity sets none.
void fire_block(const float* scores, Index stride, const float* limits, const BitBlock& block,
                const SpikeTensor& out);

}  // namespace volley
