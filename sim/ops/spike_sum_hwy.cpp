// Sums of weight rows: one lane per output, so each sum keeps its order.
#include "sim/ops/spike_sum.hpp"

#include <algorithm>
#include <cstring>

#define HWY_WANT_AVX3_DL 1  // for vpcompressw
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "sim/ops/spike_sum_hwy.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace volley::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Lanes = hn::CappedTag<float, 16>;
using Vector = hn::Vec<Lanes>;
constexpr Index lanes = static_cast<Index>(hn::MaxLanes(Lanes()));
constexpr Index tile_vectors = tile_columns / lanes;
constexpr Index line_floats = 16;  // of a cache line

Index ListRows(const std::uint64_t* words, Index word_count, Index base, std::uint16_t* rows) {
  const hn::ScalableTag<std::uint16_t> d;
  constexpr Index part = static_cast<Index>(hn::MaxLanes(hn::ScalableTag<std::uint16_t>()));
  static_assert(part <= 64);
  std::uint16_t* end = rows;
  for (Index w = 0; w < word_count; ++w) {
    if (words[w] == 0) {
      continue;
    }
    for (Index first = 0; first < 64; first += part) {
      std::uint64_t bits = words[w] >> first;
      if constexpr (part < 64) {
        bits &= (std::uint64_t{1} << part) - 1;
      }
      const auto mask = hn::LoadMaskBits(d, reinterpret_cast<const std::uint8_t*>(&bits));
      const auto address = hn::Iota(d, static_cast<std::uint16_t>(base + w * 64 + first));
      hn::StoreU(hn::Compress(address, mask), d, end);
      end += popcount(bits);
    }
  }
  return end - rows;
}

// Sums of 2 or 4 vectors, as named members: an array of them would live in memory.
template <Index n>
struct Sums {
  Vector a, b, c, d;
};

template <Index n, bool has_factors>
HWY_INLINE void AddRow(const float* row, [[maybe_unused]] const float* factor, Sums<n>& sums) {
  const Lanes tag;
  const auto product = [&](Index v) HWY_ATTR {
    const Vector weight = hn::Load(tag, row + v * lanes);
    if constexpr (has_factors) {
      return hn::Mul(hn::Set(tag, *factor), weight);
    } else {
      return weight;
    }
  };
  sums.a = hn::Add(sums.a, product(0));
  sums.b = hn::Add(sums.b, product(1));
  if constexpr (n == 4) {
    sums.c = hn::Add(sums.c, product(2));
    sums.d = hn::Add(sums.d, product(3));
  }
}

template <Index n>
HWY_INLINE void StoreSums(const Sums<n>& sums, const float* bias, float* out) {
  const Lanes tag;
  hn::StoreU(hn::Add(sums.a, hn::Load(tag, bias)), tag, out);
  hn::StoreU(hn::Add(sums.b, hn::Load(tag, bias + lanes)), tag, out + lanes);
  if constexpr (n == 4) {
    hn::StoreU(hn::Add(sums.c, hn::Load(tag, bias + 2 * lanes)), tag, out + 2 * lanes);
    hn::StoreU(hn::Add(sums.d, hn::Load(tag, bias + 3 * lanes)), tag, out + 3 * lanes);
  }
}

constexpr Index strip_vectors = tile_vectors >= 4 ? 4 : 2;

// Entry j of four.
template <Index j, bool has_factors>
HWY_INLINE void AddListed(const float* tile, std::uint64_t four, const float* factor,
                          Sums<strip_vectors>& sums) {
  const float* row = tile + (four >> (16 * j) & 0xFFFF) * tile_columns;
  AddRow<strip_vectors, has_factors>(row, has_factors ? factor + j : nullptr, sums);
}

// The list of one token.
struct TokenList {
  const std::uint16_t* rows;
  const float* factors;
  Index count;

  TokenList(const RowLists& lists, Index token)
      : rows(lists.rows + lists.begins[token]),
        factors(lists.factors == nullptr ? nullptr : lists.factors + lists.begins[token]),
        count(lists.begins[token + 1] - lists.begins[token]) {}
};

template <bool has_factors>
HWY_INLINE void AddFour(const float* tile, const TokenList& list, Index i, Sums<strip_vectors>& sums) {
  std::uint64_t four = 0;  // one load for four rows: the loads are what bounds this loop
  std::memcpy(&four, list.rows + i, sizeof(four));
  const float* factor = has_factors ? list.factors + i : nullptr;
  AddListed<0, has_factors>(tile, four, factor, sums);
  AddListed<1, has_factors>(tile, four, factor, sums);
  AddListed<2, has_factors>(tile, four, factor, sums);
  AddListed<3, has_factors>(tile, four, factor, sums);
}

// Where a strip of columns comes from and goes to.
struct Strips {
  const float* tile;
  const float* bias;
  float* out;
};

// Two strips side by side: of one tile and two tokens, or of two tiles and one token. One alone waits for its
// own additions.
template <bool has_factors>
HWY_INLINE void SumStrips(const TokenList& first, const Strips& first_strip, const TokenList& second,
                          const Strips& second_strip) {
  const Vector zero = hn::Zero(Lanes());
  Sums<strip_vectors> a{zero, zero, zero, zero};
  Sums<strip_vectors> b = a;
  const Index both = std::min(first.count, second.count);
  Index i = 0;
  for (; i < both; i += list_step) {
    AddFour<has_factors>(first_strip.tile, first, i, a);
    AddFour<has_factors>(second_strip.tile, second, i, b);
  }
  for (Index j = i; j < first.count; j += list_step) {
    AddFour<has_factors>(first_strip.tile, first, j, a);
  }
  for (Index j = i; j < second.count; j += list_step) {
    AddFour<has_factors>(second_strip.tile, second, j, b);
  }
  StoreSums(a, first_strip.bias, first_strip.out);
  StoreSums(b, second_strip.bias, second_strip.out);
}

// A copy of a tile's bias, zero where there is none.
struct TileBias {
  HWY_ALIGN float numbers[tile_columns];

  TileBias(const TileRange& tiles, Index column) {
    const Index width = tiles.bias == nullptr ? 0 : std::min(tile_columns, tiles.columns - column);
    std::copy_n(tiles.bias + (width == 0 ? 0 : column), width, numbers);
    std::fill(numbers + width, numbers + tile_columns, 0.0f);
  }
};

// Fetches what tokens [first, last) will read of the next tile: all rows when many tokens share the work, or
// just the rows of their lists when these are fewer.
HWY_INLINE void FetchNext(const float* next, Index depth, const RowLists& lists, Index first, Index last) {
  const Index tile_floats = (depth + 1) * tile_columns;
  if (lists.begins[lists.tokens] < depth) {
    for (Index entry = lists.begins[first]; entry < lists.begins[last]; ++entry) {
      const float* row = next + lists.rows[entry] * tile_columns;
      hwy::Prefetch(row);
      hwy::Prefetch(row + line_floats);
    }
    return;
  }
  const Index ahead = (tile_floats / lists.tokens + line_floats) / line_floats * line_floats;
  const Index end = std::min(last * ahead, tile_floats);
  for (Index p = first * ahead; p < end; p += line_floats) {
    hwy::Prefetch(next + p);
  }
}

template <bool has_factors>
void SumTiles(const RowLists& lists, const TileRange& tiles, float* out, Index out_stride) {
  const Index tile_floats = (tiles.depth + 1) * tile_columns;
  HWY_ALIGN float narrow[2 * tile_columns];
  for (Index column = 0; column < tiles.columns; column += tile_columns) {
    const float* tile = tiles.weight + column / tile_columns * tile_floats;
    const Index width = std::min(tile_columns, tiles.columns - column);
    const bool is_narrow = width < tile_columns;
    const bool has_next = column + tile_columns < tiles.columns || tiles.tiles_behind > 0;
    const TileBias bias(tiles, column);
    for (Index i = 0; i < lists.tokens; i += 2) {
      const Index pair = std::min<Index>(2, lists.tokens - i);  // the last token may be alone: taken twice
      if (has_next) {
        FetchNext(tile + tile_floats, tiles.depth, lists, i, i + pair);
      }
      const TokenList first(lists, i);
      const TokenList second(lists, i + pair - 1);
      float* first_out = is_narrow ? narrow : out + i * out_stride + column;
      float* second_out = is_narrow ? narrow + tile_columns : out + (i + pair - 1) * out_stride + column;
      for (Index c = 0; c < tile_columns; c += strip_vectors * lanes) {
        SumStrips<has_factors>(first, {tile + c, bias.numbers + c, first_out + c}, second,
                               {tile + c, bias.numbers + c, second_out + c});
      }
      for (Index j = 0; is_narrow && j < pair; ++j) {
        std::copy_n(narrow + j * tile_columns, width, out + (i + j) * out_stride + column);
      }
    }
  }
}

// One token alone, two tiles at a time; the last tile may be alone: taken twice. Fetching ahead gains nothing
// here (measured): the processor sees the loads of the next tile while it adds.
template <bool has_factors>
void SumOneToken(const RowLists& lists, const TileRange& tiles, float* out) {
  const Index tile_floats = (tiles.depth + 1) * tile_columns;
  const TokenList list(lists, 0);
  HWY_ALIGN float sums[2 * tile_columns];
  for (Index column = 0; column < tiles.columns; column += 2 * tile_columns) {
    const float* tile = tiles.weight + column / tile_columns * tile_floats;
    const Index next = column + tile_columns < tiles.columns ? 1 : 0;
    const Index width = std::min(2 * tile_columns, tiles.columns - column);
    float* to = width == 2 * tile_columns ? out + column : sums;
    const TileBias first(tiles, column);
    const TileBias second(tiles, column + next * tile_columns);
    for (Index c = 0; c < tile_columns; c += strip_vectors * lanes) {
      SumStrips<has_factors>(list, {tile + next * tile_floats + c, second.numbers + c, to + tile_columns + c},
                             list, {tile + c, first.numbers + c, to + c});
    }
    if (to == sums) {
      std::copy_n(sums, width, out + column);
    }
  }
}

void SumRows(const RowLists& lists, const TileRange& tiles, float* out, Index out_stride) {
  if (lists.tokens == 0) {
    return;
  }
  if (lists.tokens == 1) {
    lists.factors != nullptr ? SumOneToken<true>(lists, tiles, out) : SumOneToken<false>(lists, tiles, out);
    return;
  }
  if (lists.factors != nullptr) {
    SumTiles<true>(lists, tiles, out, out_stride);
  } else {
    SumTiles<false>(lists, tiles, out, out_stride);
  }
}

// Two vectors of outputs of four tokens.
HWY_INLINE void FourTokens(const float* x, const float* tile, Index depth, const float* bias, float* out,
                           Index out_stride) {
  const Lanes d;
  const Vector zero = hn::Zero(d);
  Sums<2> s0{zero, zero, zero, zero};
  Sums<2> s1 = s0;
  Sums<2> s2 = s0;
  Sums<2> s3 = s0;
  for (Index k = 0; k < depth; ++k) {
    AddRow<2, true>(tile + k * tile_columns, x + k, s0);
    AddRow<2, true>(tile + k * tile_columns, x + depth + k, s1);
    AddRow<2, true>(tile + k * tile_columns, x + 2 * depth + k, s2);
    AddRow<2, true>(tile + k * tile_columns, x + 3 * depth + k, s3);
  }
  StoreSums(s0, bias, out);
  StoreSums(s1, bias, out + out_stride);
  StoreSums(s2, bias, out + 2 * out_stride);
  StoreSums(s3, bias, out + 3 * out_stride);
}

HWY_INLINE void OneToken(const float* x, const float* tile, Index depth, const float* bias, float* out) {
  const Vector zero = hn::Zero(Lanes());
  Sums<2> sums{zero, zero, zero, zero};
  for (Index k = 0; k < depth; ++k) {
    AddRow<2, true>(tile + k * tile_columns, x + k, sums);
  }
  StoreSums(sums, bias, out);
}

void SumDense(const float* x, Index tokens, const TileRange& tiles, float* out, Index out_stride) {
  const Index tile_floats = (tiles.depth + 1) * tile_columns;
  HWY_ALIGN float narrow[4 * tile_columns];
  for (Index column = 0; column < tiles.columns; column += tile_columns) {
    const float* tile = tiles.weight + column / tile_columns * tile_floats;
    const Index width = std::min(tile_columns, tiles.columns - column);
    const bool is_narrow = width < tile_columns;
    const Index stride = is_narrow ? tile_columns : out_stride;
    const TileBias bias(tiles, column);
    for (Index i = 0; i < tokens;) {
      const Index count = i + 4 <= tokens ? 4 : 1;
      float* to = is_narrow ? narrow : out + i * out_stride + column;
      for (Index c = 0; c < tile_columns; c += 2 * lanes) {
        if (count == 4) {
          FourTokens(x + i * tiles.depth, tile + c, tiles.depth, bias.numbers + c, to + c, stride);
        } else {
          OneToken(x + i * tiles.depth, tile + c, tiles.depth, bias.numbers + c, to + c);
        }
      }
      for (Index j = 0; is_narrow && j < count; ++j) {
        std::copy_n(narrow + j * tile_columns, width, out + (i + j) * out_stride + column);
      }
      i += count;
    }
  }
}

void MultiplyAdd(const float* x, const float* weight, float* sum, Index count) {
  const Lanes d;
  Index i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(hn::Add(hn::LoadU(d, sum + i), hn::Mul(hn::LoadU(d, x + i), hn::LoadU(d, weight + i))), d,
               sum + i);
  }
  for (; i < count; ++i) {
    sum[i] += x[i] * weight[i];
  }
}

}  // namespace volley::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace volley {

HWY_EXPORT(ListRows);
HWY_EXPORT(SumRows);
HWY_EXPORT(SumDense);
HWY_EXPORT(MultiplyAdd);

Index list_rows(const std::uint64_t* words, Index word_count, Index base, std::uint16_t* rows) {
  return HWY_DYNAMIC_DISPATCH(ListRows)(words, word_count, base, rows);
}
void sum_rows(const RowLists& lists, const TileRange& tiles, float* out, Index out_stride) {
  HWY_DYNAMIC_DISPATCH(SumRows)(lists, tiles, out, out_stride);
}
void sum_dense(const float* x, Index tokens, const TileRange& tiles, float* out, Index out_stride) {
  HWY_DYNAMIC_DISPATCH(SumDense)(x, tokens, tiles, out, out_stride);
}
void multiply_add(const float* x, const float* weight, float* sum, Index count) {
  HWY_DYNAMIC_DISPATCH(MultiplyAdd)(x, weight, sum, count);
}

}  // namespace volley
#endif
