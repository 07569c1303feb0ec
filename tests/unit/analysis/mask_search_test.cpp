// Orders of sets, and the passes they take to the first that changes a decision.
#include "analysis/mask_search.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace volley {
namespace {

// The decision changes when 2 and 4 are both masked, or 5.
std::vector<char> with_two_and_four(const std::vector<Nodes>& sets) {
  std::vector<char> changed;
  for (const Nodes& set : sets) {
    const auto holds = [&](Index token) { return std::ranges::find(set, token) != set.end(); };
    changed.push_back((holds(2) && holds(4)) || holds(5) ? 1 : 0);
  }
  return changed;
}

TEST(MaskSearch, CountsPassesUpToTheFirstSet) {
  MaskTrials trials(with_two_and_four);
  const FirstFound all = first_found(every_set({0, 1, 2, 3, 4}), 3, trials);  // 5 is not in the pool
  EXPECT_TRUE(all.is_found);
  EXPECT_EQ(all.set, (Nodes{2, 4}));
  EXPECT_EQ(all.passes, 5 + 9);  // 01 02 03 04 12 13 14 23 24
  EXPECT_EQ(all.valid, 1);
  EXPECT_EQ(all.candidates, 10);
  EXPECT_DOUBLE_EQ(all.random_passes, 5 + 11.0 / 2);
  EXPECT_EQ(trials.passes(), 15);
  // The same sets again cost nothing.
  const FirstFound heavy = first_found(heaviest_sets({0, 1, 2, 3, 4}, {0, 0, 5, 0, 3, 0}), 3, trials);
  EXPECT_EQ(heavy.passes, 5 + 1);
  EXPECT_EQ(trials.passes(), 15);
}

TEST(MaskSearch, OfAnOrderWithoutSuchASetTakesThemAll) {
  MaskTrials trials(with_two_and_four);
  const FirstFound none = first_found(every_set({0, 1, 3}), 2, trials);
  EXPECT_FALSE(none.is_found);
  EXPECT_EQ(none.passes, 3 + 3);
  const FirstFound small = first_found(every_set({2, 4}), 1, trials);
  EXPECT_FALSE(small.is_found);
}

TEST(MaskSearch, GrowsByWeight) {
  MaskTrials trials(with_two_and_four);
  const FirstFound found = first_found(growing_set({0, 1, 2, 4}, {9, 1, 3, 0, 2, 0}), 4, trials);
  EXPECT_EQ(found.set, (Nodes{0, 2, 4}));
  EXPECT_EQ(found.passes, 3);
  EXPECT_TRUE(growing_set({0}, {1})(2).empty());
}

// 0 o-o 2 o-o 4 and, in another graph over tokens 1, 4 and 0, 0 next to 4.
TEST(MaskSearch, JoinsTheTreesOfHeadsByDistance) {
  MixedGraph chain(3);
  chain.add(0, 1, Mark::circle, Mark::head);
  chain.add(2, 1, Mark::circle, Mark::head);  // a collider, so that the tree goes on
  MixedGraph pair(3);
  pair.add(1, 2, Mark::circle, Mark::circle);
  const std::vector<TokenGraph> graphs{{chain, {0, 2, 4}}, {pair, {1, 4, 0}}};
  const SetsOfSize sets = near_sets(graphs, 0);
  EXPECT_EQ(sets(1), (std::vector<Nodes>{{2}, {4}}));  // both at distance 1
  EXPECT_EQ(sets(2), (std::vector<Nodes>{{2, 4}}));
  MaskTrials trials(with_two_and_four);
  EXPECT_EQ(first_found(sets, 2, trials).passes, 3);
  EXPECT_TRUE(near_sets(graphs, 3)(1).empty());
  EXPECT_EQ(first_then(sets, every_set({1, 2, 4}))(1), (std::vector<Nodes>{{2}, {4}, {1}}));
  EXPECT_EQ(first_then(sets, every_set({1, 2, 4}))(2), (std::vector<Nodes>{{2, 4}, {1, 2}, {1, 4}}));
}

}  // namespace
}  // namespace volley
