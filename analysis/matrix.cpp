// What every analysis asks of a matrix first.
#include "analysis/matrix.hpp"

#include <algorithm>
#include <cmath>

#include "sim/base/check.hpp"

namespace volley {

Matrix zero_matrix(Index rows, Index columns) {
  return {rows, columns, std::vector<double>(static_cast<std::size_t>(rows * columns))};
}

void check_matrix(const Matrix& matrix, std::string_view what) {
  const auto [rows, columns, numbers] = matrix;
  VOLLEY_CHECK(rows > 0 && columns > 0 && static_cast<Index>(numbers.size()) == rows * columns, Fault::model,
               "{} has {} numbers, wanted {} x {}, at least one", what, numbers.size(), rows, columns);
  const auto bad = std::ranges::find_if(numbers, [](double number) { return !std::isfinite(number); });
  VOLLEY_CHECK(bad == numbers.end(), Fault::model, "{} holds {} at row {}, column {}", what, *bad,
               (bad - numbers.begin()) / columns, (bad - numbers.begin()) % columns);
}

}  // namespace volley
