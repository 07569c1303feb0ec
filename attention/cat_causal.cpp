// Causal circulant attention without a loop over all pairs.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "attention/cat_call.hpp"
#include "attention/cat_fft.hpp"

namespace volley::cat {
namespace {

constexpr Index longest_row = 64;  // rows up to this one are summed as they stand
constexpr Index growth =
    4;  // of a stretch of rows: its last row is at most so many times as long as its first
constexpr float most_rise = 2.0f;  // of the maximum in a stretch: float sums lose exp(2) of their digits

struct Scratch {
  ValueScratch values;
  std::vector<float> greatest;  // kept logit up to n
  std::vector<float> exponentials, sums, row, out;
  std::vector<std::int32_t> all;
  std::vector<std::complex<float>> spectrum;
};

struct Head {
  const CatCall& call;
  const CatSlice& slice;
  HeadValues v;
  Scratch& scratch;

  float* out(Index i) const { return slice.out + i * call.shape.channels(); }
  bool is_empty(Index i) const { return scratch.greatest[at(i)] == -std::numeric_limits<float>::infinity(); }
};

void find_greatest(const Head& head) {
  float greatest = -std::numeric_limits<float>::infinity();
  head.scratch.greatest.resize(at(head.call.shape.tokens));
  for (Index n = 0; n < head.call.shape.tokens; ++n) {
    if (head.slice.logits.keeps(n)) {
      greatest = std::max(greatest, head.slice.logits.z[n * head.slice.logits.stride]);
    }
    head.scratch.greatest[at(n)] = greatest;
  }
}

// exp(z - greatest) of the first `count` tokens, 0 where not kept, and the sums of the prefixes.
void exponentiate(const Head& head, Index count, float greatest) {
  auto& [values, all_greatest, exponentials, sums, row, out, all, spectrum] = head.scratch;
  exponentials.resize(at(count));
  sums.resize(at(count));
  float sum = 0;
  for (Index n = 0; n < count; ++n) {
    const bool kept = head.slice.logits.keeps(n);
    exponentials[at(n)] =
        kept ? std::exp(head.slice.logits.z[n * head.slice.logits.stride] - greatest) : 0.0f;
    sum += exponentials[at(n)];
    sums[at(n)] = sum;
  }
}

void leave_empty(const Head& head, Index i) {
  std::fill_n(head.out(i), head.call.shape.width, 0.0f);
  store_weight(head.call, head.slice, i, 0.0f);
}

void sum_one_row(const Head& head, Index i) {
  if (head.is_empty(i)) {
    leave_empty(head, i);
    return;
  }
  Scratch& scratch = head.scratch;
  exponentiate(head, i + 1, scratch.greatest[at(i)]);
  scratch.row.resize(at(i + 1));
  for (Index j = 0; j <= i; ++j) {
    scratch.row[at(j)] = scratch.exponentials[at(i - j)] / scratch.sums[at(i)];
  }
  sum_rows({std::span(scratch.all).first(at(i + 1)), scratch.row}, head.v.values, head.v.stride,
           head.call.shape.width, head.out(i));
  store_weight(head.call, head.slice, i, scratch.row[0]);
}

// Rows first .. last - 1 by one product of polynomials; none of them is empty.
void convolve_rows(const Head& head, Index first, Index last) {
  Scratch& scratch = head.scratch;
  const Index width = head.call.shape.width;
  exponentiate(head, last, scratch.greatest[at(last - 1)]);
  // What wraps round comes to lie below the first row.
  scratch.spectrum.resize(at(smooth_length(2 * last - 1 - first)));
  transform_column(scratch.exponentials, scratch.spectrum);
  for (Index c = 0; c < width; c += channels_at_once) {
    convolve(scratch.spectrum,
             {head.v.values + c, head.v.stride, last, std::min(channels_at_once, width - c)},
             {first, last, false}, head.out(first) + c, head.call.shape.channels());
  }
  for (Index i = first; i < last; ++i) {
    for (Index c = 0; c < width; ++c) {
      head.out(i)[c] /= scratch.sums[at(i)];
    }
    store_weight(head.call, head.slice, i, scratch.exponentials[at(i)] / scratch.sums[at(i)]);
  }
}

// The end of the stretch that begins at row `first`.
Index stretch_end(const Head& head, Index first) {
  const auto& greatest = head.scratch.greatest;
  Index last = first + 1;
  while (last < head.call.shape.tokens && last < growth * first &&
         greatest[at(last)] - greatest[at(first)] <= most_rise) {
    ++last;
  }
  return last;
}

template <class Body>
void for_each_head(const CatCall& call, const Body& body) {
  for_each_block(call.shape.slices(), 1, [&](Index s, Index) {
    thread_local Scratch scratch;
    const CatSlice slice(call, s);
    body(Head{call, slice, values_of(call, slice, scratch.values), scratch});
  });
}

}  // namespace

// Sums of the same size share a transform: the largest number of a transform sets the rounding of all. Where
// the logits rise quickly the stretches are short, and their rows are summed one by one.
void run_causal_transforms(const Call& any_call) {
  const CatCall call(any_call);
  for_each_head(call, [&](const Head& head) {
    const Index tokens = head.call.shape.tokens;
    head.scratch.all.resize(at(tokens));
    std::iota(head.scratch.all.begin(), head.scratch.all.end(), 0);
    find_greatest(head);
    for (Index first = 0; first < tokens;) {
      const Index last = first < longest_row || head.is_empty(first) ? first + 1 : stretch_end(head, first);
      if (last - first >= longest_row) {
        convolve_rows(head, first, last);
      } else {
        for (Index i = first; i < last; ++i) {
          sum_one_row(head, i);
        }
      }
      first = last;
    }
  });
}

// Numerator and denominator run along the tokens; both are scaled when the maximum rises.
void run_scan(const Call& any_call) {
  const CatCall call(any_call);
  for_each_head(call, [&](const Head& head) {
    const Index width = head.call.shape.width;
    auto& numerator = head.scratch.out;
    numerator.assign(at(width), 0.0f);
    float sum = 0;
    find_greatest(head);
    for (Index i = 0; i < head.call.shape.tokens; ++i) {
      if (head.is_empty(i)) {
        leave_empty(head, i);
        continue;
      }
      const float greatest = head.scratch.greatest[at(i)];
      const float shrink =
          i == 0 || head.is_empty(i - 1) ? 0.0f : std::exp(head.scratch.greatest[at(i - 1)] - greatest);
      const bool kept = head.slice.logits.keeps(i);
      const float weight =
          kept ? std::exp(head.slice.logits.z[i * head.slice.logits.stride] - greatest) : 0.0f;
      sum = sum * shrink + weight;
      for (Index c = 0; c < width; ++c) {
        numerator[at(c)] = numerator[at(c)] * shrink + weight * head.v.values[i * head.v.stride + c];
        head.out(i)[c] = numerator[at(c)] / sum;
      }
      store_weight(head.call, head.slice, i, weight / sum);
    }
  });
}

}  // namespace volley::cat
