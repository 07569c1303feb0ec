// Row-major numbers of any two sizes, as maps come.
#pragma once

#include <string_view>
#include <vector>

#include "sim/base/device_fn.hpp"

namespace volley {

struct Matrix {
  Index rows = 0;
  Index columns = 0;
  std::vector<double> numbers;

  double operator()(Index row, Index column) const { return numbers[row * columns + column]; }
  double& operator()(Index row, Index column) { return numbers[row * columns + column]; }
};

// All zeros.
Matrix zero_matrix(Index rows, Index columns);

// Throws Error (model) when the matrix is empty, its numbers are not as many as its sizes say, or one is not
// finite; `what` names it.
void check_matrix(const Matrix& matrix, std::string_view what);

}  // namespace volley
