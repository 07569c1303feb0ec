// Sums of weight rows in 8 bits: 16-bit lanes for as many rows as fit, then 32 bits.
#include "sim/ops/byte_sum.hpp"

#include <algorithm>
#include <cstring>

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

void SumByteRows(const RowLists& plus, const RowLists& minus, const ByteTile& tile, float* out) {
  HWY_ALIGN float scale[byte_columns] = {};
  HWY_ALIGN float bias[byte_columns] = {};
  std::copy_n(tile.scale, tile.columns, scale);
  if (tile.bias != nullptr) {
    std::copy_n(tile.bias, tile.columns, bias);
  }
  const Index tile_bytes = (tile.depth + 1) * byte_columns;
  const Index ahead = (tile_bytes / std::max<Index>(1, plus.tokens) + line_bytes) / line_bytes * line_bytes;
  for (Index i = 0; i < plus.tokens; i += 2) {
    const Index second = std::min(i + 1, plus.tokens - 1);  // the last token may be alone: taken twice
    if (tile.has_next) {                                    // each token fetches its share of the next tile
      const Index end = std::min((second + 1) * ahead, tile_bytes);
      for (Index p = i * ahead; p < end; p += line_bytes) {
        hwy::Prefetch(tile.weight + tile_bytes + p);
      }
    }
    const List lists[2] = {list_of(plus, i), list_of(plus, second)};
    const bool is_short =
        minus.tokens == 0 && lists[0].count <= fitting_rows && lists[1].count <= fitting_rows;
    for (Index c = 0; c < byte_columns; c += strip) {
      float* to[2] = {out + i * byte_columns + c, out + second * byte_columns + c};
      if (is_short) {
        SumShort(tile.weight + c, lists[0], lists[1], scale + c, bias + c, to[0], to[1]);
        continue;
      }
      for (Index j = 0; j < second + 1 - i; ++j) {
        const List off = minus.tokens == 0 ? List{nullptr, 0} : list_of(minus, i + j);
        SumLong(tile.weight + c, lists[j], off, scale + c, bias + c, to[j]);
      }
    }
  }
}

}  // namespace volley::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace volley {

HWY_EXPORT(SumByteRows);

void sum_byte_rows(const RowLists& plus, const RowLists& minus, const ByteTile& tile, float* out) {
  HWY_DYNAMIC_DISPATCH(SumByteRows)(plus, minus, tile, out);
}

}  // namespace volley
#endif
