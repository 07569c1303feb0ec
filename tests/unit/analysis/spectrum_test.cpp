// Singular values against closed forms; kernels and their objective against plain loops.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <random>

#include "analysis/kernel_svd.hpp"
#include "analysis/spectrum.hpp"
#include "sim/base/check.hpp"
#include "tests/support/message.hpp"

namespace volley {
namespace {

using test::message;

Matrix normal(Index rows, Index columns, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> draw;
  Matrix out = zero_matrix(rows, columns);
  for (double& number : out.numbers) {
    number = draw(random);
  }
  return out;
}

Matrix product(const Matrix& a, const Matrix& b_transposed) {
  Matrix out = zero_matrix(a.rows, b_transposed.rows);
  for (Index i = 0; i < a.rows; ++i) {
    for (Index j = 0; j < b_transposed.rows; ++j) {
      for (Index k = 0; k < a.columns; ++k) {
        out(i, j) += a(i, k) * b_transposed(j, k);
      }
    }
  }
  return out;
}

TEST(Spectrum, OfACirculantIsTheModulusOfItsTransform) {
  const std::vector<double> row{0.5, 0.2, 0.1, 0.1, 0.05, 0.05, 0};
  const Index n = static_cast<Index>(row.size());
  Matrix map = zero_matrix(n, n);
  std::vector<double> wanted;
  for (Index i = 0; i < n; ++i) {
    double cosines = 0, sines = 0;
    for (Index j = 0; j < n; ++j) {
      map(i, (i + j) % n) = row[j];
      const double angle = 2 * std::numbers::pi * static_cast<double>(i * j) / static_cast<double>(n);
      cosines += row[j] * std::cos(angle);
      sines += row[j] * std::sin(angle);
    }
    wanted.push_back(std::hypot(cosines, sines));
  }
  std::ranges::sort(wanted, std::greater());
  const Spectrum found = spectrum(map, 1e-10);
  ASSERT_EQ(found.singular.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_NEAR(found.singular[i], wanted[i], 1e-13);
  }
}

TEST(Spectrum, OfADiagonalSaysWhatEachNumberIs) {
  Matrix map = zero_matrix(3, 4);
  map(0, 1) = 3;
  map(2, 0) = -4;
  const Spectrum found = spectrum(map, 1e-10);
  ASSERT_EQ(found.singular.size(), 3u);
  EXPECT_NEAR(found.singular[0], 4, 1e-12);
  EXPECT_NEAR(found.singular[1], 3, 1e-12);
  EXPECT_NEAR(found.singular[2], 0, 1e-12);
  EXPECT_NEAR(found.cumulative[0], 4.0 / 7, 1e-12);
  EXPECT_NEAR(found.explained[0], 16.0 / 25, 1e-12);
  EXPECT_DOUBLE_EQ(found.cumulative[2], 1);
  EXPECT_EQ(found.rank, 2);
  EXPECT_NEAR(found.effective_rank, std::exp(-0.64 * std::log(0.64) - 0.36 * std::log(0.36)), 1e-12);
}

TEST(Spectrum, OfUniformAttentionHasRankOneAndOfTheIdentityAll) {
  Matrix uniform{5, 5, std::vector<double>(25, 0.2)};
  EXPECT_EQ(spectrum(uniform, 1e-10).rank, 1);
  EXPECT_NEAR(spectrum(uniform, 1e-10).effective_rank, 1, 1e-9);
  Matrix identity = zero_matrix(5, 5);
  for (Index i = 0; i < 5; ++i) {
    identity(i, i) = 1;
  }
  EXPECT_NEAR(spectrum(identity, 1e-10).effective_rank, 5, 1e-12);
}

TEST(Spectrum, SquaresSumToThoseOfTheEntriesAndScaleDoesNotMatter) {
  Matrix map = normal(20, 33, 3);
  double squares = 0;
  for (const double number : map.numbers) {
    squares += number * number;
  }
  const Spectrum found = spectrum(map, 1e-10);
  double sum = 0;
  for (const double sigma : found.singular) {
    sum += sigma * sigma;
  }
  EXPECT_NEAR(sum, squares, 1e-10 * squares);
  EXPECT_EQ(found.rank, 20);
  for (double& number : map.numbers) {
    number *= 1e-200;  // its square is 0 in double
  }
  EXPECT_NEAR(spectrum(map, 1e-10).effective_rank, found.effective_rank, 1e-9);
}

TEST(Spectrum, RefusesWhatHasNone) {
  EXPECT_EQ(message([] { spectrum(zero_matrix(3, 3), 0.1); }),
            "the map is zero: of rank 0, it has no spectrum");
  EXPECT_TRUE(is_zero(zero_matrix(2, 2)));
  EXPECT_EQ(message([] {
              spectrum({2, 2, {1, 2, std::numeric_limits<double>::quiet_NaN(), 0}}, 0.1);
            }),
            "the map holds nan at row 1, column 0");
  EXPECT_EQ(message([] {
              spectrum({2, 2, {1, 2, 3}}, 0.1);
            }),
            "the map has 3 numbers, wanted 2 x 2, at least one");
  EXPECT_EQ(message([] { spectrum({0, 2, {}}, 0.1); }), "the map has 0 numbers, wanted 0 x 2, at least one");
  EXPECT_EQ(message([] { spectrum({1, 1, {1}}, 1); }), "the tolerance is 1, wanted 0 or more, below 1");
  EXPECT_EQ(message([] { spectrum({1, 1, {1}}, -0.5); }), "the tolerance is -0.5, wanted 0 or more, below 1");
}

TEST(PrimalKernel, IsTheProductAndItsRankIsAtMostThatOfTheFeatures) {
  const KernelFactors factors{normal(16, 5, 1), normal(16, 5, 2)};
  const Matrix kernel = primal_kernel(factors);
  const Matrix wanted = product(factors.q, factors.r);
  for (std::size_t i = 0; i < wanted.numbers.size(); ++i) {
    EXPECT_NEAR(kernel.numbers[i], wanted.numbers[i], 1e-13);
  }
  EXPECT_EQ(spectrum(kernel, 1e-10).rank, 5);
  EXPECT_EQ(spectrum(primal_kernel({normal(4, 9, 1), normal(4, 9, 2)}), 1e-10).rank, 4);
}

TEST(PrimalKernel, ObjectiveIsZeroForAnySubsetOfTriplets) {
  const KernelFactors factors{normal(12, 7, 4), normal(12, 7, 5)};
  for (const std::vector<Index>& triplets :
       {std::vector<Index>{0}, {6}, {0, 1, 2}, {1, 4, 5}, {0, 1, 2, 3, 4, 5, 6}}) {
    const KernelObjective found = kernel_objective(factors, triplets);
    EXPECT_GT(found.trace, 0);
    EXPECT_LT(std::abs(found.objective), 1e-12 * found.trace);
  }
}

TEST(PrimalKernel, TraceIsTheSumOfTheSingularValues) {
  const KernelFactors factors{normal(9, 6, 8), normal(9, 6, 9)};
  const Spectrum values = spectrum(primal_kernel(factors), 1e-10);
  EXPECT_NEAR(kernel_objective(factors, {0, 2}).trace, values.singular[0] + values.singular[2], 1e-11);
}

TEST(PrimalKernel, RefusesFeaturesThatDoNotFit) {
  EXPECT_EQ(message([] {
              primal_kernel({normal(4, 3, 1), normal(4, 2, 1)});
            }),
            "q has 3 features and k has 2, wanted as many");
  EXPECT_EQ(message([] {
              primal_kernel({zero_matrix(0, 3), normal(4, 3, 1)});
            }),
            "the features of q has 0 numbers, wanted 0 x 3, at least one");
  const KernelFactors factors{normal(6, 2, 1), normal(6, 2, 2)};
  EXPECT_EQ(message([&] { kernel_objective(factors, {6}); }), "triplet 6 isn't there; the kernel has 6");
  EXPECT_EQ(message([&] { kernel_objective(factors, {3}); }), "triplet 3 has the singular value 0");
}

}  // namespace
}  // namespace volley
