// Rows of a circulant times values: a lane per channel, four rows share each load.
#include "attention/cat_windows.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention/cat_windows_hwy.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace volley::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// One vector of channels of four rows.
void OneVector(const float* window, const float* values, Index tokens, Index width, float* out,
               Index out_stride) {
  const hn::ScalableTag<float> d;
  auto sum0 = hn::Zero(d);
  auto sum1 = hn::Zero(d);
  auto sum2 = hn::Zero(d);
  auto sum3 = hn::Zero(d);
  for (Index j = 0; j < tokens; ++j) {
    const auto value = hn::LoadU(d, values + j * width);
    sum0 = hn::Add(sum0, hn::Mul(hn::Set(d, window[j]), value));
    sum1 = hn::Add(sum1, hn::Mul(hn::Set(d, window[j - 1]), value));
    sum2 = hn::Add(sum2, hn::Mul(hn::Set(d, window[j - 2]), value));
    sum3 = hn::Add(sum3, hn::Mul(hn::Set(d, window[j - 3]), value));
  }
  hn::StoreU(sum0, d, out);
  hn::StoreU(sum1, d, out + out_stride);
  hn::StoreU(sum2, d, out + 2 * out_stride);
  hn::StoreU(sum3, d, out + 3 * out_stride);
}

// Two vectors: as many sums in flight hide the latency of an addition.
void TwoVectors(const float* window, const float* values, Index tokens, Index width, float* out,
                Index out_stride) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  auto left0 = hn::Zero(d), right0 = hn::Zero(d);
  auto left1 = hn::Zero(d), right1 = hn::Zero(d);
  auto left2 = hn::Zero(d), right2 = hn::Zero(d);
  auto left3 = hn::Zero(d), right3 = hn::Zero(d);
  for (Index j = 0; j < tokens; ++j) {
    const auto left = hn::LoadU(d, values + j * width);
    const auto right = hn::LoadU(d, values + j * width + lanes);
    const auto w0 = hn::Set(d, window[j]);
    left0 = hn::Add(left0, hn::Mul(w0, left));
    right0 = hn::Add(right0, hn::Mul(w0, right));
    const auto w1 = hn::Set(d, window[j - 1]);
    left1 = hn::Add(left1, hn::Mul(w1, left));
    right1 = hn::Add(right1, hn::Mul(w1, right));
    const auto w2 = hn::Set(d, window[j - 2]);
    left2 = hn::Add(left2, hn::Mul(w2, left));
    right2 = hn::Add(right2, hn::Mul(w2, right));
    const auto w3 = hn::Set(d, window[j - 3]);
    left3 = hn::Add(left3, hn::Mul(w3, left));
    right3 = hn::Add(right3, hn::Mul(w3, right));
  }
  hn::StoreU(left0, d, out);
  hn::StoreU(right0, d, out + lanes);
  hn::StoreU(left1, d, out + out_stride);
  hn::StoreU(right1, d, out + out_stride + lanes);
  hn::StoreU(left2, d, out + 2 * out_stride);
  hn::StoreU(right2, d, out + 2 * out_stride + lanes);
  hn::StoreU(left3, d, out + 3 * out_stride);
  hn::StoreU(right3, d, out + 3 * out_stride + lanes);
}

void SumWindows(const float* window, const float* values, Index tokens, Index width, float* out,
                Index out_stride) {
  const auto lanes = static_cast<Index>(hn::Lanes(hn::ScalableTag<float>()));
  Index c = 0;
  for (; c + 2 * lanes <= width; c += 2 * lanes) {
    TwoVectors(window, values + c, tokens, width, out + c, out_stride);
  }
  for (; c + lanes <= width; c += lanes) {
    OneVector(window, values + c, tokens, width, out + c, out_stride);
  }
  for (; c < width; ++c) {
    for (Index r = 0; r < windows_at_once; ++r) {
      float sum = 0;
      for (Index j = 0; j < tokens; ++j) {
        sum += window[j - r] * values[j * width + c];
      }
      out[r * out_stride + c] = sum;
    }
  }
}

}  // namespace volley::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace volley {

HWY_EXPORT(SumWindows);

void sum_windows(const float* window, const float* values, Index tokens, Index width, float* out,
                 Index out_stride) {
  HWY_DYNAMIC_DISPATCH(SumWindows)(window, values, tokens, width, out, out_stride);
}

}  // namespace volley
#endif
