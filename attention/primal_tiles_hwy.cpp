// Small dense products, a lane per column.
#include "attention/primal_tiles.hpp"

#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention/primal_tiles_hwy.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace volley::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr hn::ScalableTag<float> floats;
constexpr Index tile_rows = 4;
constexpr Index tokens_at_once = 8;  // sums in flight hide the latency of an addition

using Vector = hn::Vec<decltype(floats)>;
using Mask = hn::Mask<decltype(floats)>;

// Up to four vectors of one row, each a name of its own so that it stays in a register; of the last only the
// lanes of the mask are there.
template <int V>
struct Columns {
  Vector v0, v1, v2, v3;

  HWY_INLINE void Clear() { v0 = v1 = v2 = v3 = hn::Zero(floats); }
  HWY_INLINE void Load(const float* row, Mask mask) {
    v0 = LoadOne<0>(row, mask);
    if constexpr (V > 1) {
      v1 = LoadOne<1>(row, mask);
    }
    if constexpr (V > 2) {
      v2 = LoadOne<2>(row, mask);
    }
    if constexpr (V > 3) {
      v3 = LoadOne<3>(row, mask);
    }
  }
  // Each product is rounded before it is added.
  HWY_INLINE void AddProduct(float factor, const Columns& b) {
    const Vector a = hn::Set(floats, factor);
    v0 = hn::Add(v0, hn::Mul(a, b.v0));
    if constexpr (V > 1) {
      v1 = hn::Add(v1, hn::Mul(a, b.v1));
    }
    if constexpr (V > 2) {
      v2 = hn::Add(v2, hn::Mul(a, b.v2));
    }
    if constexpr (V > 3) {
      v3 = hn::Add(v3, hn::Mul(a, b.v3));
    }
  }
  HWY_INLINE void Store(const Columns* bias, float* row, Mask mask) const {
    StoreOne<0>(v0, bias == nullptr ? nullptr : &bias->v0, row, mask);
    if constexpr (V > 1) {
      StoreOne<1>(v1, bias == nullptr ? nullptr : &bias->v1, row, mask);
    }
    if constexpr (V > 2) {
      StoreOne<2>(v2, bias == nullptr ? nullptr : &bias->v2, row, mask);
    }
    if constexpr (V > 3) {
      StoreOne<3>(v3, bias == nullptr ? nullptr : &bias->v3, row, mask);
    }
  }

 private:
  template <int which>
  HWY_INLINE static Vector LoadOne(const float* row, Mask mask) {
    const float* from = row + which * static_cast<Index>(hn::Lanes(floats));
    return which + 1 == V ? hn::MaskedLoad(mask, floats, from) : hn::LoadU(floats, from);
  }
  template <int which>
  HWY_INLINE static void StoreOne(Vector sum, const Vector* bias, float* row, Mask mask) {
    float* to = row + which * static_cast<Index>(hn::Lanes(floats));
    const Vector number = bias == nullptr ? sum : hn::Add(sum, *bias);
    if (which + 1 == V) {
      hn::BlendedStore(number, mask, floats, to);
    } else {
      hn::StoreU(number, floats, to);
    }
  }
};

// Four rows, or one.
template <int R, int V>
HWY_INLINE void MultiplyTile(const TileProduct& at, Mask mask) {
  Columns<V> b, sums0, sums1, sums2, sums3;
  sums0.Clear();
  sums1.Clear();
  sums2.Clear();
  sums3.Clear();
  const float* a = at.a;
  const float* row = at.b;
  for (Index k = 0; k < at.inner; ++k, a += at.a_inner, row += at.b_row) {
    b.Load(row, mask);
    sums0.AddProduct(a[0], b);
    if constexpr (R > 1) {
      sums1.AddProduct(a[at.a_row], b);
      sums2.AddProduct(a[2 * at.a_row], b);
      sums3.AddProduct(a[3 * at.a_row], b);
    }
  }
  Columns<V> bias;
  if (at.bias != nullptr) {
    bias.Load(at.bias, mask);
  }
  const Columns<V>* added = at.bias == nullptr ? nullptr : &bias;
  sums0.Store(added, at.out, mask);
  if constexpr (R > 1) {
    sums1.Store(added, at.out + at.out_row, mask);
    sums2.Store(added, at.out + 2 * at.out_row, mask);
    sums3.Store(added, at.out + 3 * at.out_row, mask);
  }
}

template <int V>
void MultiplyColumns(TileProduct at, Index columns) {
  const auto lanes = static_cast<Index>(hn::Lanes(floats));
  const auto mask = hn::FirstN(floats, static_cast<std::size_t>(columns - (V - 1) * lanes));
  for (; at.rows >= tile_rows; at.rows -= tile_rows) {
    MultiplyTile<tile_rows, V>(at, mask);
    at.a += tile_rows * at.a_row;
    at.out += tile_rows * at.out_row;
  }
  for (; at.rows > 0; --at.rows) {
    MultiplyTile<1, V>(at, mask);
    at.a += at.a_row;
    at.out += at.out_row;
  }
}

void MultiplyInTiles(const TileProduct& product) {
  const auto lanes = static_cast<Index>(hn::Lanes(floats));
  const Index widest = (HWY_MAX_BYTES >= 64 ? 4 : 2) * lanes;  // what the registers hold
  TileProduct at = product;
  for (Index left = product.columns; left > 0; left -= widest) {
    const Index columns = std::min(left, widest);
    switch ((columns + lanes - 1) / lanes) {
      case 1:
        MultiplyColumns<1>(at, columns);
        break;
      case 2:
        MultiplyColumns<2>(at, columns);
        break;
      case 3:
        MultiplyColumns<3>(at, columns);
        break;
      default:
        MultiplyColumns<4>(at, columns);
        break;
    }
    at.b += widest;
    at.out += widest;
    at.bias = at.bias == nullptr ? nullptr : at.bias + widest;
  }
}

void DivideRow(const float* from, Index width, float divisor, float* out) {
  const auto lanes = static_cast<Index>(hn::Lanes(floats));
  const auto length = hn::Set(floats, divisor);
  Index c = 0;
  for (; c + lanes <= width; c += lanes) {
    hn::StoreU(hn::Div(hn::LoadU(floats, from + c), length), floats, out + c);
  }
  for (; c < width; ++c) {
    out[c] = from[c] / divisor;
  }
}

// Squares of eight rows, each sum a name of its own.
void SumSquares(const float* const* from, Index width, float* squares) {
  const float *r0 = from[0], *r1 = from[1], *r2 = from[2], *r3 = from[3];
  const float *r4 = from[4], *r5 = from[5], *r6 = from[6], *r7 = from[7];
  float s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0;
  for (Index c = 0; c < width; ++c) {
    s0 += r0[c] * r0[c];
    s1 += r1[c] * r1[c];
    s2 += r2[c] * r2[c];
    s3 += r3[c] * r3[c];
    s4 += r4[c] * r4[c];
    s5 += r5[c] * r5[c];
    s6 += r6[c] * r6[c];
    s7 += r7[c] * r7[c];
  }
  const float all[tokens_at_once] = {s0, s1, s2, s3, s4, s5, s6, s7};
  std::copy_n(all, tokens_at_once, squares);
}

void NormaliseRows(const RowsToNormalise& rows) {
  for (Index first = 0; first < rows.rows; first += tokens_at_once) {
    const Index count = std::min(tokens_at_once, rows.rows - first);
    const float* from[tokens_at_once];
    float squares[tokens_at_once];
    for (Index n = 0; n < tokens_at_once; ++n) {
      from[n] = rows.from + (first + std::min(n, count - 1)) * rows.from_row;
    }
    SumSquares(from, rows.width, squares);
    for (Index n = 0; n < count; ++n) {
      const float length = std::max(std::sqrt(squares[n]), rows.eps);
      DivideRow(from[n], rows.width, length, rows.out + (first + n) * rows.width);
    }
  }
}

void AddRowsInOrder(const float* from, Index from_row, Index rows, Index width, float* sums) {
  const auto lanes = static_cast<Index>(hn::Lanes(floats));
  Index c = 0;
  for (; c + lanes <= width; c += lanes) {
    auto sum = hn::LoadU(floats, sums + c);
    for (Index row = 0; row < rows; ++row) {
      sum = hn::Add(sum, hn::LoadU(floats, from + row * from_row + c));
    }
    hn::StoreU(sum, floats, sums + c);
  }
  for (; c < width; ++c) {
    for (Index row = 0; row < rows; ++row) {
      sums[c] += from[row * from_row + c];
    }
  }
}

void NextMean(const float* token, Index width, float count, float* sums, float* row) {
  const auto lanes = static_cast<Index>(hn::Lanes(floats));
  const auto divisor = hn::Set(floats, count);
  Index c = 0;
  for (; c + lanes <= width; c += lanes) {
    const auto sum = hn::Add(hn::LoadU(floats, sums + c), hn::LoadU(floats, token + c));
    hn::StoreU(sum, floats, sums + c);
    hn::StoreU(hn::Div(sum, divisor), floats, row + c);
  }
  for (; c < width; ++c) {
    sums[c] += token[c];
    row[c] = sums[c] / count;
  }
}

}  // namespace volley::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace volley {

HWY_EXPORT(MultiplyInTiles);
HWY_EXPORT(NormaliseRows);
HWY_EXPORT(AddRowsInOrder);
HWY_EXPORT(NextMean);

void multiply_in_tiles(const TileProduct& product) {
  HWY_DYNAMIC_DISPATCH(MultiplyInTiles)(product);
}

void normalise_rows(const RowsToNormalise& rows) {
  HWY_DYNAMIC_DISPATCH(NormaliseRows)(rows);
}

void add_rows_in_order(const float* from, Index from_row, Index rows, Index width, float* sums) {
  HWY_DYNAMIC_DISPATCH(AddRowsInOrder)(from, from_row, rows, width, sums);
}

void next_mean(const float* token, Index width, float count, float* sums, float* row) {
  HWY_DYNAMIC_DISPATCH(NextMean)(token, width, count, sums, row);
}

}  // namespace volley
#endif
