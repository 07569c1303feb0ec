// Blocks of queries, a lane per query: products and exponentials.
#pragma once

#include "attention/overlap.hpp"

namespace volley {

inline constexpr Index query_lanes = 32;  // queries of a block

// out[j * query_lanes + q] = sum over k < terms, upward, of a[j * a_row + k * a_step] * b[k * query_lanes +
// q] for j < rows, by fused multiply-adds; added to what out holds where `add` says so.
struct LaneProduct {
  const float* a = nullptr;
  Index a_row = 0, a_step = 0;
  Index rows = 0, terms = 0;
  const float* b = nullptr;
  bool add = false;
};
void multiply_lanes(const LaneProduct& product, float* out);

// greatest[q] = max over i < rows of x[i * query_lanes + q]. Precondition: rows >= 1.
void greatest_of_lanes(const float* x, Index rows, float* greatest);
// x <- exp(x - greatest[q]), added to sums[q]. The error is below 2 units in the last place; below 2^-126: 0.
void exponentials_of_lanes(float* x, Index rows, const float* greatest, float* sums);

// x[m * query_lanes + q] = q . k_m for all tokens m of k. q has query_lanes tokens. Both are binary or
// bipolar.
void overlap_lanes(const HeadBits& q, const HeadBits& k, std::int32_t* x);

// What Shiftmax of a block gives.
struct LaneShifts {
  bool is_exact = false;  // false: a sum or a shift is too long for lanes, and weights were not written
  Index greatest = 0;     // shift
};
// weights[m * query_lanes + q] = 2^(x - gamma_q), 0 where the shift is above max_shift. Precondition: keys
// >= 1.
LaneShifts shiftmax_lanes(const std::int32_t* x, Index keys, Index max_shift, float* weights);

// Biased exponents of the numbers that are not 0: least and greatest, over rows of `width` numbers.
struct Exponents {
  Index least = 255, greatest = 0;
};
Exponents exponents_of(const float* rows, Index stride, Index count, Index width);

}  // namespace volley
