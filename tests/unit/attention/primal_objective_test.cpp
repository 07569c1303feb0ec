// At a solution of the shifted eigenvalue problem the objective is 0.
#include "tests/unit/attention/primal_case.hpp"

namespace volley::test {
namespace {

using Matrix = std::vector<std::vector<double>>;

Matrix zeros(std::size_t rows, std::size_t columns) {
  return Matrix(rows, std::vector<double>(columns, 0.0));
}

// a^T b.
Matrix transposed_times(const Matrix& a, const Matrix& b) {
  Matrix out = zeros(a[0].size(), b[0].size());
  for (std::size_t k = 0; k < a.size(); ++k) {
    for (std::size_t i = 0; i < out.size(); ++i) {
      for (std::size_t j = 0; j < out[0].size(); ++j) {
        out[i][j] += a[k][i] * b[k][j];
      }
    }
  }
  return out;
}

Matrix transposed(const Matrix& a) {
  Matrix out = zeros(a[0].size(), a.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < a[0].size(); ++j) {
      out[j][i] = a[i][j];
    }
  }
  return out;
}

// a = left diag(values) right^T by one-sided Jacobi: columns of a are turned until they are orthogonal.
struct Svd {
  Matrix left, right;  // singular vectors are columns
  std::vector<double> values;
};

void turn(Matrix& a, std::size_t p, std::size_t q, double cosine, double sine) {
  for (auto& row : a) {
    const double x = row[p];
    row[p] = cosine * x - sine * row[q];
    row[q] = sine * x + cosine * row[q];
  }
}

Svd svd_of(Matrix a) {
  const std::size_t size = a[0].size();
  Matrix right = zeros(size, size);
  for (std::size_t i = 0; i < size; ++i) {
    right[i][i] = 1;
  }
  for (int sweep = 0; sweep < 60; ++sweep) {
    for (std::size_t p = 0; p < size; ++p) {
      for (std::size_t q = p + 1; q < size; ++q) {
        double pp = 0, qq = 0, pq = 0;
        for (const auto& row : a) {
          pp += row[p] * row[p];
          qq += row[q] * row[q];
          pq += row[p] * row[q];
        }
        if (std::abs(pq) > 1e-30) {
          const double angle = 0.5 * std::atan2(2 * pq, qq - pp);
          turn(a, p, q, std::cos(angle), std::sin(angle));
          turn(right, p, q, std::cos(angle), std::sin(angle));
        }
      }
    }
  }
  Svd out{a, right, {}};
  for (std::size_t j = 0; j < size; ++j) {
    double squares = 0;
    for (const auto& row : a) {
      squares += row[j] * row[j];
    }
    out.values.push_back(std::sqrt(squares));
    for (auto& row : out.left) {
      row[j] /= out.values[j] > 1e-9 ? out.values[j] : 1;
    }
  }
  return out;
}

// Columns of `from` whose values are these.
Matrix columns_of(const Matrix& from, const std::vector<std::size_t>& which) {
  Matrix out;
  for (const auto& row : from) {
    out.emplace_back();
    for (const std::size_t j : which) {
      out.back().push_back(row[j]);
    }
  }
  return out;
}

Matrix random_matrix(std::size_t rows, std::size_t columns, std::uint64_t seed, bool is_normalised) {
  const auto numbers = random_numbers(static_cast<Index>(rows * columns), seed);
  Matrix out = zeros(rows, columns);
  for (std::size_t i = 0; i < rows; ++i) {
    double squares = 0;
    for (std::size_t j = 0; j < columns; ++j) {
      out[i][j] = static_cast<double>(numbers[i * columns + j]);
      squares += out[i][j] * out[i][j];
    }
    for (double& number : out[i]) {
      number /= is_normalised ? std::sqrt(squares) : 1;
    }
  }
  return out;
}

Matrix real_features(std::uint64_t seed) {
  return random_matrix(6, 4, seed, true);
}

// Rows of -1, 0 and 1, divided by the root of how many are not 0.
Matrix spike_features(std::uint64_t seed) {
  Matrix out = random_matrix(6, 4, seed, false);
  for (auto& row : out) {
    double events = 0;
    for (double& number : row) {
      number = std::abs(number) < 0.3 ? 0 : std::copysign(1.0, number);
      events += std::abs(number);
    }
    for (double& number : row) {
      number /= std::sqrt(std::max(1.0, events));
    }
  }
  return out;
}

// One head at a stationary point: features, sampled rows and the weights that some singular triplets give.
struct Stationary {
  static constexpr std::size_t tokens = 6, width = 4, rows = 6;

  explicit Stationary(const std::vector<std::size_t>& places,
                      Matrix (*features)(std::uint64_t) = real_features)
      : phi_q(features(1)), phi_k(features(2)), f(random_matrix(rows, width, 3, false)) {
    const Matrix mapped_q = transposed_times(transposed(phi_q), transposed(f));  // [N n]
    const Matrix mapped_k = transposed_times(transposed(phi_k), transposed(f));
    const Matrix kernel = transposed_times(transposed(mapped_q), transposed(mapped_k));
    const Svd svd = svd_of(kernel);
    std::vector<std::size_t> order;
    for (std::size_t j = 0; j < tokens; ++j) {
      order.push_back(j);
    }
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return svd.values[a] > svd.values[b]; });
    std::vector<std::size_t> which;
    for (const std::size_t place : places) {
      which.push_back(order[place]);
      sigma.push_back(svd.values[order[place]]);
    }
    for (std::size_t j = 0; j < tokens; ++j) {
      all_sigma.push_back(svd.values[order[j]]);
    }
    h_e = columns_of(svd.left, which);
    h_r = columns_of(svd.right, which);
    we = transposed_times(mapped_k, h_r);  // sum_j f(X) phi_k(x_j) h_rj^T
    wr = transposed_times(mapped_q, h_e);
    e = transposed_times(transposed(mapped_q), we);
    r = transposed_times(transposed(mapped_k), wr);
    dual_e = transposed_times(transposed(kernel), h_r);
  }

  Matrix phi_q, phi_k, f, h_e, h_r, we, wr, e, r, dual_e;
  std::vector<double> sigma, all_sigma;
};

void expect_zero_objective(const Stationary& at, std::size_t rank) {
  double variance = 0, trace = 0;
  for (std::size_t a = 0; a < rank; ++a) {
    for (std::size_t n = 0; n < Stationary::tokens; ++n) {
      variance += (at.e[n][a] * at.e[n][a] + at.r[n][a] * at.r[n][a]) / at.sigma[a];
      EXPECT_NEAR(at.e[n][a], at.sigma[a] * at.h_e[n][a], 1e-10);  // the eigenvalue equations
      EXPECT_NEAR(at.r[n][a], at.sigma[a] * at.h_r[n][a], 1e-10);
      EXPECT_NEAR(at.e[n][a], at.dual_e[n][a], 1e-10);
    }
    for (std::size_t j = 0; j < Stationary::rows; ++j) {
      trace += at.we[j][a] * at.wr[j][a];
    }
  }
  EXPECT_GT(trace, 0.01);
  EXPECT_NEAR(variance / 2 - trace, 0.0, 1e-12 * trace);
  EXPECT_NEAR(at.all_sigma[4], 0.0, 1e-10);  // rank of the kernel is at most d
  EXPECT_GT(at.all_sigma[0], 0.1);
}

TEST(PrimalObjective, IsZeroForAnyTripletsInDouble) {
  const std::vector<std::vector<std::size_t>> subsets{{0}, {0, 1}, {1, 3}, {0, 1, 2, 3}};
  for (const auto& subset : subsets) {
    expect_zero_objective(Stationary(subset), subset.size());
    expect_zero_objective(Stationary(subset, spike_features), subset.size());
  }
}

std::vector<float> flat(const Matrix& matrix) {
  std::vector<float> out;
  for (const auto& row : matrix) {
    for (const double number : row) {
      out.push_back(static_cast<float>(number));
    }
  }
  return out;
}

// The operator takes means over tokens, so lambda there is sqrt(N / sigma).
TEST(PrimalObjective, OfTheOperatorIsZeroThereAndOnlyThere) {
  const Stationary at({0, 1});
  PrimalNumbers numbers = random_primal_weights({1, Stationary::width, Stationary::rows, 2}, 1);
  numbers.we = flat(at.we);
  numbers.wr = flat(at.wr);
  numbers.lambda = {static_cast<float>(std::sqrt(Stationary::tokens / at.sigma[0])),
                    static_cast<float>(std::sqrt(Stationary::tokens / at.sigma[1]))};
  PrimalAttention op = made_with<PrimalAttention>({{"heads", 1.0}, {"n_rule", "all"}});
  set_primal_weights(op, numbers);
  const Shape shape = tbnc(1, 1, Stationary::tokens, Stationary::width);
  const std::vector<Value> in{tensor_of(shape, flat(at.phi_q)), tensor_of(shape, flat(at.phi_k)),
                              tensor_of(shape, flat(at.f))};
  const double trace = at.sigma[0] + at.sigma[1];
  EXPECT_NEAR(static_cast<double>(numbers_of(run_first(op, in)[3])[0]), 0.0, 1e-5 * trace);  // of floats
  numbers.lambda[0] *= 2;
  set_primal_weights(op, numbers);
  EXPECT_GT(static_cast<double>(numbers_of(run_first(op, in)[3])[0]), 0.5 * trace);
}

}  // namespace
}  // namespace volley::test
