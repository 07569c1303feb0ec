// Gauss elimination without fractions that could be lost.
#include "analysis/modular.hpp"

#include <algorithm>

#include "sim/base/parallel.hpp"

namespace volley {

// number^(prime - 2), by Fermat.
std::uint64_t inverse(std::uint64_t number) {
  std::uint64_t result = 1;
  for (std::uint64_t power = field_prime - 2; power > 0; power >>= 1) {
    if ((power & 1) != 0) {
      result = reduced(result * number);
    }
    number = reduced(number * number);
  }
  return result;
}

Index rank_in_field(std::vector<std::uint32_t>& matrix, Index rows, Index columns) {
  const auto row_of = [&](Index row) { return matrix.data() + row * columns; };
  Index rank = 0;
  for (Index column = 0; column < columns && rank < rows; ++column) {
    Index pivot = rank;
    while (pivot < rows && row_of(pivot)[column] == 0) {
      ++pivot;
    }
    if (pivot == rows) {
      continue;
    }
    std::swap_ranges(row_of(pivot), row_of(pivot) + columns, row_of(rank));
    const std::uint32_t* top = row_of(rank);
    const std::uint64_t unit = inverse(top[column]);
    constexpr Index block = 32;
    for_each_block(rows - rank - 1, block, [&](Index begin, Index end) {
      for (Index row = rank + 1 + begin; row < rank + 1 + end; ++row) {
        std::uint32_t* below = row_of(row);
        if (below[column] == 0) {
          continue;
        }
        const std::uint64_t factor = field_prime - reduced(below[column] * unit);
        for (Index i = column; i < columns; ++i) {
          below[i] = static_cast<std::uint32_t>(reduced(below[i] + factor * top[i]));
        }
      }
    });
    ++rank;
  }
  return rank;
}

}  // namespace volley
