// Weights of operators on tables: kept as they come, their sizes checked later.
#pragma once

#include <algorithm>
#include <initializer_list>

#include "sim/base/check.hpp"
#include "sim/tensor/value.hpp"

namespace volley {

inline const float* numbers_or_none(const Value& value) {
  return is_present(value) ? std::get<Tensor>(value).as<float>().data() : nullptr;
}

// One or two axes, whose letters mean nothing. Throws Error on another count of axes than is wanted.
inline Tensor plain_weight(std::string_view slot, const std::vector<Index>& sizes, std::size_t wanted,
                           std::span<const float> numbers) {
  VOLLEY_CHECK(sizes.size() == wanted, Fault::model, "{} has {} axes, wanted {}", slot, sizes.size(), wanted);
  return wanted == 1 ? tensor_of({{Axis::C, sizes[0]}}, numbers)
                     : tensor_of({{Axis::N, sizes[0]}, {Axis::C, sizes[1]}}, numbers);
}

inline std::string listed(std::span<const Index> sizes) {
  std::string all;
  for (const Index size : sizes) {
    all += fmt::format("{}{}", all.empty() ? "" : " ", size);
  }
  return "[" + all + "]";
}

// Throws Error when a weight that is there has other sizes.
inline void check_weight_sizes(std::string_view slot, const Value& value,
                               std::initializer_list<Index> wanted) {
  if (!is_present(value)) {
    return;
  }
  std::vector<Index> got;
  for (const Extent& extent : std::get<Tensor>(value).shape().extents) {
    got.push_back(extent.size);
  }
  VOLLEY_CHECK(std::equal(got.begin(), got.end(), wanted.begin(), wanted.end()), Fault::model,
               "{} is {}, wanted {}", slot, listed(got), listed(std::vector<Index>(wanted)));
}

}  // namespace volley
