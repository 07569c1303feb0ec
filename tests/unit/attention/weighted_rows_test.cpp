// Weighted sums of rows against one loop per column, at every tail.
#include "attention/weighted_rows.hpp"

#include <gtest/gtest.h>

#include "tests/support/random_values.hpp"

namespace volley::test {
namespace {

constexpr Index rows = 23;
constexpr Index stride = 150;

struct Lists {
  std::vector<std::int32_t> rows{0, 3, 4, 11, 22};
  std::vector<float> weights = random_numbers(5, 1);
  std::vector<std::int32_t> whole{-3, 1, 2, 7, -1};
};

std::vector<std::int32_t> whole_numbers(Index count, std::uint64_t seed) {
  std::vector<std::int32_t> whole;
  for (const float number : random_numbers(count, seed)) {
    whole.push_back(static_cast<std::int32_t>(number * 1000));
  }
  return whole;
}

TEST(SumRows, HasTheBitsOfOneLoopPerColumn) {
  const Lists lists;
  const auto table = random_numbers(rows * stride, 2);
  for (Index width = 1; width <= 140; ++width) {
    std::vector<float> out(static_cast<std::size_t>(width) + 1, 9.0f);
    sum_rows({lists.rows, lists.weights}, table.data(), stride, width, out.data());
    for (Index c = 0; c < width; ++c) {
      float sum = 0;
      for (std::size_t i = 0; i < lists.rows.size(); ++i) {
        sum += lists.weights[i] * table[static_cast<std::size_t>(lists.rows[i] * stride + c)];
      }
      ASSERT_EQ(out[static_cast<std::size_t>(c)], sum) << width << " " << c;
    }
    EXPECT_EQ(out.back(), 9.0f) << "wrote past the width " << width;
  }
}

TEST(SumRows, OfNothingIsZero) {
  std::vector<float> out(70, 9.0f);
  sum_rows(WeightedRows<float>{}, nullptr, 70, 70, out.data());
  EXPECT_EQ(out, std::vector<float>(70, 0.0f));
}

TEST(SumRows, OfIntegersAndAddToRowsAreExact) {
  const Lists lists;
  const auto table = whole_numbers(rows * stride, 3);
  for (Index width = 1; width <= 140; ++width) {
    std::vector<std::int32_t> out(static_cast<std::size_t>(width));
    sum_rows({lists.rows, lists.whole}, table.data(), stride, width, out.data());
    auto added = table;
    add_to_rows({lists.rows, lists.whole}, out.data(), stride, width, added.data());
    for (Index c = 0; c < width; ++c) {
      std::int32_t sum = 0;
      for (std::size_t i = 0; i < lists.rows.size(); ++i) {
        sum += lists.whole[i] * table[static_cast<std::size_t>(lists.rows[i] * stride + c)];
      }
      ASSERT_EQ(out[static_cast<std::size_t>(c)], sum) << width << " " << c;
    }
    auto wanted = table;
    for (std::size_t i = 0; i < lists.rows.size(); ++i) {
      for (Index c = 0; c < width; ++c) {
        wanted[static_cast<std::size_t>(lists.rows[i] * stride + c)] +=
            lists.whole[i] * out[static_cast<std::size_t>(c)];
      }
    }
    ASSERT_EQ(added, wanted) << width;
  }
}

TEST(ScaleRow, RoundsTheIntegerAndThenTheProduct) {
  auto numbers = whole_numbers(70, 4);
  numbers[3] = (1 << 24) + 1;  // not a float32
  numbers[4] = -2147483647 - 1;
  for (Index width = 1; width <= 70; ++width) {
    std::vector<float> out(static_cast<std::size_t>(width));
    scale_row(numbers.data(), width, 0.3f, out.data());
    for (std::size_t c = 0; c < out.size(); ++c) {
      ASSERT_EQ(out[c], 0.3f * static_cast<float>(numbers[c])) << c;
    }
  }
}

}  // namespace
}  // namespace volley::test
