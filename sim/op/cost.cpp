// Counts the spikes of an edge, once, with the marginal that its reader wants.
#include "sim/op/cost.hpp"

#include <algorithm>
#include <array>
#include <numeric>

namespace volley {
namespace {

// For each axis of a shape: what one step along it adds to the index of the marginal (0: summed over).
std::vector<Index> marginal_strides(const Shape& shape, const std::vector<Axis>& axes, Index& size) {
  std::vector<Index> strides(shape.extents.size(), 0);
  size = 1;
  for (std::size_t i = shape.extents.size(); i-- > 0;) {
    if (std::find(axes.begin(), axes.end(), shape.extents[i].axis) != axes.end()) {
      strides[i] = size;
      size *= shape.extents[i].size;
    }
  }
  return strides;
}

// Index of a row (all axes but the last) in the marginal.
Index row_offset(const Shape& shape, const std::vector<Index>& strides, Index row) {
  Index offset = 0;
  for (std::size_t i = shape.extents.size() - 1; i-- > 0;) {
    offset += row % shape.extents[i].size * strides[i];
    row /= shape.extents[i].size;
  }
  return offset;
}

void count_spikes(const SpikeTensor& spikes, const std::vector<Index>& strides, Activity& activity) {
  const Index column_stride = strides.back();
  for (int p = 0; p < spikes.code().planes; ++p) {
    for (Index r = 0; r < spikes.rows(); ++r) {
      const Index offset = row_offset(spikes.shape(), strides, r);
      const auto row = spikes.row(p, r);
      if (column_stride == 0) {
        for (const std::uint64_t word : row) {
          activity.marginal[static_cast<std::size_t>(offset)] += popcount(word);
        }
        continue;
      }
      for (std::size_t w = 0; w < row.size(); ++w) {
        for (std::uint64_t bits = row[w]; bits != 0; bits &= bits - 1) {
          const Index column = static_cast<Index>(w) * 64 + lowest_bit(bits);
          ++activity.marginal[static_cast<std::size_t>(offset + column * column_stride)];
        }
      }
    }
  }
}

// Numbers that are not 0. Lanes of 32 bits, so that the compiler makes vectors of them.
template <class T>
Index nonzero_count(std::span<const T> numbers) {
  constexpr std::size_t lanes = 16;
  constexpr std::size_t block = lanes << 16;  // a lane counts less than 2^31
  Index total = 0;
  std::size_t at = 0;
  while (at + lanes <= numbers.size()) {
    std::array<std::int32_t, lanes> counts{};
    const std::size_t end = std::min(numbers.size(), at + block);
    for (; at + lanes <= end; at += lanes) {
      for (std::size_t i = 0; i < lanes; ++i) {
        counts[i] += numbers[at + i] != T{0} ? 1 : 0;
      }
    }
    total = std::accumulate(counts.begin(), counts.end(), total);
  }
  for (; at < numbers.size(); ++at) {
    total += numbers[at] != T{0} ? 1 : 0;
  }
  return total;
}

template <class T>
void count_numbers(const Tensor& tensor, const std::vector<Index>& strides, Activity& activity) {
  const auto numbers = tensor.as<T>();
  if (activity.marginal.size() == 1) {
    activity.marginal[0] = nonzero_count(numbers);
    return;
  }
  const Index row_size = tensor.shape().row();
  for (Index r = 0; r < tensor.shape().rows(); ++r) {
    const Index offset = row_offset(tensor.shape(), strides, r);
    for (Index c = 0; c < row_size; ++c) {
      if (numbers[static_cast<std::size_t>(r * row_size + c)] != T{0}) {
        ++activity.marginal[static_cast<std::size_t>(offset + c * strides.back())];
      }
    }
  }
}

}  // namespace

Activity activity_of(const Value& value, std::vector<Axis> axes) {
  Activity activity{spec_of(value), 0, {}};
  if (const auto* spikes = std::get_if<SpikeTensor>(&value); spikes != nullptr && axes.empty()) {
    activity.spikes = spike_count(*spikes);
    return activity;
  }
  Index size = 0;
  const auto strides = marginal_strides(activity.spec.shape, axes, size);
  activity.marginal.assign(static_cast<std::size_t>(size), 0);
  if (const auto* spikes = std::get_if<SpikeTensor>(&value)) {
    count_spikes(*spikes, strides, activity);
  } else if (const auto* tensor = std::get_if<Tensor>(&value)) {
    switch (tensor->dtype()) {
      case Dtype::f32:
        count_numbers<float>(*tensor, strides, activity);
        break;
      case Dtype::i32:
        count_numbers<std::int32_t>(*tensor, strides, activity);
        break;
      case Dtype::i16:
        count_numbers<std::int16_t>(*tensor, strides, activity);
        break;
      case Dtype::i8:
        count_numbers<std::int8_t>(*tensor, strides, activity);
        break;
      case Dtype::f16:
        count_numbers<std::uint16_t>(*tensor, strides, activity);
        break;
    }
  } else {
    return activity_of(Value(pack(as_dense(value), activity.spec.code)), std::move(axes));
  }
  for (const Index count : activity.marginal) {
    activity.spikes += count;
  }
  if (axes.empty()) {
    activity.marginal.clear();
  }
  return activity;
}

}  // namespace volley
