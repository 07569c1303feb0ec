// Singular values, by Eigen.
#include "analysis/spectrum.hpp"

#include <Eigen/SVD>
#include <algorithm>
#include <cmath>

#include "sim/base/check.hpp"

namespace volley {
namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// Shares of the total that the first so many hold; the last is 1 whatever was rounded.
std::vector<double> shares(const std::vector<double>& numbers) {
  std::vector<double> sums;
  double sum = 0;
  for (const double number : numbers) {
    sum += number;
    sums.push_back(sum);
  }
  for (double& each : sums) {
    each /= sum;
  }
  return sums;
}

}  // namespace

bool is_zero(const Matrix& map) {
  return std::ranges::all_of(map.numbers, [](double number) { return number == 0; });
}

Spectrum spectrum(const Matrix& map, double tolerance) {
  check_matrix(map, "the map");
  VOLLEY_CHECK(tolerance >= 0 && tolerance < 1, Fault::usage,
               "the tolerance is {}, wanted 0 or more, below 1", tolerance);
  VOLLEY_CHECK(!is_zero(map), Fault::model, "the map is zero: of rank 0, it has no spectrum");
  // Scaled, so that no square of a tiny or huge number is lost.
  const Eigen::Map<const RowMajor> numbers(map.numbers.data(), map.rows, map.columns);
  const double greatest = numbers.cwiseAbs().maxCoeff();
  const Eigen::BDCSVD<Eigen::MatrixXd> solver(numbers / greatest);
  const auto& values = solver.singularValues();
  Spectrum out;
  std::vector<double> squares;
  for (Index i = 0; i < values.size(); ++i) {
    out.singular.push_back(values[i] * greatest);
    squares.push_back(values[i] * values[i]);
    out.rank += values[i] > tolerance * values[0] ? 1 : 0;
  }
  out.cumulative = shares(out.singular);
  out.explained = shares(squares);
  double total = 0;
  for (const double square : squares) {
    total += square;
  }
  double entropy = 0;
  for (const double square : squares) {
    const double p = square / total;
    entropy -= p > 0 ? p * std::log(p) : 0;
  }
  out.effective_rank = std::exp(entropy);
  return out;
}

}  // namespace volley
