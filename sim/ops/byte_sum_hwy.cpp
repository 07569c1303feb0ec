// Sums of weight rows in 8 bits: 16-bit lanes while they fit, then 32 bits; and sums that steps share.
#include "sim/ops/byte_sum.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#define HWY_WANT_AVX3_DL 1  // for vpcompressw
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "sim/ops/byte_sum_hwy.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace volley::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Halves = hn::CappedTag<std::int16_t, 32>;
using Half = hn::Vec<Halves>;
using Bytes = hn::Rebind<std::int8_t, Halves>;
using Words = hn::CappedTag<std::int32_t, 16>;
using Narrow = hn::Rebind<std::int16_t, Words>;
using Numbers = hn::Rebind<float, Words>;
constexpr Index lanes = static_cast<Index>(hn::MaxLanes(Halves()));
constexpr Index word_lanes = static_cast<Index>(hn::MaxLanes(Words()));
constexpr Index strip = 2 * lanes;   // columns that one pass over a list sums
constexpr Index fitting_rows = 256;  // 256 * 127 < 2^15
constexpr Index line_bytes = 64;     // of a cache line
static_assert(byte_columns % strip == 0);

struct Pair {
  Half a, b;
};

struct List {
  const std::uint16_t* rows;
  Index count;
};

List list_of(const RowLists& lists, Index token) {
  return {lists.rows + lists.begins[token], lists.begins[token + 1] - lists.begins[token]};
}

template <Index j>
HWY_INLINE void AddListed(const std::int8_t* tile, std::uint64_t four, Pair& sums) {
  const Bytes bytes;
  const std::int8_t* row = tile + (four >> (16 * j) & 0xFFFF) * byte_columns;
  sums.a = hn::Add(sums.a, hn::PromoteTo(Halves(), hn::LoadU(bytes, row)));
  sums.b = hn::Add(sums.b, hn::PromoteTo(Halves(), hn::LoadU(bytes, row + lanes)));
}

HWY_INLINE void AddFour(const std::int8_t* tile, const std::uint16_t* rows, Pair& sums) {
  std::uint64_t four = 0;
  std::memcpy(&four, rows, sizeof(four));
  AddListed<0>(tile, four, sums);
  AddListed<1>(tile, four, sums);
  AddListed<2>(tile, four, sums);
  AddListed<3>(tile, four, sums);
}

HWY_INLINE void Widen(Half sum, std::int32_t* to) {
  const Words words;
  HWY_ALIGN std::int16_t halves[lanes];
  hn::Store(sum, Halves(), halves);
  for (Index c = 0; c < lanes; c += word_lanes) {
    const auto wide = hn::PromoteTo(words, hn::Load(Narrow(), halves + c));
    hn::StoreU(hn::Add(hn::LoadU(words, to + c), wide), words, to + c);
  }
}

// Adds a list to sums of 32 bits; minus: takes it off.
void AddLong(const std::int8_t* tile, List list, bool minus, std::int32_t* sums) {
  const Half zero = hn::Zero(Halves());
  for (Index begin = 0; begin < list.count; begin += fitting_rows) {
    Pair pair{zero, zero};
    const Index end = std::min(list.count, begin + fitting_rows);
    for (Index i = begin; i < end; i += list_step) {
      AddFour(tile, list.rows + i, pair);
    }
    Widen(minus ? hn::Sub(zero, pair.a) : pair.a, sums);
    Widen(minus ? hn::Sub(zero, pair.b) : pair.b, sums + lanes);
  }
}

HWY_INLINE void Scale(hn::Vec<Words> sum, const float* scale, const float* bias, float* out) {
  const Numbers numbers;
  const auto product = hn::Mul(hn::Load(numbers, scale), hn::ConvertTo(numbers, sum));
  hn::StoreU(hn::Add(product, hn::Load(numbers, bias)), numbers, out);
}

HWY_INLINE void ScaleHalf(Half sum, const float* scale, const float* bias, float* out) {
  HWY_ALIGN std::int16_t halves[lanes];
  hn::Store(sum, Halves(), halves);
  for (Index c = 0; c < lanes; c += word_lanes) {
    Scale(hn::PromoteTo(Words(), hn::Load(Narrow(), halves + c)), scale + c, bias + c, out + c);
  }
}

// Two short lists side by side: one alone waits for its own additions.
HWY_INLINE void SumShort(const std::int8_t* tile, List first, List second, const float* scale,
                         const float* bias, float* first_out, float* second_out) {
  const Half zero = hn::Zero(Halves());
  Pair a{zero, zero};
  Pair b{zero, zero};
  const Index both = std::min(first.count, second.count);
  Index i = 0;
  for (; i < both; i += list_step) {
    AddFour(tile, first.rows + i, a);
    AddFour(tile, second.rows + i, b);
  }
  for (Index j = i; j < first.count; j += list_step) {
    AddFour(tile, first.rows + j, a);
  }
  for (Index j = i; j < second.count; j += list_step) {
    AddFour(tile, second.rows + j, b);
  }
  ScaleHalf(a.a, scale, bias, first_out);
  ScaleHalf(a.b, scale + lanes, bias + lanes, first_out + lanes);
  ScaleHalf(b.a, scale, bias, second_out);
  ScaleHalf(b.b, scale + lanes, bias + lanes, second_out + lanes);
}

void SumLong(const std::int8_t* tile, List plus, List minus, const float* scale, const float* bias,
             float* out) {
  HWY_ALIGN std::int32_t sums[strip] = {};
  AddLong(tile, plus, false, sums);
  AddLong(tile, minus, true, sums);
  const Words words;
  for (Index c = 0; c < strip; c += word_lanes) {
    Scale(hn::Load(words, sums + c), scale + c, bias + c, out + c);
  }
}

// Scale and bias of a tile's columns, 0 past the last.
struct TileScale {
  HWY_ALIGN float scale[byte_columns] = {};
  HWY_ALIGN float bias[byte_columns] = {};

  explicit TileScale(const ByteTile& tile) {
    std::copy_n(tile.scale, tile.columns, scale);
    if (tile.bias != nullptr) {
      std::copy_n(tile.bias, tile.columns, bias);
    }
  }
};

// Tokens [first, last) fetch their share of the next tile.
HWY_INLINE void FetchNext(const ByteTile& tile, Index tokens, Index first, Index last) {
  if (!tile.has_next) {
    return;
  }
  const Index tile_bytes = (tile.depth + 1) * byte_columns;
  const Index share = (tile_bytes / tokens + line_bytes) / line_bytes * line_bytes;
  const Index end = std::min(last * share, tile_bytes);
  for (Index p = first * share; p < end; p += line_bytes) {
    hwy::Prefetch(tile.weight + tile_bytes + p);
  }
}

void SumByteRows(const RowLists& plus, const RowLists& minus, const ByteTile& tile, float* out) {
  const TileScale columns(tile);
  for (Index i = 0; i < plus.tokens; i += 2) {
    const Index second = std::min(i + 1, plus.tokens - 1);  // the last token may be alone: taken twice
    FetchNext(tile, plus.tokens, i, second + 1);
    const List lists[2] = {list_of(plus, i), list_of(plus, second)};
    const bool is_short =
        minus.tokens == 0 &&
        (tile.fits_16 || (lists[0].count <= fitting_rows && lists[1].count <= fitting_rows));
    for (Index c = 0; c < byte_columns; c += strip) {
      float* to[2] = {out + i * byte_columns + c, out + second * byte_columns + c};
      const float* scale = columns.scale + c;
      const float* bias = columns.bias + c;
      if (is_short) {
        SumShort(tile.weight + c, lists[0], lists[1], scale, bias, to[0], to[1]);
        continue;
      }
      for (Index j = 0; j < second + 1 - i; ++j) {
        const List off = minus.tokens == 0 ? List{nullptr, 0} : list_of(minus, i + j);
        SumLong(tile.weight + c, lists[j], off, scale, bias, to[j]);
      }
    }
  }
}

// Input by input: for few of them.
HWY_INLINE void ListFew(const std::array<std::uint64_t, bucket_steps>& steps, std::uint64_t any, Index base,
                        std::array<std::uint16_t*, patterns>& ends) {
  for (; any != 0; any &= any - 1) {
    const int bit = std::countr_zero(any);
    const std::uint64_t p = (steps[0] >> bit & 1) | (steps[1] >> bit & 1) << 1 | (steps[2] >> bit & 1) << 2 |
                            (steps[3] >> bit & 1) << 3;
    *ends[p]++ = static_cast<std::uint16_t>(base + bit);
  }
}

void ListPatterns(const std::array<std::uint64_t, bucket_steps>& steps, Index base,
                  std::array<std::uint16_t*, patterns>& ends) {
  constexpr int few = 20;
  const std::uint64_t any = steps[0] | steps[1] | steps[2] | steps[3];
  if (std::popcount(any) <= few) {
    ListFew(steps, any, base, ends);
    return;
  }
  const hn::ScalableTag<std::uint16_t> d;
  constexpr Index part = static_cast<Index>(hn::MaxLanes(hn::ScalableTag<std::uint16_t>()));
  const std::uint64_t low[4] = {~steps[0] & ~steps[1], steps[0] & ~steps[1], ~steps[0] & steps[1],
                                steps[0] & steps[1]};
  const std::uint64_t high[4] = {~steps[2] & ~steps[3], steps[2] & ~steps[3], ~steps[2] & steps[3],
                                 steps[2] & steps[3]};
  for (std::size_t p = 1; p < ends.size(); ++p) {
    const std::uint64_t bits = low[p & 3] & high[p >> 2];
    std::uint16_t* end = ends[p];
    for (Index first = 0; first < 64; first += part) {  // no look at whether it is empty: that is guesswork
      std::uint64_t some = bits >> first;
      if constexpr (part < 64) {
        some &= (std::uint64_t{1} << part) - 1;
      }
      const auto mask = hn::LoadMaskBits(d, reinterpret_cast<const std::uint8_t*>(&some));
      const auto address = hn::Iota(d, static_cast<std::uint16_t>(base + first));
      hn::StoreU(hn::Compress(address, mask), d, end);
      end += std::popcount(some);
    }
    ends[p] = end;
  }
}

// Sums of the steps, as named members: an array of them would live in memory.
struct StepSums {
  Pair a, b, c, d;
};

HWY_INLINE void AddPair(Pair& sum, const Pair& part) {
  sum.a = hn::Add(sum.a, part.a);
  sum.b = hn::Add(sum.b, part.b);
}

template <std::size_t p>
HWY_INLINE void AddBucket(const std::int8_t* tile, const BucketLists& lists, Index token, StepSums& sums) {
  const Index* begin = lists.begins + token * patterns + static_cast<Index>(p);
  if (begin[0] == begin[1]) {
    return;
  }
  Pair part{hn::Zero(Halves()), hn::Zero(Halves())};
  for (Index i = begin[0]; i < begin[1]; i += list_step) {
    AddFour(tile, lists.rows + i, part);
  }
  if constexpr ((p & 1) != 0) {
    AddPair(sums.a, part);
  }
  if constexpr ((p & 2) != 0) {
    AddPair(sums.b, part);
  }
  if constexpr ((p & 4) != 0) {
    AddPair(sums.c, part);
  }
  if constexpr ((p & 8) != 0) {
    AddPair(sums.d, part);
  }
}

template <std::size_t... p>
HWY_INLINE void AddBuckets(const std::int8_t* tile, const BucketLists& lists, Index token, StepSums& sums,
                           std::index_sequence<p...>) {
  (AddBucket<p + 1>(tile, lists, token, sums), ...);
}

HWY_INLINE void ScalePair(const Pair& sum, const float* scale, const float* bias, float* out) {
  ScaleHalf(sum.a, scale, bias, out);
  ScaleHalf(sum.b, scale + lanes, bias + lanes, out + lanes);
}

void SumBuckets(const BucketLists& lists, Index steps, const ByteTile& tile, float* out) {
  const TileScale columns(tile);
  for (Index i = 0; i < lists.tokens; ++i) {
    FetchNext(tile, lists.tokens, i, i + 1);
    for (Index c = 0; c < byte_columns; c += strip) {
      const Pair zero{hn::Zero(Halves()), hn::Zero(Halves())};
      StepSums sums{zero, zero, zero, zero};
      AddBuckets(tile.weight + c, lists, i, sums, std::make_index_sequence<patterns - 1>());
      float* to = out + i * steps * byte_columns + c;
      ScalePair(sums.a, columns.scale + c, columns.bias + c, to);
      if (steps > 1) {
        ScalePair(sums.b, columns.scale + c, columns.bias + c, to + byte_columns);
      }
      if (steps > 2) {
        ScalePair(sums.c, columns.scale + c, columns.bias + c, to + 2 * byte_columns);
      }
      if (steps > 3) {
        ScalePair(sums.d, columns.scale + c, columns.bias + c, to + 3 * byte_columns);
      }
    }
  }
}

}  // namespace volley::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace volley {

HWY_EXPORT(SumByteRows);
HWY_EXPORT(ListPatterns);
HWY_EXPORT(SumBuckets);

void sum_byte_rows(const RowLists& plus, const RowLists& minus, const ByteTile& tile, float* out) {
  HWY_DYNAMIC_DISPATCH(SumByteRows)(plus, minus, tile, out);
}

void list_patterns(const std::array<std::uint64_t, bucket_steps>& steps, Index base,
                   std::array<std::uint16_t*, patterns>& ends) {
  HWY_DYNAMIC_DISPATCH(ListPatterns)(steps, base, ends);
}
void sum_byte_buckets(const BucketLists& lists, Index steps, const ByteTile& tile, float* out) {
  HWY_DYNAMIC_DISPATCH(SumBuckets)(lists, steps, tile, out);
}

}  // namespace volley
#endif
