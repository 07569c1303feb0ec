// Bodies: bits of one head, and overlap by AND and popcount.
#pragma once

#include "sim/base/device_fn.hpp"
#include "sim/tensor/spike_tensor.hpp"

namespace volley {

// Word w of the bits [first, first + width) of a row; bits past the width are 0.
VOLLEY_HD inline std::uint64_t slice_word(const std::uint64_t* row, Index first, Index width, Index w) {
  const Index begin = first + 64 * w;
  const Index left = width - 64 * w;
  const Index word = begin / 64;
  const Index shift = begin % 64;
  std::uint64_t bits = row[word] >> shift;
  if (shift + (left < 64 ? left : 64) > 64) {  // the slice goes on in the next word
    bits |= row[word + 1] << (64 - shift);
  }
  return left < 64 ? bits & ((std::uint64_t{1} << left) - 1) : bits;
}

// Places where both of two slices of `words` words are set; stride: from one word of k to the next.
VOLLEY_HD inline int overlap(const std::uint64_t* q, Index q_stride, const std::uint64_t* k, Index k_stride,
                             Index words) {
  int count = 0;
  for (Index w = 0; w < words; ++w) {
    count += popcount(q[w * q_stride] & k[w * k_stride]);
  }
  return count;
}

// Bits of one head as kernels read them: word w of token n in plane p is words[(p * width_words + w) * tokens
// + n].
struct HeadBits {
  const std::uint64_t* words = nullptr;
  Index tokens = 0;
  Index width_words = 0;
  SpikeCode code;

  const std::uint64_t* plane(int p) const { return words + p * width_words * tokens; }
};

// score[m] = q_n . k_m for all tokens m of k: the sum over planes a, b of w_a w_b popcount(q_a AND k_b), for
// any codes. One body for one pair, and the fast row of pairs (overlap_hwy.cpp).
inline int code_overlap(const HeadBits& q, Index n, const HeadBits& k, Index m) {
  int sum = 0;
  for (int a = 0; a < q.code.planes; ++a) {
    for (int b = 0; b < k.code.planes; ++b) {
      sum += q.code.weight(a) * k.code.weight(b) *
             overlap(q.plane(a) + n, q.tokens, k.plane(b) + m, k.tokens, q.width_words);
    }
  }
  return sum;
}
void overlap_row(const HeadBits& q, Index n, const HeadBits& k, std::int32_t* score);

}  // namespace volley
