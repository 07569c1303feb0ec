// Fisher's z test, and the entropy score of its p-values.
#include "analysis/independence.hpp"

#include <algorithm>
#include <array>
#include <boost/math/distributions/normal.hpp>
#include <cmath>

#include "sim/base/check.hpp"

namespace volley {

bool Separations::holds(Index x, Index y, Index node) const {
  const Nodes* set = find(x, y);
  return set != nullptr && std::ranges::find(*set, node) != set->end();
}

const Nodes* Separations::find(Index x, Index y) const {
  const auto found = sets_.find(std::minmax(x, y));
  return found == sets_.end() ? nullptr : &found->second;
}

std::optional<double> fisher_p(double r, Index samples, Index given) {
  const Index freedom = samples - given - 3;
  if (freedom < 0) {
    return std::nullopt;
  }
  if (std::abs(r) >= 1) {
    return 0.0;
  }
  const double statistic = std::sqrt(static_cast<double>(freedom)) * std::abs(std::atanh(r));
  return 2 * boost::math::cdf(boost::math::complement(boost::math::normal(), statistic));
}

FisherTest::FisherTest(SquareMatrix rho, FisherSettings settings)
    : rho_(std::move(rho)), settings_(settings) {
  VOLLEY_CHECK(settings.samples >= 1, Fault::usage, "the effective sample size is {}, wanted 1 or more",
               settings.samples);
  VOLLEY_CHECK(settings.alpha > 0 && settings.alpha < 1, Fault::usage,
               "alpha is {}, wanted a number between 0 and 1", settings.alpha);
}

bool FisherTest::operator()(Index x, Index y, const Nodes& given) {
  std::tuple<Index, Index, Nodes> question{std::min(x, y), std::max(x, y), given};
  const auto known = known_.find(question);
  if (known != known_.end()) {
    return known->second;
  }
  const bool answer = independent(std::min(x, y), std::max(x, y), given);
  known_.emplace(std::move(question), answer);
  return answer;
}

bool FisherTest::independent(Index x, Index y, const Nodes& given) {
  const Index k = static_cast<Index>(given.size());
  if (settings_.samples - k - 3 < 0) {
    ++too_few_samples_;
    return false;
  }
  const double r = partial_correlation(rho_, x, y, given);
  if (std::isnan(r)) {
    ++collinear_;
    return false;
  }
  const double p = *fisher_p(r, settings_.samples, k);
  p_values_.push_back(p);
  return p > settings_.alpha;
}

std::optional<double> head_entropy_score(std::span<const double> p_values, double alpha) {
  constexpr Index bins = 10;
  std::array<std::array<double, bins>, 2> counts{};  // dependent, independent
  std::array<double, 2> sums{};
  for (const double p : p_values) {
    const std::size_t side = p > alpha ? 1 : 0;
    const double part = side == 1 ? (p - alpha) / (1 - alpha) : p / alpha;
    ++counts[side][static_cast<std::size_t>(std::clamp<Index>(static_cast<Index>(part * bins), 0, bins - 1))];
    ++sums[side];
  }
  if (sums[0] <= 0 || sums[1] <= 0) {
    return std::nullopt;
  }
  std::array<double, 2> entropy{};
  for (std::size_t side = 0; side < 2; ++side) {
    for (const double count : counts[side]) {
      const double share = count / sums[side];
      entropy[side] -= share > 0 ? share * std::log(share) : 0;
    }
  }
  return (entropy[1] - entropy[0]) / std::log(static_cast<double>(bins));
}

}  // namespace volley
