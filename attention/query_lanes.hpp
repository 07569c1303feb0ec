// Blocks of queries, a lane per query: products and exponentials.
#pragma once

#include "attention/overlap.hpp"

namespace volley {

inline constexpr Index query_lanes = 32;  // queries of a block

// A number of each query. Whole cache lines, so that no vector lies across two.
template <class Number>
struct alignas(64) LaneRow {
  Number lane[query_lanes];
};

// out[j] = sum over k < terms, upward, of a[j * a_row + k * a_step] * b[k] in each lane, for j < rows, by
// fused multiply-adds; added to what out holds where `add` says so.
struct LaneProduct {
  const float* a = nullptr;
  Index a_row = 0, a_step = 0;
  Index rows = 0, terms = 0;
  const LaneRow<float>* b = nullptr;
  bool add = false;
};
void multiply_lanes(const LaneProduct& product, LaneRow<float>* out);

// The greatest of the rows in each lane. Precondition: rows >= 1.
LaneRow<float> greatest_of_lanes(const LaneRow<float>* x, Index rows);
// x <- exp(x - greatest), added to sums. The error is below 2 units in the last place; below 2^-126: 0.
void exponentials_of_lanes(LaneRow<float>* x, Index rows, const LaneRow<float>& greatest,
                           LaneRow<float>& sums);

// x[m] = q . k_m in each lane, for all tokens m of k. q has query_lanes tokens. Both are binary or bipolar.
void overlap_lanes(const HeadBits& q, const HeadBits& k, LaneRow<std::int32_t>* x);

// What Shiftmax of a block gives.
struct LaneShifts {
  bool is_exact = false;  // false: a sum or a shift is too long for lanes, and weights were not written
  Index greatest = 0;     // shift
};
// weights = 2^(x - gamma), 0 where the shift is above max_shift. Precondition: keys >= 1.
LaneShifts shiftmax_lanes(const LaneRow<std::int32_t>* x, Index keys, Index max_shift,
                          LaneRow<float>* weights);

// Biased exponents of the numbers that are not 0: least and greatest, over rows of `width` numbers.
struct Exponents {
  Index least = 255, greatest = 0;
};
Exponents exponents_of(const float* rows, Index stride, Index count, Index width);

}  // namespace volley
