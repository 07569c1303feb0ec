// Separation ranks over a prime field: closed forms, known values, refusals.
#include "analysis/separation_rank.hpp"

#include <gtest/gtest.h>

#include "analysis/modular.hpp"
#include "sim/base/check.hpp"
#include "tests/support/message.hpp"

namespace volley {
namespace {

using test::message;

constexpr Index many = 1 << 20;

Index rank(const StackShape& shape, Index templates, TemplateKind kind = TemplateKind::any,
           std::uint64_t seed = 1) {
  const ExactRank found = exact_rank(shape, kind, templates, many, seed);
  if (kind == TemplateKind::any) {
    EXPECT_FALSE(found.saturated()) << "d " << shape.width << " L " << shape.depth;
  }
  return found.rank;
}

TEST(Field, InverseTimesNumberIsOne) {
  for (const std::uint64_t number :
       {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{123456789}, field_prime - 1}) {
    EXPECT_EQ(reduced(inverse(number) * number), 1u);
  }
  EXPECT_EQ(reduced(field_prime), 0u);
  EXPECT_EQ(reduced(~std::uint64_t{0}), ~std::uint64_t{0} % field_prime);
  EXPECT_EQ(reduced(multiply_add((std::uint64_t{1} << 33) - 1, field_prime - 1, field_prime - 1)),
            ((std::uint64_t{1} << 33) - 1 + 1) % field_prime);
}

TEST(Field, RankOfAProductIsTheInnerSize) {
  constexpr Index rows = 9, columns = 11;
  for (Index inner = 0; inner <= rows; ++inner) {
    std::vector<std::uint32_t> product(rows * columns);
    for (Index r = 0; r < rows; ++r) {
      for (Index c = 0; c < columns; ++c) {
        std::uint64_t sum = 0;
        for (Index i = 1; i <= inner; ++i) {  // Vandermonde matrices: every minor counts
          std::uint64_t left = 1, right = 1;
          for (Index k = 0; k < i; ++k) {
            left = reduced(left * static_cast<std::uint64_t>(r + 2));
            right = reduced(right * static_cast<std::uint64_t>(c + 3));
          }
          sum = multiply_add(sum, left, right);
        }
        product[static_cast<std::size_t>(r * columns + c)] = static_cast<std::uint32_t>(reduced(sum));
      }
    }
    EXPECT_EQ(rank_in_field(product, rows, columns), inner);
  }
}

TEST(SeparationRank, OfTwoTokensIsTheClosedForm) {
  struct Case {
    Index width, heads, depth, wanted;
  };
  // C(d + K, d), K = 1, 4, 13, 40.
  const Case cases[] = {{1, 1, 1, 2},   {1, 1, 2, 5},  {1, 1, 3, 14},  {1, 1, 4, 41}, {2, 1, 1, 3},
                        {2, 1, 2, 15},  {2, 2, 2, 15}, {2, 1, 3, 105}, {3, 1, 1, 4},  {3, 3, 2, 35},
                        {3, 1, 3, 560}, {4, 2, 1, 5},  {4, 1, 2, 70},  {6, 1, 1, 7},  {6, 3, 2, 210}};
  for (const Case& each : cases) {
    EXPECT_EQ(closed_form_rank(each.width, each.depth), each.wanted);
    EXPECT_EQ(rank({2, each.width, each.heads, each.depth}, each.wanted + 5), each.wanted)
        << "d " << each.width << " H " << each.heads << " L " << each.depth;
  }
}

// Heads of one number are too narrow for the closed form: in two layers C(d, 4) is missing.
TEST(SeparationRank, OfHeadsOfOneNumberFallsShort) {
  EXPECT_EQ(rank({2, 4, 4, 2}, 75), 70 - 1);
  EXPECT_EQ(rank({2, 5, 5, 2}, 131), 126 - 5);
  EXPECT_EQ(rank({2, 6, 6, 2}, 215), 210 - 15);
}

TEST(SeparationRank, OfOneLayerIsWidthPlusOneForAnyEvenNumberOfTokens) {
  EXPECT_EQ(rank({4, 3, 1, 1}, 4), 4);
  EXPECT_EQ(rank({4, 4, 2, 1}, 6), 5);
  EXPECT_EQ(rank({6, 2, 1, 1}, 3), 3);
}

TEST(SeparationRank, OfFourTokensAndTwoLayersPassesThatOfTwo) {
  EXPECT_EQ(rank({4, 2, 1, 2}, 6), 18);
}

// All spike vectors as tokens: {0,1} reaches all but the silent token, bipolar half by its sign symmetry.
TEST(SeparationRank, OfSpikesHitsItsCeilingAtTwoLayers) {
  for (const Index width : {3, 4, 6}) {
    EXPECT_EQ(rank({2, width, 1, 1}, 0, TemplateKind::binary), width + 1);
    EXPECT_EQ(rank({2, width, 1, 1}, 0, TemplateKind::bipolar), width + 1);
    for (const Index depth : {2, 3}) {
      EXPECT_EQ(rank({2, width, 1, depth}, 0, TemplateKind::binary), (1 << width) - 1);
      EXPECT_EQ(rank({2, width, 1, depth}, 0, TemplateKind::bipolar), 1 << (width - 1));
    }
  }
}

TEST(SeparationRank, SaysWhenTheGridIsTooSmall) {
  const ExactRank found = exact_rank({2, 2, 1, 2}, TemplateKind::any, 10, many, 3);
  EXPECT_EQ(found.rank, 10);
  EXPECT_TRUE(found.saturated());
}

TEST(SeparationRank, IsTheSameForOtherDraws) {
  for (std::uint64_t seed = 2; seed < 8; ++seed) {
    EXPECT_EQ(rank({2, 2, 1, 2}, 20, TemplateKind::any, seed), 15);
  }
}

TEST(SeparationRank, ClosedFormEndsWhereItWouldOverflow) {
  EXPECT_EQ(closed_form_rank(1, 19), (Index{1162261467} - 1) / 2 + 1);
  EXPECT_EQ(closed_form_rank(1, 40), std::nullopt);
  EXPECT_EQ(closed_form_rank(64, 12), std::nullopt);
}

// 6 templates on 4 tokens: B has C(7, 2) choices without order, and the rank can't pass them.
TEST(Grid, TokensWithoutPositionsMayBeExchanged) {
  EXPECT_EQ(make_grid(2, 10, many).exchangeable_side(), 10);
  EXPECT_EQ(make_grid(4, 6, many).exchangeable_side(), 21);
  EXPECT_EQ(make_grid(6, 3, many).exchangeable_side(), 10);
  const ExactRank found = exact_rank({4, 3, 1, 3}, TemplateKind::any, 6, many, 1);
  EXPECT_EQ(found.rank, 21);
  EXPECT_TRUE(found.saturated());
}

TEST(Grid, LastTokenIsTheFastest) {
  const Grid grid = make_grid(4, 3, many);
  std::vector<Index> chosen(4);
  grid.choice(5, 7, chosen);
  EXPECT_EQ(chosen, (std::vector<Index>{1, 2, 2, 1}));
  const Grid odd = make_grid(3, 2, many);
  EXPECT_EQ(odd.rows, 2);
  EXPECT_EQ(odd.columns, 4);
}

TEST(SeparationRank, RefusesShapesThatCannotBe) {
  const auto with = [](const StackShape& shape) {
    return message([&] { exact_rank(shape, TemplateKind::any, 4, many, 1); });
  };
  EXPECT_EQ(with({2, 2, 1, 0}), "the depth is 0, wanted 1 or more");
  EXPECT_EQ(with({1, 2, 1, 1}), "there are 1 tokens, wanted 2 or more: one half against the other");
  EXPECT_EQ(with({2, 3, 2, 1}), "the width is 3, wanted a multiple of the 2 heads");
  EXPECT_EQ(with({2, 0, 1, 1}), "the width is 0, wanted a multiple of the 1 heads");
  EXPECT_EQ(
      message([] { make_grid(8, 10, many); }),
      "10 templates on 8 tokens are a grid of 1e+08 entries, wanted at most 1048576: take fewer templates or "
      "tokens, or raise --most-entries");
  EXPECT_EQ(message([] { make_grid(2, 0, many); }), "there are 0 templates, wanted 1 or more");
  EXPECT_EQ(message([] { all_templates(21); }), "a width of 21 has 2^21 spike vectors, wanted at most 2^20");
}

}  // namespace
}  // namespace volley
