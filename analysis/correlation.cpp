// Covariance, correlation and partial correlation, by Eigen.
#include "analysis/correlation.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "sim/base/check.hpp"

namespace volley {
namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr double smallest_deviation = 1e-8;  // of the released code
constexpr double smallest_condition = 1e-12;

}  // namespace

SquareMatrix attention_covariance(const SquareMatrix& map, const CovarianceSettings& settings) {
  const Index n = map.size;
  VOLLEY_CHECK(n > 0 && static_cast<Index>(map.numbers.size()) == n * n, Fault::model,
               "the map has {} numbers, wanted {} x {}", map.numbers.size(), n, n);
  const auto bad = std::ranges::find_if(map.numbers, [](double number) { return !std::isfinite(number); });
  VOLLEY_CHECK(bad == map.numbers.end(), Fault::model, "the map holds {} at row {}, column {}", *bad,
               (bad - map.numbers.begin()) / n, (bad - map.numbers.begin()) % n);
  VOLLEY_CHECK(std::isfinite(settings.ridge) && settings.ridge >= 0, Fault::usage,
               "the ridge is {}, wanted 0 or more", settings.ridge);
  RowMajor a = Eigen::Map<const RowMajor>(map.numbers.data(), n, n);
  if (settings.centre_rows) {
    a.colwise() -= a.rowwise().mean().eval();
  }
  SquareMatrix out{n, std::vector<double>(static_cast<std::size_t>(n * n))};
  Eigen::Map<RowMajor> s(out.numbers.data(), n, n);
  s = a * a.transpose();
  s.diagonal().array() += settings.ridge;
  return out;
}

TokenCorrelation token_correlation(const SquareMatrix& map, std::span<const Index> tokens,
                                   const CovarianceSettings& settings) {
  const SquareMatrix s = attention_covariance(map, settings);
  std::vector<Index> wanted(tokens.begin(), tokens.end());
  if (wanted.empty()) {
    wanted.resize(static_cast<std::size_t>(map.size));
    std::iota(wanted.begin(), wanted.end(), Index{0});
  }
  std::ranges::sort(wanted);
  TokenCorrelation out;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const Index token = wanted[i];
    VOLLEY_CHECK(token >= 0 && token < map.size, Fault::usage, "token {} isn't there; the map has {} tokens",
                 token, map.size);
    VOLLEY_CHECK(i == 0 || wanted[i - 1] != token, Fault::usage, "token {} is named twice", token);
    const double deviation = std::sqrt(std::max(0.0, s(token, token) - settings.ridge));
    (deviation <= smallest_deviation ? out.dropped : out.tokens).push_back(token);
  }
  const Index n = static_cast<Index>(out.tokens.size());
  out.rho = {n, std::vector<double>(static_cast<std::size_t>(n * n))};
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j) {
      const Index a = out.tokens[i];
      const Index b = out.tokens[j];
      out.rho(i, j) = i == j ? 1.0 : s(a, b) / (std::sqrt(s(a, a)) * std::sqrt(s(b, b)));
    }
  }
  return out;
}

double partial_correlation(const SquareMatrix& rho, Index x, Index y, std::span<const Index> others) {
  if (others.empty()) {
    return rho(x, y);
  }
  std::vector<Index> all{x, y};
  all.insert(all.end(), others.begin(), others.end());
  const Index k = static_cast<Index>(all.size());
  Eigen::MatrixXd part(k, k);
  for (Index i = 0; i < k; ++i) {
    for (Index j = 0; j < k; ++j) {
      part(i, j) = rho(all[i], all[j]);
    }
  }
  const Eigen::PartialPivLU<Eigen::MatrixXd> solver(part);
  if (!(solver.rcond() >= smallest_condition)) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const Eigen::MatrixXd inverse = solver.inverse();
  return -inverse(0, 1) / std::sqrt(std::abs(inverse(0, 0) * inverse(1, 1)));
}

}  // namespace volley
