// Groups of masked image tokens: by weight, ties to the lower index, united.
#include "models/mfr_groups.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "sim/base/check.hpp"
#include "tests/support/random_values.hpp"

namespace volley::test {
namespace {

std::vector<Index> hidden(const std::vector<float>& attention, const std::vector<Index>& seeds, Index k) {
  const auto tokens = static_cast<Index>(std::lround(std::sqrt(attention.size())));
  const auto flags = mfr_group(attention, tokens, seeds, k);
  std::vector<Index> places;
  for (std::size_t i = 0; i < flags.size(); ++i) {
    if (flags[i]) {
      places.push_back(static_cast<Index>(i));
    }
  }
  return places;
}

const std::vector<float> four{0.9f, 0.0f,  0.1f, 0.0f,   // 0 weighs itself, then 2
                              0.2f, 0.1f,  0.3f, 0.4f,   // 1: 3, 2, 0
                              0.5f, 0.25f, 0.0f, 0.25f,  // 2: 0, then 1 and 3 alike
                              0.3f, 0.3f,  0.3f, 0.1f};  // 3: all alike

TEST(MfrGroup, HidesTheSeedAndWhatItAttendsToMost) {
  EXPECT_EQ(hidden(four, {1}, 2), (std::vector<Index>{1, 3}));
  EXPECT_EQ(hidden(four, {1}, 3), (std::vector<Index>{1, 2, 3}));
  EXPECT_EQ(hidden(four, {1}, 4), (std::vector<Index>{0, 1, 2, 3}));
  EXPECT_EQ(hidden(four, {0}, 2), (std::vector<Index>{0, 2})) << "its own weight does not count";
}

TEST(MfrGroup, HidesTheSeedsAloneWhenKIsOne) {
  EXPECT_EQ(hidden(four, {2}, 1), (std::vector<Index>{2}));
  EXPECT_EQ(hidden(four, {3, 0}, 1), (std::vector<Index>{0, 3}));
  EXPECT_EQ(hidden(four, {}, 1), (std::vector<Index>{}));
  EXPECT_EQ(hidden({0.5f}, {0}, 1), (std::vector<Index>{0}));
}

TEST(MfrGroup, GivesTiesToTheLowerIndex) {
  EXPECT_EQ(hidden(four, {2}, 3), (std::vector<Index>{0, 1, 2}));
  EXPECT_EQ(hidden(four, {3}, 2), (std::vector<Index>{0, 3}));
  EXPECT_EQ(hidden(four, {0}, 3), (std::vector<Index>{0, 1, 2})) << "1 and 3 are both 0";
}

TEST(MfrGroup, UnitesGroups) {
  EXPECT_EQ(hidden(four, {1, 3}, 2), (std::vector<Index>{0, 1, 3}));
  EXPECT_EQ(hidden(four, {0, 2}, 2), (std::vector<Index>{0, 2})) << "a token of two groups counts once";
  EXPECT_EQ(hidden(four, {1, 1}, 2), hidden(four, {1}, 2));
  EXPECT_EQ(hidden(four, {3, 1}, 2), hidden(four, {1, 3}, 2)) << "the order of the seeds is nothing";
}

TEST(MfrGroup, RefusesWhatIsNotThere) {
  EXPECT_THROW(hidden(four, {4}, 1), Error);
  EXPECT_THROW(hidden(four, {-1}, 1), Error);
  EXPECT_THROW(hidden(four, {0}, 0), Error);
  EXPECT_THROW(hidden(four, {0}, 5), Error);
  EXPECT_THROW(mfr_group(four, 3, std::vector<Index>{0}, 1), Error);
  EXPECT_THROW(mfr_group({}, 0, std::vector<Index>{0}, 1), Error);
  auto broken = four;
  broken[5] = NAN;
  EXPECT_THROW(hidden(broken, {1}, 2), Error);
  EXPECT_NO_THROW(hidden(broken, {0}, 2)) << "the row of another token";
}

TEST(HeadMean, IsOverHeadsAndSteps) {
  const Shape shape{{Axis::T, 3}, {Axis::B, 2}, {Axis::H, 4}, {Axis::N, 5}, {Axis::M, 5}};
  const Tensor score = random_dense(shape, 1, 16);
  Tensor counts(Dtype::i32, shape);
  for (std::size_t i = 0; i < score.as<float>().size(); ++i) {
    counts.as_mutable<std::int32_t>()[i] = static_cast<std::int32_t>(16 * score.as<float>()[i]);
  }
  const Tensor mean = head_mean(score);
  const Tensor of_counts = head_mean(counts);
  EXPECT_EQ(mean.shape(), (Shape{{Axis::T, 1}, {Axis::B, 2}, {Axis::N, 5}, {Axis::M, 5}}));
  for (Index b = 0; b < 2; ++b) {
    for (Index i = 0; i < 25; ++i) {
      float sum = 0;  // exact: multiples of 1 / 16
      for (Index t = 0; t < 3; ++t) {
        for (Index h = 0; h < 4; ++h) {
          sum += score.as<float>()[static_cast<std::size_t>(((t * 2 + b) * 4 + h) * 25 + i)];
        }
      }
      const auto place = static_cast<std::size_t>(b * 25 + i);
      EXPECT_EQ(mean.as<float>()[place], static_cast<float>(static_cast<double>(sum) / 12));
      EXPECT_EQ(of_counts.as<float>()[place], static_cast<float>(16 * static_cast<double>(sum) / 12));
    }
  }
  EXPECT_THROW(head_mean(random_dense(shape.without(Axis::H), 1)), Error);
  EXPECT_THROW(head_mean(Tensor(Dtype::i16, shape)), Error);
}

}  // namespace
}  // namespace volley::test
