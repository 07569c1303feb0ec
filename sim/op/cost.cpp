// Counts the spikes of an edge, once, with the marginal that its reader wants.
#include "sim/op/cost.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <mutex>
#include <numeric>

#include "sim/base/parallel.hpp"

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

// Walks over the rows (all axes but the last) in order and knows where each stands in the marginal.
class RowWalk {
 public:
  RowWalk(const Shape& shape, const std::vector<Index>& strides, Index row)
      : shape_(shape), strides_(strides), places_(strides.size(), 0) {
    for (std::size_t i = places_.size() - 1; i-- > 0;) {
      places_[i] = row % shape.extents[i].size;
      row /= shape.extents[i].size;
      offset_ += places_[i] * strides[i];
    }
  }
  Index offset() const { return offset_; }
  void next() {
    for (std::size_t i = places_.size() - 1; i-- > 0;) {
      offset_ += strides_[i];
      if (++places_[i] < shape_.extents[i].size) {
        return;
      }
      offset_ -= places_[i] * strides_[i];
      places_[i] = 0;
    }
  }

 private:
  const Shape& shape_;
  const std::vector<Index>& strides_;
  std::vector<Index> places_;  // of the axes; the last stays 0
  Index offset_ = 0;
};

// Counts row by row in fixed blocks, each with a marginal of its own: count_row(row, its part of the
// marginal).
template <class CountRow>
void count_rows(const Shape& shape, const std::vector<Index>& strides, Activity& activity,
                const CountRow& count_row) {
  constexpr Index rows_in_block = 1024;
  const Index block = std::max<Index>(rows_in_block, std::ssize(activity.marginal));
  std::mutex adding;
  for_each_block(shape.rows(), block, [&](Index begin, Index end) {
    std::vector<Index> part(activity.marginal.size(), 0);
    RowWalk walk(shape, strides, begin);
    for (Index row = begin; row < end; ++row, walk.next()) {
      count_row(row, part.data() + walk.offset());
    }
    const std::lock_guard lock(adding);
    std::transform(part.begin(), part.end(), activity.marginal.begin(), activity.marginal.begin(),
                   std::plus<>());
  });
}

void count_spikes(const SpikeTensor& spikes, const std::vector<Index>& strides, Activity& activity) {
  const Index column_stride = strides.back();
  const Index words_in_row = spikes.words_per_row();
  for (int p = 0; p < spikes.code().planes; ++p) {
    const std::uint64_t* plane = spikes.plane(p).data();
    count_rows(spikes.shape(), strides, activity, [&](Index r, Index* marginal) {
      const std::uint64_t* row = plane + r * words_in_row;
      for (Index w = 0; w < words_in_row; ++w) {
        if (column_stride == 0) {
          *marginal += popcount(row[w]);
          continue;
        }
        for (std::uint64_t bits = row[w]; bits != 0; bits &= bits - 1) {
          ++marginal[(w * 64 + lowest_bit(bits)) * column_stride];
        }
      }
    });
  }
}

// Numbers that are not 0. Lanes of 32 bits, so that the compiler makes vectors of them; 8, so that it keeps
// them in registers.
template <class T>
Index nonzero_count(std::span<const T> numbers) {
  constexpr std::size_t lanes = 8;
  std::array<std::int32_t, lanes> counts{};
  std::size_t at = 0;
  for (; at + lanes <= numbers.size(); at += lanes) {
    for (std::size_t i = 0; i < lanes; ++i) {
      counts[i] += numbers[at + i] != T{0} ? 1 : 0;
    }
  }
  Index total = std::accumulate(counts.begin(), counts.end(), Index{0});
  for (; at < numbers.size(); ++at) {
    total += numbers[at] != T{0} ? 1 : 0;
  }
  return total;
}

template <class T>
void count_numbers(const Tensor& tensor, const std::vector<Index>& strides, Activity& activity) {
  const auto numbers = tensor.as<T>();
  if (activity.marginal.size() == 1) {
    constexpr Index block = Index{1} << 16;
    activity.marginal[0] = sum_over_blocks(std::ssize(numbers), block, [&](Index begin, Index end) {
      return nonzero_count(
          numbers.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)));
    });
    return;
  }
  const Index row_size = tensor.shape().row();
  count_rows(tensor.shape(), strides, activity, [&](Index r, Index* marginal) {
    const T* row = numbers.data() + r * row_size;
    for (Index c = 0; c < row_size; ++c) {
      marginal[c * strides.back()] += row[c] != T{0} ? 1 : 0;
    }
  });
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
