// Changes of layout as loops over named indices.
#pragma once

#include <map>
#include <vector>

#include "sim/tensor/shape.hpp"

namespace volley::test {

using Place = std::map<Axis, Index>;  // an index for each axis

// Row-major index of a place.
inline std::size_t index_of(const Shape& shape, const Place& place) {
  Index index = 0;
  for (const Extent& extent : shape.extents) {
    index = index * extent.size + place.at(extent.axis);
  }
  return static_cast<std::size_t>(index);
}

// The place of a row-major index.
inline Place place_of(const Shape& shape, Index index) {
  Place place;
  for (auto extent = shape.extents.rbegin(); extent != shape.extents.rend(); ++extent) {
    place[extent->axis] = index % extent->size;
    index /= extent->size;
  }
  return place;
}

// Numbers of `out`, each taken from the place in `in` that source(place in out) names.
template <class Source>
std::vector<float> moved(const Shape& in, const Shape& out, const std::vector<float>& numbers,
                         const Source& source) {
  std::vector<float> result;
  for (Index i = 0; i < out.count(); ++i) {
    result.push_back(numbers[index_of(in, source(place_of(out, i)))]);
  }
  return result;
}

}  // namespace volley::test
