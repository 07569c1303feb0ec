// Ranks, and the correlation of ranks.
#include "analysis/rank_correlation.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "sim/base/check.hpp"

namespace volley {

std::vector<double> ranks(std::span<const double> numbers) {
  std::vector<std::size_t> order(numbers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return numbers[i]; });
  std::vector<double> out(numbers.size());
  for (std::size_t first = 0; first < order.size();) {
    std::size_t last = first;
    while (last + 1 < order.size() && numbers[order[last + 1]] == numbers[order[first]]) {
      ++last;
    }
    for (std::size_t i = first; i <= last; ++i) {
      out[order[i]] = static_cast<double>(first + last) / 2 + 1;
    }
    first = last + 1;
  }
  return out;
}

std::optional<double> rank_correlation(std::span<const double> a, std::span<const double> b) {
  VOLLEY_CHECK(a.size() == b.size(), Fault::model, "{} numbers stand beside {}, wanted as many", a.size(),
               b.size());
  VOLLEY_CHECK(a.size() >= 2, Fault::usage, "a rank correlation needs 2 numbers or more, got {}", a.size());
  const auto finite = [](double number) { return std::isfinite(number); };
  VOLLEY_CHECK(std::ranges::all_of(a, finite) && std::ranges::all_of(b, finite), Fault::model,
               "a rank correlation needs finite numbers");
  const std::vector<double> ranks_a = ranks(a);
  const std::vector<double> ranks_b = ranks(b);
  const double mean = static_cast<double>(a.size() + 1) / 2;
  double both = 0, of_a = 0, of_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    both += (ranks_a[i] - mean) * (ranks_b[i] - mean);
    of_a += (ranks_a[i] - mean) * (ranks_a[i] - mean);
    of_b += (ranks_b[i] - mean) * (ranks_b[i] - mean);
  }
  return of_a > 0 && of_b > 0 ? std::optional(both / std::sqrt(of_a * of_b)) : std::nullopt;
}

}  // namespace volley
