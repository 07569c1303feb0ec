// 16-bit rows, added and subtracted event by event.
#include "attention/short_sums.hpp"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention/short_sums_hwy.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace volley::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Short = hn::CappedTag<std::int16_t, short_lanes / 2>;

// body(channel) for each event of token n in this plane.
template <class Body>
HWY_INLINE void ForEachEvent(const HeadBits& bits, int plane, Index n, const Body& body) {
  for (Index w = 0; w < bits.width_words; ++w) {
    for (std::uint64_t word = bits.plane(plane)[w * bits.tokens + n]; word != 0; word &= word - 1) {
      body(64 * w + lowest_bit(word));
    }
  }
}

void ShortKeyValue(const HeadBits& k, const std::int16_t* values, Index stride, Index width,
                   std::int16_t* table) {
  const Short d;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  std::fill_n(table, width * stride, std::int16_t{0});
  for (int p = 0; p < k.code.planes; ++p) {
    const bool adds = k.code.weight(p) > 0;
    for (Index m = 0; m < k.tokens; ++m) {
      const std::int16_t* value = values + m * stride;
      ForEachEvent(k, p, m, [&](Index c) {
        std::int16_t* row = table + c * stride;
        for (Index at = 0; at < stride; at += lanes) {
          const auto old = hn::LoadU(d, row + at);
          const auto added = hn::LoadU(d, value + at);
          hn::StoreU(adds ? hn::Add(old, added) : hn::Sub(old, added), d, row + at);
        }
      });
    }
  }
}

Index GreatestColumn(const std::int16_t* table, Index stride, Index rows) {
  const Short d;
  auto most = hn::Zero(d);
  for (Index at = 0; at < stride; at += static_cast<Index>(hn::Lanes(d))) {
    auto sum = hn::Zero(d);
    for (Index c = 0; c < rows; ++c) {
      sum = hn::SaturatedAdd(sum, hn::Abs(hn::LoadU(d, table + c * stride + at)));
    }
    most = hn::Max(most, sum);
  }
  HWY_ALIGN std::int16_t lanes[short_lanes / 2];
  hn::StoreU(most, d, lanes);
  return *std::max_element(lanes, lanes + hn::Lanes(d));
}

void ScaleShort(const std::int16_t* numbers, float factor, Index width, float* out) {
  const hn::CappedTag<float, short_lanes> d;
  const hn::RebindToSigned<decltype(d)> d32;
  const hn::Rebind<std::int16_t, decltype(d)> d16;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  Index c = 0;
  for (; c + lanes <= width; c += lanes) {
    const auto wide = hn::PromoteTo(d32, hn::LoadU(d16, numbers + c));
    hn::StoreU(hn::Mul(hn::Set(d, factor), hn::ConvertTo(d, wide)), d, out + c);
  }
  for (; c < width; ++c) {
    out[c] = factor * static_cast<float>(numbers[c]);
  }
}

void ShortQuery(const HeadBits& q, Index n, const std::int16_t* table, Index stride, float factor,
                Index width, float* out) {
  const Short d;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  HWY_ALIGN std::int16_t sums[short_lanes];
  for (Index first = 0; first < width; first += 2 * lanes) {
    auto left = hn::Zero(d);
    auto right = hn::Zero(d);
    for (int p = 0; p < q.code.planes; ++p) {
      if (q.code.weight(p) > 0) {
        ForEachEvent(q, p, n, [&](Index c) {
          left = hn::Add(left, hn::LoadU(d, table + c * stride + first));
          right = hn::Add(right, hn::LoadU(d, table + c * stride + first + lanes));
        });
      } else {
        ForEachEvent(q, p, n, [&](Index c) {
          left = hn::Sub(left, hn::LoadU(d, table + c * stride + first));
          right = hn::Sub(right, hn::LoadU(d, table + c * stride + first + lanes));
        });
      }
    }
    hn::StoreU(left, d, sums);
    hn::StoreU(right, d, sums + lanes);
    ScaleShort(sums, factor, std::min(2 * lanes, width - first), out + first);
  }
}

}  // namespace volley::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace volley {

HWY_EXPORT(ShortKeyValue);
HWY_EXPORT(GreatestColumn);
HWY_EXPORT(ShortQuery);

void short_key_value(const HeadBits& k, const std::int16_t* values, Index stride, Index width,
                     std::int16_t* table) {
  HWY_DYNAMIC_DISPATCH(ShortKeyValue)(k, values, stride, width, table);
}

Index greatest_column(const std::int16_t* table, Index stride, Index rows) {
  return HWY_DYNAMIC_DISPATCH(GreatestColumn)(table, stride, rows);
}

void short_query(const HeadBits& q, Index n, const std::int16_t* table, Index stride, float factor,
                 Index width, float* out) {
  HWY_DYNAMIC_DISPATCH(ShortQuery)(q, n, table, stride, factor, width, out);
}

}  // namespace volley
#endif
