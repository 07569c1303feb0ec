// Exact gamma of a row of integers, and exact shifts of floats.
#include "attention/shiftmax.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

namespace volley {
namespace {

Index bit_length(std::uint64_t number) {
  return 64 - std::countl_zero(number);
}

// ceil(log2(sum 2^(x - low))) where the sum has fewer than 64 bits.
Index ceil_log2_of_short_sum(std::span<const std::int32_t> x, std::int32_t low) {
  std::uint64_t sum = 0;
  for (const std::int32_t number : x) {
    sum += std::uint64_t{1} << (number - low);
  }
  return bit_length(sum - 1);
}

// The same for sums of any length: how often each power occurs, and then the carries from the lowest up.
Index ceil_log2_of_long_sum(std::span<const std::int32_t> x, std::int32_t low, Index range) {
  thread_local std::vector<Index> counts;
  counts.assign(static_cast<std::size_t>(range) + 1, 0);
  for (const std::int32_t number : x) {
    ++counts[static_cast<std::size_t>(number - low)];
  }
  Index carry = 0;
  bool some_below = false;  // is a bit below the present one set?
  for (Index e = 0; e < range; ++e) {
    const Index count = counts[static_cast<std::size_t>(e)] + carry;
    some_below = some_below || (count & 1) != 0;
    carry = count >> 1;
  }
  const auto top = static_cast<std::uint64_t>(counts.back() + carry);  // at least 1: the greatest x
  return range + bit_length(some_below ? top : top - 1);
}

}  // namespace

Index shiftmax_gamma(std::span<const std::int32_t> x) {
  std::int32_t low = x[0];
  std::int32_t high = x[0];
  for (const std::int32_t number : x) {
    low = std::min(low, number);
    high = std::max(high, number);
  }
  const Index range = Index{high} - low;
  const bool is_short = range + bit_length(x.size()) < 64;
  return low + (is_short ? ceil_log2_of_short_sum(x, low) : ceil_log2_of_long_sum(x, low, range));
}

float shifted(float number, Index n) {
  constexpr Index enough = 1000;  // every float32 has become 0 there; ldexp wants an int
  return std::ldexp(number, -static_cast<int>(std::min(n, enough)));
}

}  // namespace volley
