// Random numbers are a function of their counter.
#include "sim/base/rng.hpp"

#include <gtest/gtest.h>

namespace volley {
namespace {

// Known answers of Philox4x32-10 from the authors' distribution (Random123, kat_vectors).
TEST(Philox, GivesTheKnownAnswers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, 0, 0), (PhiloxBlock{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u}));
  const std::uint32_t ones = 0xffffffffu;
  EXPECT_EQ(philox({ones, ones, ones, ones}, ones, ones),
            (PhiloxBlock{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu}));
}

TEST(RandomUniform, LiesBelowOneAndDiffersByEveryPartOfTheCounter) {
  double sum = 0;
  for (std::uint64_t i = 0; i < 10000; ++i) {
    const float u = random_uniform(1, 2, 3, i);
    ASSERT_GE(u, 0.0f);
    ASSERT_LT(u, 1.0f);
    sum += static_cast<double>(u);
  }
  EXPECT_NEAR(sum / 10000, 0.5, 0.02);  // 7 standard errors
  const auto base = random_bits(1, 2, 3, 4);
  EXPECT_NE(base, random_bits(2, 2, 3, 4));
  EXPECT_NE(base, random_bits(1, 3, 3, 4));
  EXPECT_NE(base, random_bits(1, 2, 4, 4));
  EXPECT_NE(base, random_bits(1, 2, 3, 5));
  EXPECT_NE(base, random_bits(1, 2, 3, 4 + (std::uint64_t{1} << 32)));
}

}  // namespace
}  // namespace volley
