// Weighted sums of rows, a lane per column.
#include "attention/weighted_rows.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention/weighted_rows_hwy.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace volley::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Four vectors of columns: as many sums in flight hide the latency of an addition.
template <class Number>
void FourVectors(const WeightedRows<Number>& list, const Number* table, Index stride, Number* out) {
  const hn::ScalableTag<Number> d;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  auto sum0 = hn::Zero(d);
  auto sum1 = hn::Zero(d);
  auto sum2 = hn::Zero(d);
  auto sum3 = hn::Zero(d);
  for (std::size_t i = 0; i < list.rows.size(); ++i) {
    const Number* row = table + list.rows[i] * stride;
    const auto weight = hn::Set(d, list.weights[i]);
    sum0 = hn::Add(sum0, hn::Mul(weight, hn::LoadU(d, row)));
    sum1 = hn::Add(sum1, hn::Mul(weight, hn::LoadU(d, row + lanes)));
    sum2 = hn::Add(sum2, hn::Mul(weight, hn::LoadU(d, row + 2 * lanes)));
    sum3 = hn::Add(sum3, hn::Mul(weight, hn::LoadU(d, row + 3 * lanes)));
  }
  hn::StoreU(sum0, d, out);
  hn::StoreU(sum1, d, out + lanes);
  hn::StoreU(sum2, d, out + 2 * lanes);
  hn::StoreU(sum3, d, out + 3 * lanes);
}

template <class Number>
void OneVector(const WeightedRows<Number>& list, const Number* table, Index stride, Number* out) {
  const hn::ScalableTag<Number> d;
  auto sum = hn::Zero(d);
  for (std::size_t i = 0; i < list.rows.size(); ++i) {
    const auto row = hn::LoadU(d, table + list.rows[i] * stride);
    sum = hn::Add(sum, hn::Mul(hn::Set(d, list.weights[i]), row));
  }
  hn::StoreU(sum, d, out);
}

template <class Number>
void SumRows(const WeightedRows<Number>& list, const Number* table, Index stride, Index width, Number* out) {
  const auto lanes = static_cast<Index>(hn::Lanes(hn::ScalableTag<Number>()));
  Index c = 0;
  for (; c + 4 * lanes <= width; c += 4 * lanes) {
    FourVectors(list, table + c, stride, out + c);
  }
  for (; c + lanes <= width; c += lanes) {
    OneVector(list, table + c, stride, out + c);
  }
  if (c < width &&
      width >= lanes) {  // the last vector overlaps the one before: a column does not depend on others
    OneVector(list, table + width - lanes, stride, out + width - lanes);
    return;
  }
  for (; c < width; ++c) {
    Number sum = 0;
    for (std::size_t i = 0; i < list.rows.size(); ++i) {
      sum += list.weights[i] * table[list.rows[i] * stride + c];
    }
    out[c] = sum;
  }
}

void SumRowsF32(const WeightedRows<float>& list, const float* table, Index stride, Index width, float* out) {
  SumRows(list, table, stride, width, out);
}

void SumRowsI32(const WeightedRows<std::int32_t>& list, const std::int32_t* table, Index stride, Index width,
                std::int32_t* out) {
  SumRows(list, table, stride, width, out);
}

void AddToRows(const WeightedRows<std::int32_t>& list, const std::int32_t* added, Index stride, Index width,
               std::int32_t* table) {
  const hn::ScalableTag<std::int32_t> d;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  Index c = 0;
  for (; c + lanes <= width; c += lanes) {
    const auto number = hn::LoadU(d, added + c);
    for (std::size_t i = 0; i < list.rows.size(); ++i) {
      std::int32_t* row = table + list.rows[i] * stride + c;
      hn::StoreU(hn::Add(hn::LoadU(d, row), hn::Mul(hn::Set(d, list.weights[i]), number)), d, row);
    }
  }
  for (; c < width; ++c) {
    for (std::size_t i = 0; i < list.rows.size(); ++i) {
      table[list.rows[i] * stride + c] += list.weights[i] * added[c];
    }
  }
}

void ScaleRow(const std::int32_t* numbers, Index width, float scale, float* out) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  Index c = 0;
  for (; c + lanes <= width; c += lanes) {
    hn::StoreU(hn::Mul(hn::Set(d, scale), hn::ConvertTo(d, hn::LoadU(di, numbers + c))), d, out + c);
  }
  for (; c < width; ++c) {
    out[c] = scale * static_cast<float>(numbers[c]);
  }
}

}  // namespace volley::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace volley {

HWY_EXPORT(SumRowsF32);
HWY_EXPORT(SumRowsI32);
HWY_EXPORT(AddToRows);
HWY_EXPORT(ScaleRow);

void sum_rows(const WeightedRows<float>& list, const float* table, Index stride, Index width, float* out) {
  HWY_DYNAMIC_DISPATCH(SumRowsF32)(list, table, stride, width, out);
}

void sum_rows(const WeightedRows<std::int32_t>& list, const std::int32_t* table, Index stride, Index width,
              std::int32_t* out) {
  HWY_DYNAMIC_DISPATCH(SumRowsI32)(list, table, stride, width, out);
}

void add_to_rows(const WeightedRows<std::int32_t>& list, const std::int32_t* added, Index stride, Index width,
                 std::int32_t* table) {
  HWY_DYNAMIC_DISPATCH(AddToRows)(list, added, stride, width, table);
}

void scale_row(const std::int32_t* numbers, Index width, float scale, float* out) {
  HWY_DYNAMIC_DISPATCH(ScaleRow)(numbers, width, scale, out);
}

}  // namespace volley
#endif
