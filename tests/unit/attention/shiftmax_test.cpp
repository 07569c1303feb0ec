// gamma against a big integer, and shifts at the ends of float32.
#include "attention/shiftmax.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "sim/base/rng.hpp"
#include "tests/reference/attention_ref.hpp"

namespace volley::test {
namespace {

Index gamma_by_big_integer(const std::vector<std::int32_t>& row) {
  CountingTally tally;
  return gamma_reference({row.begin(), row.end()}, tally);
}

std::vector<std::int32_t> random_row(Index size, std::int32_t reach, std::uint64_t seed) {
  std::vector<std::int32_t> row;
  for (Index i = 0; i < size; ++i) {
    const auto draw = random_bits(seed, 7, 0, static_cast<std::uint64_t>(i));
    row.push_back(static_cast<std::int32_t>(draw % static_cast<std::uint32_t>(2 * reach + 1)) - reach);
  }
  return row;
}

TEST(ShiftmaxGamma, EqualsABigIntegerOnRandomRows) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    for (const std::int32_t reach : {0, 1, 5, 29, 31, 32, 65, 130, 700}) {
      const auto row = random_row(1 + static_cast<Index>(seed % 67), reach, seed);
      ASSERT_EQ(shiftmax_gamma(row), gamma_by_big_integer(row)) << "seed " << seed << " reach " << reach;
    }
  }
}

// 2^top = 2^(top-1) + 2^(top-2) + ... + 2^low + 2^low: one more anywhere needs the next power.
TEST(ShiftmaxGamma, IsExactAtPowersOfTwoOfAnyLength) {
  for (const std::int32_t length : {1, 2, 40, 61, 62, 63, 64, 65, 130, 400}) {
    for (const std::int32_t low : {-200, -1, 0, 3}) {
      std::vector<std::int32_t> row{low};
      for (std::int32_t e = 0; e < length; ++e) {
        row.push_back(low + e);
      }
      EXPECT_EQ(shiftmax_gamma(row), low + length);
      row.push_back(low);
      EXPECT_EQ(shiftmax_gamma(row), low + length + 1);
      row.pop_back();
      row[0] = low - 1;  // a little less than the power
      EXPECT_EQ(shiftmax_gamma(row), low + length);
    }
  }
}

TEST(ShiftmaxGamma, MovesWithAConstantAddedToTheRow) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    auto row = random_row(49, 64, seed);
    const Index before = shiftmax_gamma(row);
    for (std::int32_t& x : row) {
      x += 1000;
    }
    EXPECT_EQ(shiftmax_gamma(row), before + 1000) << "seed " << seed;
  }
}

TEST(ShiftmaxGamma, OfEqualScoresIsTheScoreAndTheLogOfTheirNumber) {
  for (std::size_t n = 1; n <= 300; ++n) {
    const std::vector<std::int32_t> row(n, -5);
    EXPECT_EQ(shiftmax_gamma(row), -5 + static_cast<Index>(std::ceil(std::log2(static_cast<double>(n)))));
  }
}

TEST(PowerOfTwo, IsExactDownToTheSmallestFloat) {
  for (Index n = 0; n <= 200; ++n) {
    EXPECT_EQ(power_of_two(n), static_cast<float>(std::ldexp(1.0, -static_cast<int>(n)))) << n;
  }
  EXPECT_EQ(power_of_two(largest_shift), std::numeric_limits<float>::denorm_min());
}

TEST(Shifted, RoundsOnceEvenWhereNoFloatIsTheFactor) {
  for (const float number : {1.0f, -1.75f, 3.0e38f, 1.1754944e-38f, 0.0f, 1.9999999f}) {
    for (Index n = 0; n <= 400; ++n) {
      const auto wanted = static_cast<float>(std::ldexp(static_cast<double>(number), -static_cast<int>(n)));
      EXPECT_EQ(shifted(number, n), wanted) << number << " " << n;
      if (n <= largest_shift) {  // the product of the fast kernel
        EXPECT_EQ(number * power_of_two(n), wanted) << number << " " << n;
      }
    }
  }
  EXPECT_EQ(shifted(1.0f, Index{1} << 40), 0.0f);
}

}  // namespace
}  // namespace volley::test
