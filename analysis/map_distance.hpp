// How near one attention map is to another, row by row.
#pragma once

#include <limits>
#include <optional>
#include <span>

#include "analysis/matrix.hpp"

namespace volley {

// A mean over rows (or maps) for which the number is defined.
struct Mean {
  double sum = 0;
  Index count = 0;

  void add(double number) {
    sum += number;
    ++count;
  }
  std::optional<double> mean() const {
    return count > 0 ? std::optional(sum / static_cast<double>(count)) : std::nullopt;
  }
  Mean& operator+=(const Mean& other);
};

// P is a row of the reference over its sum, Q one of the map over its sum. Logarithms are of base 2.
struct MapDistance {
  Mean cosine;          // of whole maps; a map of zeros has none
  Mean divergence;      // KL(P || Q'), Q' = (1 - floor) Q + floor / M: an entry of 0 would make it infinite
  Mean jensen_shannon;  // (KL(P || mid) + KL(Q || mid)) / 2, mid = (P + Q) / 2; in [0, 1], needs no floor
  Mean rank;            // Spearman along a row; equal entries share their mean rank, flat rows have none
  Mean entropy;         // of Q
  Mean row_sum;         // as the map has it
  double least_sum = std::numeric_limits<double>::infinity();
  double greatest_sum = -std::numeric_limits<double>::infinity();
  Index rows = 0;
  Index zero_rows = 0;      // all entries 0: no Q, no rank
  Index negative_rows = 0;  // an entry is negative: no Q
  Index flat_rows = 0;      // equal entries, not 0: no rank
  Index entries = 0;
  Index zero_entries = 0;

  MapDistance& operator+=(const MapDistance& other);
};

// floor: in (0, 1). Throws Error (model) when the two are not of one size, one of them is refused by
// check_matrix, or a row of the reference is no distribution (an entry below 0, or all 0); (usage) for a
// floor outside (0, 1).
MapDistance distance_between(const Matrix& reference, const Matrix& map, double floor);

// Equal bins over [first, last]; what lies outside is in the first or the last one.
class Histogram {
 public:
  // Throws Error (usage) without bins or when last isn't above first.
  Histogram(double first, double last, Index bins);
  void add(double number);
  Index bins() const { return static_cast<Index>(counts_.size()); }
  double middle(Index bin) const;
  double share(Index bin) const;  // of all numbers; 0 when there were none
  Index total() const { return total_; }

 private:
  double first_, last_;
  std::vector<Index> counts_;
  Index total_ = 0;
};

}  // namespace volley
