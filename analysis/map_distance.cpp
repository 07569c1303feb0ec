// Cosine, divergences, ranks and entropy of rows.
#include "analysis/map_distance.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "analysis/rank_correlation.hpp"
#include "sim/base/check.hpp"

namespace volley {
namespace {

std::span<const double> row_of(const Matrix& matrix, Index row) {
  return std::span(matrix.numbers).subspan(row * matrix.columns, matrix.columns);
}

std::vector<double> distribution(std::span<const double> row) {
  std::vector<double> out(row.begin(), row.end());
  const double sum = std::accumulate(row.begin(), row.end(), 0.0);
  for (double& number : out) {
    number /= sum;
  }
  return out;
}

// p log2(p / q), 0 for p = 0.
double information(double p, double q) {
  return p > 0 ? p * std::log2(p / q) : 0;
}

void add_distribution(MapDistance& out, std::span<const double> p, std::span<const double> q, double floor) {
  double divergence = 0, mixed = 0, entropy = 0;
  for (std::size_t j = 0; j < p.size(); ++j) {
    const double middle = (p[j] + q[j]) / 2;
    divergence += information(p[j], (1 - floor) * q[j] + floor / static_cast<double>(q.size()));
    mixed += (information(p[j], middle) + information(q[j], middle)) / 2;
    entropy -= q[j] > 0 ? q[j] * std::log2(q[j]) : 0;
  }
  out.divergence.add(divergence);
  out.jensen_shannon.add(mixed);
  out.entropy.add(entropy);
}

void add_row(MapDistance& out, std::span<const double> wanted, std::span<const double> got, double floor) {
  const auto [least, greatest] = std::ranges::minmax(got);
  const double sum = std::accumulate(got.begin(), got.end(), 0.0);
  ++out.rows;
  out.row_sum.add(sum);
  out.least_sum = std::min(out.least_sum, sum);
  out.greatest_sum = std::max(out.greatest_sum, sum);
  out.entries += static_cast<Index>(got.size());
  out.zero_entries += std::ranges::count(got, 0.0);
  if (least == 0 && greatest == 0) {
    ++out.zero_rows;
    return;
  }
  if (least < 0) {
    ++out.negative_rows;
  } else {
    add_distribution(out, distribution(wanted), distribution(got), floor);
  }
  if (least == greatest) {
    ++out.flat_rows;
  } else if (const auto rank = rank_correlation(wanted, got)) {
    out.rank.add(*rank);
  }
}

void check(const Matrix& reference, const Matrix& map, double floor) {
  check_matrix(reference, "the reference");
  check_matrix(map, "the map");
  VOLLEY_CHECK(reference.rows == map.rows && reference.columns == map.columns, Fault::model,
               "the map is {} x {}, wanted {} x {} as the reference", map.rows, map.columns, reference.rows,
               reference.columns);
  VOLLEY_CHECK(floor > 0 && floor < 1, Fault::usage, "the floor is {}, wanted above 0 and below 1", floor);
  for (Index i = 0; i < reference.rows; ++i) {
    const auto [least, greatest] = std::ranges::minmax(row_of(reference, i));
    VOLLEY_CHECK(least >= 0 && greatest > 0, Fault::model,
                 "row {} of the reference is no distribution: its entries are in {} .. {}", i, least,
                 greatest);
  }
}

}  // namespace

Mean& Mean::operator+=(const Mean& other) {
  sum += other.sum;
  count += other.count;
  return *this;
}

MapDistance& MapDistance::operator+=(const MapDistance& other) {
  cosine += other.cosine;
  divergence += other.divergence;
  jensen_shannon += other.jensen_shannon;
  rank += other.rank;
  entropy += other.entropy;
  row_sum += other.row_sum;
  least_sum = std::min(least_sum, other.least_sum);
  greatest_sum = std::max(greatest_sum, other.greatest_sum);
  rows += other.rows;
  zero_rows += other.zero_rows;
  negative_rows += other.negative_rows;
  flat_rows += other.flat_rows;
  entries += other.entries;
  zero_entries += other.zero_entries;
  return *this;
}

MapDistance distance_between(const Matrix& reference, const Matrix& map, double floor) {
  check(reference, map, floor);
  MapDistance out;
  double product = 0, of_reference = 0, of_map = 0;
  for (std::size_t i = 0; i < map.numbers.size(); ++i) {
    product += reference.numbers[i] * map.numbers[i];
    of_reference += reference.numbers[i] * reference.numbers[i];
    of_map += map.numbers[i] * map.numbers[i];
  }
  if (of_map > 0) {
    out.cosine.add(product / std::sqrt(of_reference) / std::sqrt(of_map));
  }
  for (Index i = 0; i < map.rows; ++i) {
    add_row(out, row_of(reference, i), row_of(map, i), floor);
  }
  return out;
}

Histogram::Histogram(double first, double last, Index bins) : first_(first), last_(last) {
  VOLLEY_CHECK(bins >= 1 && last > first, Fault::usage, "a histogram of {} bins over {} .. {} can't be", bins,
               first, last);
  counts_.resize(static_cast<std::size_t>(bins));
}

void Histogram::add(double number) {
  const double place = (number - first_) / (last_ - first_) * static_cast<double>(bins());
  const double last_bin = static_cast<double>(bins() - 1);
  ++counts_[static_cast<std::size_t>(std::clamp(std::floor(place), 0.0, last_bin))];
  ++total_;
}

double Histogram::middle(Index bin) const {
  return first_ + (static_cast<double>(bin) + 0.5) * (last_ - first_) / static_cast<double>(bins());
}

double Histogram::share(Index bin) const {
  return total_ > 0 ? static_cast<double>(counts_[bin]) / static_cast<double>(total_) : 0;
}

}  // namespace volley
