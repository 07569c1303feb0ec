// Blocks of queries, a lane per query: no sum goes across lanes.
#include "attention/query_lanes.hpp"

#include <algorithm>
#include <bit>

#include "attention/shiftmax.hpp"

#define HWY_WANT_AVX3_DL 1  // for vpopcntq
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention/query_lanes_hwy.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace volley::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Float = hn::CappedTag<float, query_lanes>;
using Int = hn::RebindToSigned<Float>;
using Unsigned = hn::RebindToUnsigned<Float>;

// Four rows of the product, two vectors of queries each: as many sums in flight hide the latency of an
// addition.
HWY_INLINE void FourRows(const LaneProduct& product, const float* a, const float* b, float* out) {
  const Float d;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  const float* a1 = a + product.a_row;
  const float* a2 = a1 + product.a_row;
  const float* a3 = a2 + product.a_row;
  auto left0 = hn::Zero(d), right0 = hn::Zero(d);
  auto left1 = hn::Zero(d), right1 = hn::Zero(d);
  auto left2 = hn::Zero(d), right2 = hn::Zero(d);
  auto left3 = hn::Zero(d), right3 = hn::Zero(d);
  if (product.add) {
    left0 = hn::LoadU(d, out);
    left1 = hn::LoadU(d, out + query_lanes);
    left2 = hn::LoadU(d, out + 2 * query_lanes);
    left3 = hn::LoadU(d, out + 3 * query_lanes);
    right0 = hn::LoadU(d, out + lanes);
    right1 = hn::LoadU(d, out + query_lanes + lanes);
    right2 = hn::LoadU(d, out + 2 * query_lanes + lanes);
    right3 = hn::LoadU(d, out + 3 * query_lanes + lanes);
  }
  for (Index k = 0; k < product.terms; ++k) {
    const auto left = hn::LoadU(d, b + k * query_lanes);
    const auto right = hn::LoadU(d, b + k * query_lanes + lanes);
    const Index at = k * product.a_step;
    const auto number0 = hn::Set(d, a[at]);
    left0 = hn::MulAdd(number0, left, left0);
    right0 = hn::MulAdd(number0, right, right0);
    const auto number1 = hn::Set(d, a1[at]);
    left1 = hn::MulAdd(number1, left, left1);
    right1 = hn::MulAdd(number1, right, right1);
    const auto number2 = hn::Set(d, a2[at]);
    left2 = hn::MulAdd(number2, left, left2);
    right2 = hn::MulAdd(number2, right, right2);
    const auto number3 = hn::Set(d, a3[at]);
    left3 = hn::MulAdd(number3, left, left3);
    right3 = hn::MulAdd(number3, right, right3);
  }
  hn::StoreU(left0, d, out);
  hn::StoreU(left1, d, out + query_lanes);
  hn::StoreU(left2, d, out + 2 * query_lanes);
  hn::StoreU(left3, d, out + 3 * query_lanes);
  hn::StoreU(right0, d, out + lanes);
  hn::StoreU(right1, d, out + query_lanes + lanes);
  hn::StoreU(right2, d, out + 2 * query_lanes + lanes);
  hn::StoreU(right3, d, out + 3 * query_lanes + lanes);
}

HWY_INLINE void OneRow(const LaneProduct& product, const float* a, const float* b, float* out) {
  const Float d;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  auto left = product.add ? hn::LoadU(d, out) : hn::Zero(d);
  auto right = product.add ? hn::LoadU(d, out + lanes) : hn::Zero(d);
  for (Index k = 0; k < product.terms; ++k) {
    const auto number = hn::Set(d, a[k * product.a_step]);
    left = hn::MulAdd(number, hn::LoadU(d, b + k * query_lanes), left);
    right = hn::MulAdd(number, hn::LoadU(d, b + k * query_lanes + lanes), right);
  }
  hn::StoreU(left, d, out);
  hn::StoreU(right, d, out + lanes);
}

void MultiplyLanes(const LaneProduct& product, float* out) {
  const Index step = 2 * static_cast<Index>(hn::Lanes(Float()));
  for (Index q = 0; q < query_lanes; q += step) {
    Index j = 0;
    for (; j + 4 <= product.rows; j += 4) {
      FourRows(product, product.a + j * product.a_row, product.b->lane + q, out + j * query_lanes + q);
    }
    for (; j < product.rows; ++j) {
      OneRow(product, product.a + j * product.a_row, product.b->lane + q, out + j * query_lanes + q);
    }
  }
}

void GreatestOfLanes(const float* x, Index rows, float* greatest) {
  const Float d;
  for (Index q = 0; q < query_lanes; q += static_cast<Index>(hn::Lanes(d))) {
    auto most = hn::LoadU(d, x + q);
    for (Index i = 1; i < rows; ++i) {
      most = hn::Max(most, hn::LoadU(d, x + i * query_lanes + q));
    }
    hn::StoreU(most, d, greatest + q);
  }
}

// e^x for x <= 0, after Cephes: 2^n times a polynomial of the rest; a NaN stays one.
HWY_INLINE hn::Vec<Float> Exponential(hn::Vec<Float> x) {
  const Float d;
  const Int di;
  const auto n = hn::Round(hn::Mul(x, hn::Set(d, 1.44269504f)));
  auto rest = hn::NegMulAdd(n, hn::Set(d, 0.693359375f), x);
  rest = hn::NegMulAdd(n, hn::Set(d, -2.12194440e-4f), rest);
  auto sum = hn::MulAdd(hn::Set(d, 1.9875691500e-4f), rest, hn::Set(d, 1.3981999507e-3f));
  sum = hn::MulAdd(sum, rest, hn::Set(d, 8.3334519073e-3f));
  sum = hn::MulAdd(sum, rest, hn::Set(d, 4.1665795894e-2f));
  sum = hn::MulAdd(sum, rest, hn::Set(d, 1.6666665459e-1f));
  sum = hn::MulAdd(sum, rest, hn::Set(d, 5.0000001201e-1f));
  sum = hn::Add(hn::MulAdd(sum, hn::Mul(rest, rest), rest), hn::Set(d, 1.0f));
  const auto bits = hn::ShiftLeft<23>(hn::Add(hn::ConvertTo(di, n), hn::Set(di, 127)));
  const auto power = hn::Mul(sum, hn::BitCast(d, bits));
  return hn::IfThenZeroElse(hn::Lt(x, hn::Set(d, -87.3f)), power);
}

void ExponentialsOfLanes(float* x, Index rows, const float* greatest, float* sums) {
  const Float d;
  for (Index q = 0; q < query_lanes; q += static_cast<Index>(hn::Lanes(d))) {
    const auto most = hn::LoadU(d, greatest + q);
    auto sum = hn::LoadU(d, sums + q);
    for (Index i = 0; i < rows; ++i) {
      float* at = x + i * query_lanes + q;
      const auto power = Exponential(hn::Sub(hn::LoadU(d, at), most));
      hn::StoreU(power, d, at);
      sum = hn::Add(sum, power);
    }
    hn::StoreU(sum, d, sums + q);
  }
}

// Planes never overlap in one place, so that equal signs and unequal signs are one popcount each.
void OverlapLanes(const HeadBits& q, const HeadBits& k, std::int32_t* x) {
  const hn::CappedTag<std::uint64_t, query_lanes> d64;
  const hn::Rebind<std::uint32_t, decltype(d64)> du32;
  const hn::RebindToSigned<decltype(du32)> d32;
  const auto lanes = static_cast<Index>(hn::Lanes(d64));
  const bool q_signs = q.code.planes > 1;
  const bool k_signs = k.code.planes > 1;
  for (Index m = 0; m < k.tokens; ++m) {
    for (Index at = 0; at < query_lanes; at += lanes) {
      auto sum = hn::Zero(d64);
      for (Index w = 0; w < q.width_words; ++w) {
        const auto q_plus = hn::LoadU(d64, q.plane(0) + w * query_lanes + at);
        const auto q_minus = q_signs ? hn::LoadU(d64, q.plane(1) + w * query_lanes + at) : hn::Zero(d64);
        const auto k_plus = hn::Set(d64, k.plane(0)[w * k.tokens + m]);
        const auto k_minus = k_signs ? hn::Set(d64, k.plane(1)[w * k.tokens + m]) : hn::Zero(d64);
        const auto equal = hn::OrAnd(hn::And(q_plus, k_plus), q_minus, k_minus);
        const auto unequal = hn::OrAnd(hn::And(q_plus, k_minus), q_minus, k_plus);
        sum = hn::Add(sum, hn::Sub(hn::PopulationCount(equal), hn::PopulationCount(unequal)));
      }
      hn::StoreU(hn::BitCast(d32, hn::TruncateTo(du32, sum)), d32, x + m * query_lanes + at);
    }
  }
}

// sums[q] = sum over the keys of 2^(x - low[q]), exact: the caller knows that 64 bits hold it.
void SumsOfPowers(const std::int32_t* x, Index keys, const std::int32_t* low, std::uint64_t* sums) {
  const hn::CappedTag<std::uint64_t, query_lanes> d64;
  const hn::Rebind<std::uint32_t, decltype(d64)> d32;
  const auto* numbers = reinterpret_cast<const std::uint32_t*>(x);
  const auto* lows = reinterpret_cast<const std::uint32_t*>(low);
  for (Index q = 0; q < query_lanes; q += static_cast<Index>(hn::Lanes(d64))) {
    const auto least = hn::LoadU(d32, lows + q);
    auto sum = hn::Zero(d64);
    for (Index m = 0; m < keys; ++m) {
      const auto power = hn::Sub(hn::LoadU(d32, numbers + m * query_lanes + q), least);
      sum = hn::Add(sum, hn::Shl(hn::Set(d64, 1), hn::PromoteTo(d64, power)));
    }
    hn::StoreU(sum, d64, sums + q);
  }
}

void Bounds(const std::int32_t* x, Index keys, std::int32_t* low, std::int32_t* high) {
  const Int d;
  for (Index q = 0; q < query_lanes; q += static_cast<Index>(hn::Lanes(d))) {
    auto least = hn::LoadU(d, x + q);
    auto most = least;
    for (Index m = 1; m < keys; ++m) {
      const auto number = hn::LoadU(d, x + m * query_lanes + q);
      least = hn::Min(least, number);
      most = hn::Max(most, number);
    }
    hn::StoreU(least, d, low + q);
    hn::StoreU(most, d, high + q);
  }
}

LaneShifts ShiftmaxLanes(const std::int32_t* x, Index keys, Index max_shift, float* weights) {
  const Float d;
  const Int di;
  std::int32_t low[query_lanes], high[query_lanes], gamma[query_lanes];
  std::uint64_t sums[query_lanes];
  Bounds(x, keys, low, high);
  LaneShifts out;
  for (Index q = 0; q < query_lanes; ++q) {
    if (Index{high[q]} - low[q] + std::bit_width(static_cast<std::uint64_t>(keys)) >= 64) {
      return out;
    }
  }
  SumsOfPowers(x, keys, low, sums);
  for (Index q = 0; q < query_lanes; ++q) {
    const Index shift = std::bit_width(sums[q] - 1);
    gamma[q] = low[q] + static_cast<std::int32_t>(shift);
    out.greatest = std::max(out.greatest, shift);
  }
  constexpr Index bias = 127;
  if (out.greatest >= bias) {
    return out;
  }
  out.is_exact = true;
  const auto most = hn::Set(di, static_cast<std::int32_t>(std::min(max_shift, bias)));
  for (Index q = 0; q < query_lanes; q += static_cast<Index>(hn::Lanes(d))) {
    const auto top = hn::LoadU(di, gamma + q);
    for (Index m = 0; m < keys; ++m) {
      const auto shift = hn::Sub(top, hn::LoadU(di, x + m * query_lanes + q));
      const auto bits = hn::ShiftLeft<23>(hn::Sub(hn::Set(di, std::int32_t{bias}), shift));
      const auto kept = hn::IfThenZeroElse(hn::Gt(shift, most), bits);
      hn::StoreU(hn::BitCast(d, kept), d, weights + m * query_lanes + q);
    }
  }
  return out;
}

Exponents ExponentsOf(const float* rows, Index stride, Index count, Index width) {
  const hn::ScalableTag<std::uint32_t> d;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  auto least = hn::Set(d, 255);
  auto most = hn::Zero(d);
  Exponents out;
  for (Index n = 0; n < count; ++n) {
    const auto* row = reinterpret_cast<const std::uint32_t*>(rows + n * stride);
    Index c = 0;
    for (; c + lanes <= width; c += lanes) {
      const auto bits = hn::And(hn::LoadU(d, row + c), hn::Set(d, 0x7fffffff));
      const auto exponent = hn::ShiftRight<23>(bits);
      least = hn::Min(least, hn::IfThenElse(hn::Eq(bits, hn::Zero(d)), hn::Set(d, 255), exponent));
      most = hn::Max(most, exponent);
    }
    for (; c < width; ++c) {
      const std::uint32_t bits = row[c] & 0x7fffffffu;
      const auto exponent = static_cast<Index>(bits >> 23);
      out.least = bits == 0 ? out.least : std::min(out.least, exponent);
      out.greatest = std::max(out.greatest, exponent);
    }
  }
  out.least = std::min(out.least, static_cast<Index>(hn::GetLane(hn::MinOfLanes(d, least))));
  out.greatest = std::max(out.greatest, static_cast<Index>(hn::GetLane(hn::MaxOfLanes(d, most))));
  return out;
}

}  // namespace volley::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace volley {

HWY_EXPORT(MultiplyLanes);
HWY_EXPORT(GreatestOfLanes);
HWY_EXPORT(ExponentialsOfLanes);
HWY_EXPORT(OverlapLanes);
HWY_EXPORT(ShiftmaxLanes);
HWY_EXPORT(ExponentsOf);

void multiply_lanes(const LaneProduct& product, LaneRow<float>* out) {
  HWY_DYNAMIC_DISPATCH(MultiplyLanes)(product, out->lane);
}

LaneRow<float> greatest_of_lanes(const LaneRow<float>* x, Index rows) {
  LaneRow<float> greatest;
  HWY_DYNAMIC_DISPATCH(GreatestOfLanes)(x->lane, rows, greatest.lane);
  return greatest;
}

void exponentials_of_lanes(LaneRow<float>* x, Index rows, const LaneRow<float>& greatest,
                           LaneRow<float>& sums) {
  HWY_DYNAMIC_DISPATCH(ExponentialsOfLanes)(x->lane, rows, greatest.lane, sums.lane);
}

void overlap_lanes(const HeadBits& q, const HeadBits& k, LaneRow<std::int32_t>* x) {
  HWY_DYNAMIC_DISPATCH(OverlapLanes)(q, k, x->lane);
}

LaneShifts shiftmax_lanes(const LaneRow<std::int32_t>* x, Index keys, Index max_shift,
                          LaneRow<float>* weights) {
  return HWY_DYNAMIC_DISPATCH(ShiftmaxLanes)(x->lane, keys, max_shift, weights->lane);
}

Exponents exponents_of(const float* rows, Index stride, Index count, Index width) {
  return HWY_DYNAMIC_DISPATCH(ExponentsOf)(rows, stride, count, width);
}

}  // namespace volley
#endif
