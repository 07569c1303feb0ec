// Linear attention of one head in 16-bit sums.
#pragma once

#include "attention/overlap.hpp"

namespace volley {

inline constexpr Index short_lanes = 64;  // tables are padded to so many columns

// table = k^T v, [d stride]: each event of k adds a row of v. values: v as numbers, [M stride].
// Preconditions: stride is a multiple of short_lanes, no entry leaves 16 bits.
void short_key_value(const HeadBits& k, const std::int16_t* values, Index stride, Index width,
                     std::int16_t* table);

// The greatest sum over the rows of |table| in a column, at most 32767: it bounds every q . table.
Index greatest_column(const std::int16_t* table, Index stride, Index rows);

// out[c] = factor * (q_n table)[c] for c < width. Precondition: the sum fits 16 bits; parts of it need not.
void short_query(const HeadBits& q, Index n, const std::int16_t* table, Index stride, float factor,
                 Index width, float* out);

}  // namespace volley
