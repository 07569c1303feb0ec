// Covariance, correlation, Fisher's test and what is done with bad maps.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "analysis/independence.hpp"
#include "sim/base/check.hpp"
#include "tests/support/message.hpp"

namespace volley {
namespace {

using test::message;

// A = (I - G)^-1 of a chain x_i = g x_{i-1} + u_i: A_ij = g^(i-j).
SquareMatrix chain(Index n, double g) {
  SquareMatrix a{n, std::vector<double>(static_cast<std::size_t>(n * n))};
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j <= i; ++j) {
      a(i, j) = std::pow(g, static_cast<double>(i - j));
    }
  }
  return a;
}

TEST(Covariance, OfAChainIsTheClosedForm) {
  const double g = 0.7;
  const SquareMatrix s = attention_covariance(chain(8, g));
  for (Index i = 0; i < 8; ++i) {
    for (Index j = 0; j < 8; ++j) {
      const double low = static_cast<double>(std::min(i, j));
      const double wanted =
          std::pow(g, std::abs(static_cast<double>(i - j))) * (1 - std::pow(g, 2 * (low + 1))) / (1 - g * g);
      EXPECT_NEAR(s(i, j), wanted, 1e-12 * wanted);
    }
  }
}

TEST(Covariance, OfCentredRowsIsThatOfTheirDeviations) {
  const SquareMatrix a{2, {1, 3, 5, 5}};
  const SquareMatrix s = attention_covariance(a, {.centre_rows = true, .ridge = 0.5});
  EXPECT_DOUBLE_EQ(s(0, 0), 2.5);
  EXPECT_DOUBLE_EQ(s(0, 1), 0);
  EXPECT_DOUBLE_EQ(s(1, 1), 0.5);
}

TEST(Correlation, DoesNotFeelTheScaleOfRows) {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> uniform(0.1, 1);
  SquareMatrix a{7, std::vector<double>(49)};
  for (double& number : a.numbers) {
    number = uniform(random);
  }
  SquareMatrix scaled = a;
  for (Index i = 0; i < 7; ++i) {
    const double factor = 10 * uniform(random);
    for (Index j = 0; j < 7; ++j) {
      scaled(i, j) *= factor;
    }
  }
  const auto one = token_correlation(a, {});
  const auto other = token_correlation(scaled, {});
  for (std::size_t i = 0; i < one.rho.numbers.size(); ++i) {
    EXPECT_NEAR(one.rho.numbers[i], other.rho.numbers[i], 1e-12);
  }
}

TEST(PartialCorrelation, OfOneOtherIsTheRecursion) {
  const SquareMatrix rho{3, {1, 0.5, 0.3, 0.5, 1, 0.4, 0.3, 0.4, 1}};
  const double wanted = (0.5 - 0.3 * 0.4) / std::sqrt((1 - 0.09) * (1 - 0.16));
  EXPECT_NEAR(partial_correlation(rho, 0, 1, Nodes{2}), wanted, 1e-10);
  const auto token = token_correlation(chain(6, 0.8), {});
  EXPECT_NEAR(partial_correlation(token.rho, 1, 4, Nodes{2, 3}), 0, 1e-10);
  EXPECT_GT(partial_correlation(token.rho, 1, 2, Nodes{0, 3}), 0.1);
}

TEST(FisherTest, MatchesTheTableOfTheNormalDistribution) {
  const double z = 1.959963984540054;  // two-sided 5 %
  EXPECT_NEAR(*fisher_p(std::tanh(z / 10), 103, 0), 0.05, 1e-9);
  EXPECT_NEAR(*fisher_p(std::tanh(2.5758293035489004 / 10), 105, 2), 0.01, 1e-9);
  EXPECT_EQ(*fisher_p(1.0, 103, 0), 0);
  EXPECT_EQ(*fisher_p(0.5, 5, 2), 1);
  EXPECT_FALSE(fisher_p(0.5, 5, 3).has_value());
}

TEST(FisherTest, TakesWhatItCannotTestAsDependentAndCountsIt) {
  const SquareMatrix rho{3, {1, 0.01, 0, 0.01, 1, 0, 0, 0, 1}};
  FisherTest few(rho, {.samples = 3, .alpha = 0.01});
  EXPECT_FALSE(few(0, 1, {2}));
  EXPECT_FALSE(few(1, 0, {2}));
  EXPECT_EQ(few.too_few_samples(), 1);
  EXPECT_EQ(few.tests(), 1);
  const SquareMatrix same{3, {1, 0.2, 0.2, 0.2, 1, 1, 0.2, 1, 1}};
  FisherTest collinear(same, {.samples = 100, .alpha = 0.01});
  EXPECT_FALSE(collinear(0, 1, {2}));
  EXPECT_EQ(collinear.collinear(), 1);
  EXPECT_TRUE(collinear(0, 1, {}));
}

TEST(FisherTest, RefusesSettingsThatCannotBe) {
  const SquareMatrix rho{1, {1}};
  EXPECT_EQ(message([&] { FisherTest(rho, {.samples = 0, .alpha = 0.01}); }),
            "the effective sample size is 0, wanted 1 or more");
  EXPECT_EQ(message([&] { FisherTest(rho, {.samples = 9, .alpha = 1}); }),
            "alpha is 1, wanted a number between 0 and 1");
}

TEST(Correlation, DropsSilentTokensAndSaysWhich) {
  SquareMatrix a = chain(4, 0.5);
  for (Index j = 0; j < 4; ++j) {
    a(2, j) = 0;
  }
  const auto out = token_correlation(a, Nodes{3, 2, 0}, {.centre_rows = false, .ridge = 0.1});
  EXPECT_EQ(out.tokens, (Nodes{0, 3}));
  EXPECT_EQ(out.dropped, Nodes{2});
  EXPECT_EQ(out.rho.size, 2);
}

TEST(Correlation, RefusesBadMapsAndTokens) {
  SquareMatrix a = chain(3, 0.5);
  EXPECT_EQ(message([&] { token_correlation(a, Nodes{3}); }), "token 3 isn't there; the map has 3 tokens");
  EXPECT_EQ(message([&] { token_correlation(a, Nodes{1, 1}); }), "token 1 is named twice");
  EXPECT_EQ(message([&] { attention_covariance(a, {.centre_rows = false, .ridge = -1}); }),
            "the ridge is -1, wanted 0 or more");
  a(1, 2) = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(message([&] { attention_covariance(a); }), "the map holds nan at row 1, column 2");
  a.numbers.pop_back();
  EXPECT_EQ(message([&] { attention_covariance(a); }), "the map has 8 numbers, wanted 3 x 3");
}

TEST(HeadEntropyScore, IsOneForUniformAgainstPiledUpAndNothingWithoutOneClass) {
  std::vector<double> p(20, 0.0);
  for (int i = 0; i < 10; ++i) {
    p.push_back(0.01 + 0.99 * (i + 0.5) / 10);
  }
  EXPECT_NEAR(*head_entropy_score(p, 0.01), 1, 1e-12);
  EXPECT_FALSE(head_entropy_score(std::vector<double>{0.5, 0.7}, 0.01).has_value());
  EXPECT_FALSE(head_entropy_score(std::vector<double>{0.0}, 0.01).has_value());
}

}  // namespace
}  // namespace volley
