// Flow between groups against plain sums, chance and hand-made maps.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <random>

#include "analysis/flow.hpp"
#include "analysis/rank_correlation.hpp"
#include "sim/base/check.hpp"
#include "tests/support/message.hpp"

namespace volley {
namespace {

using test::message;

Matrix random_map(Index n, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> draw;
  Matrix out = zero_matrix(n, n);
  for (double& number : out.numbers) {
    number = draw(random);
  }
  return out;
}

TokenLabels two_groups(Index images, Index words) {
  TokenLabels labels{{"image", "text"}, {}};
  labels.group.assign(static_cast<std::size_t>(images), 0);
  labels.group.insert(labels.group.end(), static_cast<std::size_t>(words), 1);
  return labels;
}

TEST(Flow, OfUniformAttentionIsChanceForAllSizes) {
  for (const Index images : {1, 2, 5, 16}) {
    for (const Index words : {1, 3, 10}) {
      const Index n = images + words;
      const double each = 1 / static_cast<double>(n);
      const Matrix map{n, n, std::vector<double>(static_cast<std::size_t>(n * n), each)};
      const TokenLabels labels = two_groups(images, words);
      for (const RowUse use : {RowUse::raw, RowUse::normalised}) {
        const Flow flow = flow_between(map, labels, use);
        EXPECT_NEAR(*flow.direction, 0.5, 1e-12);
        EXPECT_NEAR(*flow.share, 2.0 * static_cast<double>(images * words) * each * each, 1e-12);
        EXPECT_NEAR(*flow.outward[0], static_cast<double>(words) * each, 1e-12);
      }
      const FlowChance chance = chance_of(labels);
      EXPECT_DOUBLE_EQ(chance.direction, 0.5);
      EXPECT_NEAR(chance.share, 2.0 * static_cast<double>(images * words) * each * each, 1e-12);
      EXPECT_NEAR(chance.outward[1], static_cast<double>(images) * each, 1e-12);
    }
  }
}

TEST(Flow, IsTheBlockSumsOfAPlainLoop) {
  const Matrix map = random_map(7, 2);
  TokenLabels labels{{"a", "b", "c"}, {0, 1, 2, 1, 0, TokenLabels::left_out, 2}};
  const Flow raw = flow_between(map, labels, RowUse::raw);
  const Flow normalised = flow_between(map, labels, RowUse::normalised);
  double across = 0, total = 0;
  for (Index a = 0; a < 3; ++a) {
    double of_a = 0, own = 0;
    for (Index b = 0; b < 3; ++b) {
      double sum = 0, shares = 0;
      for (Index i = 0; i < 7; ++i) {
        double row = 0;
        for (Index j = 0; j < 7; ++j) {
          row += j == 5 ? 0 : map(i, j);
        }
        for (Index j = 0; j < 7; ++j) {
          const bool counts = labels.group[i] == a && labels.group[j] == b;
          sum += counts ? map(i, j) : 0;
          shares += counts ? map(i, j) / row : 0;
        }
      }
      EXPECT_NEAR(raw.sums(a, b), sum, 1e-12);
      EXPECT_NEAR(normalised.sums(a, b), shares, 1e-12);
      of_a += sum;
      own += a == b ? sum : 0;
    }
    EXPECT_NEAR(*raw.outward[a], (of_a - own) / of_a, 1e-12);
    across += of_a - own;
    total += of_a;
  }
  EXPECT_NEAR(*raw.share, across / total, 1e-12);
  EXPECT_NEAR(*raw.direction, (*raw.outward[0] + *raw.outward[1] + *raw.outward[2]) / 3, 1e-12);
  EXPECT_EQ(raw.rows, 6);
}

TEST(Flow, RelabellingSwapsTheDirections) {
  const Matrix map = random_map(6, 3);
  TokenLabels labels = two_groups(4, 2);
  const Flow one = flow_between(map, labels, RowUse::raw);
  for (Index& group : labels.group) {
    group = 1 - group;
  }
  const Flow other = flow_between(map, labels, RowUse::raw);
  EXPECT_DOUBLE_EQ(*one.outward[0], *other.outward[1]);
  EXPECT_DOUBLE_EQ(*one.outward[1], *other.outward[0]);
  EXPECT_NEAR(*one.direction, *other.direction, 1e-15);
  EXPECT_NEAR(*one.share, *other.share, 1e-15);
}

TEST(Flow, CountsZeroRowsAndSaysNothingOfASilentGroup) {
  const Matrix map{3, 3, {1, 1, 2, 0, 0, 0, 0, 0, 0}};
  const Flow flow = flow_between(map, two_groups(1, 2), RowUse::normalised);
  EXPECT_EQ(flow.rows, 3);
  EXPECT_EQ(flow.zero_rows, 2);
  EXPECT_DOUBLE_EQ(*flow.outward[0], 0.75);
  EXPECT_FALSE(flow.outward[1]);
  EXPECT_FALSE(flow.direction);
  EXPECT_DOUBLE_EQ(*flow.share, 0.75);
  const Flow silent = flow_between(zero_matrix(3, 3), two_groups(1, 2), RowUse::raw);
  EXPECT_FALSE(silent.share);
}

TEST(Flow, RefusesMapsAndGroupsThatCanNotBe) {
  const TokenLabels labels = two_groups(1, 1);
  EXPECT_EQ(message([&] { flow_between(zero_matrix(2, 3), labels, RowUse::raw); }),
            "the map is 2 x 3, wanted as many rows as columns");
  EXPECT_EQ(message([&] {
              flow_between({2, 2, {1, 0, -3, 1}}, labels, RowUse::raw);
            }),
            "the map holds -3 at row 1, column 0: flow needs numbers of 0 or more");
  EXPECT_EQ(message([&] {
              flow_between({2, 2, {1, std::numeric_limits<double>::infinity(), 0, 1}}, labels, RowUse::raw);
            }),
            "the map holds inf at row 0, column 1");
  EXPECT_EQ(message([&] { flow_between(random_map(3, 1), labels, RowUse::raw); }),
            "there are 2 labels, wanted one for each of 3 tokens");
  EXPECT_EQ(message([&] { flow_between(random_map(2, 1), two_groups(2, 0), RowUse::raw); }),
            "group 'text' holds no token");
  EXPECT_EQ(message([&] {
              flow_between(random_map(2, 1), {{"all"}, {0, 0}}, RowUse::raw);
            }),
            "flow needs two groups or more, got 1");
}

TEST(Rollout, IsTheProductOfMixedMaps) {
  const Matrix first = random_map(4, 5);
  Matrix second = random_map(4, 6);
  for (Index j = 0; j < 4; ++j) {
    second(2, j) = 0;  // a silent row passes on what it had
  }
  Rollout rollout;
  rollout.add(first);
  rollout.add(second);
  const auto mixed = [](const Matrix& map, Index i, Index j) {
    double sum = 0;
    for (Index m = 0; m < 4; ++m) {
      sum += map(i, m);
    }
    const double own = i == j ? 1 : 0;
    return ((sum > 0 ? map(i, j) / sum : own) + own) / 2;
  };
  for (Index i = 0; i < 4; ++i) {
    double row = 0;
    for (Index j = 0; j < 4; ++j) {
      double wanted = 0;
      for (Index m = 0; m < 4; ++m) {
        wanted += mixed(second, i, m) * mixed(first, m, j);
      }
      EXPECT_NEAR(rollout.gathered()(i, j), wanted, 1e-12);
      row += rollout.gathered()(i, j);
    }
    EXPECT_NEAR(row, 1, 1e-12);
  }
  const auto outward = rollout.outward(two_groups(3, 1));
  double of_images = 0;
  for (Index i = 0; i < 3; ++i) {
    of_images += rollout.gathered()(i, 3) / 3;
  }
  EXPECT_NEAR(outward[0], of_images, 1e-12);
  EXPECT_EQ(message([&] { rollout.add(random_map(5, 1)); }), "the map has 5 tokens, the layer before has 4");
  EXPECT_EQ(message([&] {
              rollout.add({4, 4, std::vector<double>(16, -1)});
            }),
            "the map holds -1 at row 0, column 0: flow needs numbers of 0 or more");
}

TEST(Rollout, OfBlocksThatDoNotMeetGathersNothingFromTheOthers) {
  Matrix apart = random_map(5, 7);
  for (Index i = 0; i < 5; ++i) {
    for (Index j = 0; j < 5; ++j) {
      apart(i, j) = (i < 3) == (j < 3) ? apart(i, j) : 0;
    }
  }
  Rollout rollout;
  rollout.add(apart);
  rollout.add(apart);
  EXPECT_DOUBLE_EQ(rollout.outward(two_groups(3, 2))[0], 0);
  EXPECT_DOUBLE_EQ(rollout.outward(two_groups(3, 2))[1], 0);
}

TEST(TokenLabels, AreReadFromRangesAndNumbers) {
  const TokenLabels labels = read_token_labels("image:0-3,text:4-5,7,pad:6", 8);
  EXPECT_EQ(labels.names, (std::vector<std::string>{"image", "text", "pad"}));
  EXPECT_EQ(labels.group, (std::vector<Index>{0, 0, 0, 0, 1, 1, 2, 1}));
  EXPECT_EQ(labels.size_of(1), 3);
  EXPECT_EQ(tokens_named("image:0-3,text:4-5,7,pad:6"), 8);
  EXPECT_EQ(tokens_named(""), 0);
  EXPECT_EQ(message([] { tokens_named("a:0-b"); }),
            "the groups are 'a:0-b', wanted NAME:FIRST-LAST,NAME:FIRST-LAST");
  const TokenLabels numbered = labels_of(std::vector<Index>{7, 2, 7}, 3);
  EXPECT_EQ(numbered.names, (std::vector<std::string>{"2", "7"}));
  EXPECT_EQ(numbered.group, (std::vector<Index>{1, 0, 1}));
  EXPECT_EQ(without(numbered, std::vector<Index>{2}).group, (std::vector<Index>{1, 0, -1}));
}

TEST(TokenLabels, RefuseOtherTexts) {
  const auto reads = [](const std::string& text) { return message([&] { read_token_labels(text, 4); }); };
  EXPECT_EQ(reads("a:0-4"), "tokens 0-4 are not there; the map has 4");
  EXPECT_EQ(reads("a:3-2"), "tokens 3-2 are not there; the map has 4");
  EXPECT_EQ(reads("a:0-2,b:2-3"), "token 2 is in two groups");
  EXPECT_EQ(reads("a:0-1,b:3"), "token 2 is in no group of 'a:0-1,b:3'");
  EXPECT_EQ(reads("a:0-1,a:2-3"), "the groups are 'a:0-1,a:2-3': a name is missing or stands twice");
  EXPECT_EQ(reads(":0-3"), "the groups are ':0-3': a name is missing or stands twice");
  EXPECT_EQ(reads("0-3"), "the groups are '0-3', wanted NAME:FIRST-LAST,NAME:FIRST-LAST");
  EXPECT_EQ(reads("a:0-x"), "the groups are 'a:0-x', wanted NAME:FIRST-LAST,NAME:FIRST-LAST");
  EXPECT_EQ(reads(""), "token 0 is in no group of ''");
  EXPECT_EQ(message([] {
              labels_of(std::vector<Index>{1, 2}, 3);
            }),
            "there are 2 labels, wanted one for each of 3 tokens");
  EXPECT_EQ(message([] { without(two_groups(1, 1), std::vector<Index>{2}); }),
            "special token 2 isn't there; the map has 2");
}

TEST(RankCorrelation, SharesRanksAndIsPearsonOfThem) {
  EXPECT_EQ(ranks(std::vector<double>{3, 1, 3, 0}), (std::vector<double>{3.5, 2, 3.5, 1}));
  EXPECT_DOUBLE_EQ(*rank_correlation(std::vector<double>{1, 2, 30}, std::vector<double>{0, 5, 6}), 1);
  EXPECT_DOUBLE_EQ(*rank_correlation(std::vector<double>{1, 2, 30}, std::vector<double>{3, 2, 1}), -1);
  // 1 - 6 sum d^2 / (n (n^2 - 1)) without equal numbers: d = 1, 1, 0, 0.
  EXPECT_NEAR(*rank_correlation(std::vector<double>{1, 2, 3, 4}, std::vector<double>{2, 1, 3, 4}), 0.8,
              1e-15);
  // Ranks 1, 2.5, 2.5, 4 beside 1, 2, 3, 4: 4.5 / sqrt(4.5 * 5).
  EXPECT_NEAR(*rank_correlation(std::vector<double>{0, 5, 5, 9}, std::vector<double>{1, 2, 3, 4}),
              4.5 / std::sqrt(22.5), 1e-15);
  EXPECT_FALSE(rank_correlation(std::vector<double>{1, 1, 1}, std::vector<double>{1, 2, 3}));
  EXPECT_EQ(message([] {
              rank_correlation(std::vector<double>{1, 2}, std::vector<double>{1});
            }),
            "2 numbers stand beside 1, wanted as many");
  EXPECT_EQ(message([] { rank_correlation(std::vector<double>{1}, std::vector<double>{1}); }),
            "a rank correlation needs 2 numbers or more, got 1");
  EXPECT_EQ(message([] {
              rank_correlation(std::vector<double>{1, std::numeric_limits<double>::quiet_NaN()},
                               std::vector<double>{1, 2});
            }),
            "a rank correlation needs finite numbers");
}

}  // namespace
}  // namespace volley
