// Products with circulants of any size by transforms of several channels at once.
#pragma once

#include <complex>
#include <span>

#include "sim/base/device_fn.hpp"

namespace volley {

// The cyclic length that is fastest for a circulant of N tokens: N itself, or at least 2 N - 1 where N has
// awkward factors. Padding to another length would give a linear convolution.
Index circulant_length(Index tokens);

// Steps of a transform per number: the sum of its radices, those above 5 twice, for they have no loop of
// their own.
Index transform_steps(Index length);

// The least length >= `least` whose factors are 2, 3 and 5 only. Precondition: least >= 1.
Index smooth_length(Index least);

// spectrum[k], k < spectrum.size() = the cyclic length: the transform of the column, zeros behind it, over
// the length. A plan is made once per thread and length.
void transform_column(std::span<const float> column, std::span<std::complex<float>> spectrum);

inline constexpr Index channels_at_once = 8;

// Up to channels_at_once columns of a table with `tokens` rows.
struct ChannelGroup {
  const float* values;
  Index stride, tokens, width;
};

// The rows of the result that are wanted; folded: row i + last is added to row i, as the wrap of a circulant
// wants it.
struct WantedRows {
  Index first, last;
  bool is_folded;
};

// out[(i - first) out_stride + c] = sum_j column[(i - j) mod length] values[j stride + c] for the wanted rows
// i, with zeros behind the values.
void convolve(std::span<const std::complex<float>> spectrum, const ChannelGroup& group,
              const WantedRows& rows, float* out, Index out_stride);

// All channels of a circulant: its first column is in the spectrum.
void multiply_circulant(std::span<const std::complex<float>> spectrum, const float* values, Index stride,
                        Index tokens, Index width, float* out, Index out_stride);

}  // namespace volley
