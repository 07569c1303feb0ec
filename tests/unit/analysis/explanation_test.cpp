// Trees, legal sets and explanations against a search over all subsets.
#include <gtest/gtest.h>

#include <algorithm>

#include "analysis/explanation.hpp"
#include "analysis/icd.hpp"
#include "analysis/pds_tree.hpp"
#include "analysis/subsets.hpp"
#include "sim/base/check.hpp"
#include "tests/reference/causal_truth.hpp"

namespace volley {
namespace {

TEST(PdsTree, GoesOnThroughTrianglesAndCollidersOnly) {
  MixedGraph graph(5);  // 0 o-> 1 <-o 2 o-o 3 and 0 o-o 4
  graph.add(0, 1, Mark::circle, Mark::head);
  graph.add(2, 1, Mark::circle, Mark::head);
  graph.add(2, 3, Mark::circle, Mark::circle);
  graph.add(0, 4, Mark::circle, Mark::circle);
  const PdsTree tree(graph, 0, 4);
  EXPECT_EQ(tree.nodes(), (Nodes{1, 2, 4}));
  EXPECT_EQ(tree.distance(2), 2);
  EXPECT_TRUE(tree.legal({1, 2}));
  EXPECT_FALSE(tree.legal({2, 4}));
  EXPECT_EQ(PdsTree(graph, 0, 1).nodes(), (Nodes{1, 4}));
}

TEST(PdsTree, LegalSetsAreAllSubsetsThatAreLegal) {
  std::mt19937 random(6);
  for (int i = 0; i < 30; ++i) {
    const MixedGraph dag = reference::random_dag(10, 0.35, random);
    const MixedGraph mag = reference::mag_of(dag, 8);
    const PdsTree tree(mag, 0, 7);
    for (Index size = 1; size <= 4; ++size) {
      std::vector<Nodes> wanted;
      any_subset(tree.nodes(), size, [&](const Nodes& set) {
        if (tree.legal(set)) {
          wanted.push_back(set);
        }
        return false;
      });
      std::ranges::stable_sort(wanted, {}, [&](const Nodes& set) { return tree.distance(set); });
      EXPECT_EQ(tree.legal_sets(size, std::vector<char>(8, 1)), wanted);
    }
  }
}

TEST(Explain, EqualsTheExhaustiveSearchOverLegalSets) {
  std::mt19937 random(7);
  const ExplanationTester tester = [](const Nodes& set, Index target) {
    Index sum = target;
    for (const Index node : set) {
      sum += node * node;
    }
    return set.size() > 1 && sum % 3 == 0;
  };
  int found = 0;
  for (int i = 0; i < 20; ++i) {
    const MixedGraph dag = reference::random_dag(7, 0.4, random);
    const PdsTree tree(dag, 3, 6);
    for (const bool minimal : {true, false}) {
      std::vector<Nodes> wanted;
      for (Index size = 1; size <= 6 && (wanted.empty() || !minimal); ++size) {
        for (const Nodes& set : tree.legal_sets(size, std::vector<char>(7, 1))) {
          if (tester(set, 3)) {
            wanted.push_back(set);
          }
        }
      }
      const auto out = explain(dag, 3, tester, {.range = 0, .largest = 0, .minimal_only = minimal});
      std::vector<Nodes> got;
      for (const Explanation& explanation : out.found) {
        got.push_back(explanation.nodes);
        EXPECT_EQ(explanation.distance, tree.distance(explanation.nodes));
      }
      EXPECT_EQ(got, wanted);
      found += static_cast<int>(got.size());
      EXPECT_GE(out.tests, static_cast<Index>(got.size()));
    }
  }
  EXPECT_GT(found, 20);
}

TEST(Explain, RefusesATargetThatIsNotThere) {
  const MixedGraph graph(3);
  EXPECT_THROW(explain(graph, 3, [](const Nodes&, Index) { return true; }), Error);
  EXPECT_THROW(explain(graph, -1, [](const Nodes&, Index) { return true; }), Error);
  const ExplanationSettings settings{.range = -1, .largest = 0, .minimal_only = true};
  EXPECT_THROW(explain(
                   graph, 0, [](const Nodes&, Index) { return true; }, settings),
               Error);
}

}  // namespace
}  // namespace volley
