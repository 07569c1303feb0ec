// Singular values of a map: how fast they fall, and how many count.
#pragma once

#include <vector>

#include "analysis/matrix.hpp"

namespace volley {

struct Spectrum {
  std::vector<double> singular;    // sigma, falling, min(rows, columns) of them
  std::vector<double> cumulative;  // sum of the first so many sigma over that of all; ends at 1
  std::vector<double> explained;   // the same of sigma^2: explained variance
  Index rank = 0;                  // sigma_i > tolerance sigma_1
  double effective_rank = 0;       // exp(-sum p ln p), p_i = sigma_i^2 / sum sigma^2; in [1, rank]
};

// Throws Error (model) for a matrix that check_matrix refuses or one of zeros: of rank 0, without a spectrum;
// (usage) for a tolerance outside [0, 1).
Spectrum spectrum(const Matrix& map, double tolerance);

// Does it have no spectrum?
bool is_zero(const Matrix& map);

}  // namespace volley
