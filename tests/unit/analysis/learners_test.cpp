// PC and ICD against equivalence classes worked out from their definitions.
#include <gtest/gtest.h>

#include <chrono>

#include "analysis/icd.hpp"
#include "analysis/pc.hpp"
#include "analysis/planted.hpp"
#include "analysis/uncovered_path.hpp"
#include "tests/reference/equivalence_class.hpp"

namespace volley {
namespace {

IndependenceTest oracle(const MixedGraph& graph) {
  return [&graph](Index x, Index y, const Nodes& given) { return reference::separated(graph, x, y, given); };
}

std::string shown(const MixedGraph& graph) {
  std::string out;
  for (Index a = 0; a < graph.size(); ++a) {
    for (Index b = a + 1; b < graph.size(); ++b) {
      if (graph.adjacent(a, b)) {
        out += std::to_string(a) + edge_text(graph.at(b, a), graph.at(a, b)) + std::to_string(b) + " ";
      }
    }
  }
  return out;
}

TEST(Pc, FindsTheClassOfRandomDags) {
  std::mt19937 random(1);
  int graphs = 0;
  for (Index nodes = 5; nodes <= 12; ++nodes) {
    for (int i = 0; i < 12; ++i) {
      const MixedGraph dag = reference::random_dag(nodes, 2.2 / static_cast<double>(nodes), random);
      if (dag.edge_count() > 13) {  // the truth marks every edge in both ways
        continue;
      }
      const MixedGraph truth = reference::class_of(dag, false, Mark::tail);
      EXPECT_EQ(shown(learn_pc(nodes, oracle(dag))), shown(truth));
      EXPECT_EQ(shown(learn_pc(nodes, oracle(dag), PcOrder::published)), shown(truth));
      ++graphs;
    }
  }
  EXPECT_GT(graphs, 60);
}

// Every mark: what all Markov equivalent MAGs agree on, and a circle where two of them differ.
TEST(Icd, FindsThePagMarkByMarkWithHiddenCauses) {
  std::mt19937 random(2);
  int graphs = 0;
  int with_bidirected = 0;
  for (const Index observed : {5, 6}) {
    for (int i = 0; i < 40; ++i) {
      const Index hidden = i % 4;
      const MixedGraph dag = reference::random_dag(observed + hidden, 0.32, random);
      const MixedGraph mag = reference::mag_of(dag, observed);
      if (mag.edge_count() > 8) {
        continue;
      }
      const MixedGraph truth = reference::class_of(mag, true, Mark::circle);
      const IcdSettings without{.selection = false, .largest_set = -1, .progress = {}};
      EXPECT_EQ(shown(learn_icd(observed, oracle(dag))), shown(truth)) << "MAG " << shown(mag);
      EXPECT_EQ(shown(learn_icd(observed, oracle(dag), without)), shown(truth)) << "MAG " << shown(mag);
      with_bidirected += mag == reference::class_of(mag, false, Mark::circle) ? 0 : 1;
      ++graphs;
    }
  }
  EXPECT_GT(graphs, 40);
  EXPECT_GT(with_bidirected, 10);
}

// The two ways to a class that serve large graphs, against the class listed from its definition.
TEST(Truth, OfLargeGraphsIsThatOfTheListedClass) {
  std::mt19937 random(11);
  int circles = 0;
  for (int i = 0; i < 60; ++i) {
    const MixedGraph dag = reference::random_dag(4 + i % 5, 0.4, random);
    if (dag.edge_count() <= 13) {
      EXPECT_EQ(shown(reference::cpdag_of(dag)), shown(reference::class_of(dag, false, Mark::tail)));
    }
    const Index observed = 4 + i % 3;
    const MixedGraph mag = reference::mag_of(reference::random_dag(observed + 2, 0.35, random), observed);
    if (mag.edge_count() <= 8) {
      const auto walk = reference::walk_class(mag, 3000, random);
      const MixedGraph listed = reference::class_of(mag, true, Mark::circle);
      EXPECT_EQ(shown(walk.common), shown(listed)) << shown(mag);
      circles += walk.members > 1 ? 1 : 0;
    }
  }
  EXPECT_GT(circles, 20);
}

// Full equality up to 20 nodes: edges, heads and tails, and every circle.
TEST(Pc, FindsTheClassOfLargerDags) {
  std::mt19937 random(12);
  for (const Index nodes : {8, 12, 16, 20}) {
    for (int i = 0; i < 15; ++i) {
      const MixedGraph dag = reference::random_dag(nodes, 2.4 / static_cast<double>(nodes - 1), random);
      EXPECT_EQ(shown(learn_pc(nodes, oracle(dag))), shown(reference::cpdag_of(dag)));
    }
  }
}

TEST(Icd, FindsThePagOfLargerGraphs) {
  std::mt19937 random(3);
  Index hidden_causes = 0;
  Index members = 0;
  for (const Index observed : {7, 8, 10, 12, 16, 20}) {
    for (int i = 0; i < 8; ++i) {
      const Index all = observed + (i % 4) * observed / 8;
      const MixedGraph dag = reference::random_dag(all, 2.4 / static_cast<double>(all - 1), random);
      const MixedGraph mag = reference::mag_of(dag, observed);
      const auto walk = reference::walk_class(mag, 20000, random);
      const MixedGraph found = learn_icd(observed, oracle(dag));
      EXPECT_EQ(shown(found), shown(walk.common)) << "MAG " << shown(mag);
      ASSERT_TRUE(reference::same_colliders(mag, found)) << shown(mag) << " | " << shown(found);
      members += walk.members;
      for (Index a = 0; a < observed; ++a) {
        for (const Index b : found.neighbours(a)) {
          hidden_causes += a < b && edge_text(found.at(b, a), found.at(a, b)) == "<->" ? 1 : 0;
        }
      }
    }
  }
  EXPECT_GT(hidden_causes, 10);
  EXPECT_GT(members, 1000);
}

TEST(Icd, TakesUnderHalfAMinuteForFiftyNodesOfDegreeThree) {
  std::mt19937 random(4);
  const MixedGraph dag = reference::random_dag(50, 3.0 / 49, random);
  const auto start = std::chrono::steady_clock::now();
  const MixedGraph found = learn_icd(50, oracle(dag));
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  RecordProperty("seconds", std::to_string(seconds));
  EXPECT_EQ(found.edge_count(), dag.edge_count());
  EXPECT_LT(seconds, 30);
}

// Nothing is ever independent: only the limit ends the search in time.
TEST(Learners, StopAtTheLargestSet) {
  Nodes::size_type largest = 0;
  const IndependenceTest never = [&](Index, Index, const Nodes& given) {
    largest = std::max(largest, given.size());
    return false;
  };
  const MixedGraph pag = learn_icd(40, never, {.selection = true, .largest_set = 2, .progress = {}});
  EXPECT_EQ(pag, complete_graph(40, Mark::circle));
  EXPECT_EQ(largest, 2U);
  largest = 0;
  EXPECT_EQ(learn_pc(40, never, PcOrder::stable, 1), complete_graph(40, Mark::tail));
  EXPECT_EQ(largest, 1U);
}

// Planted A = (I - G)^-1, exact covariance: so many samples that only rounding counts as independence. The
// first nodes are seen; the others are hidden causes.
TEST(Learners, RecoverPlantedLinearModelsFromExactCovariance) {
  constexpr FisherSettings exact{.samples = 100000000000000, .alpha = 1e-4};
  std::mt19937 random(8);
  std::uint64_t seed = 0;
  for (const Index nodes : {5, 8, 12, 16, 20}) {
    for (int i = 0; i < 6; ++i) {
      const Planted model = plant({.nodes = nodes, .degree = 2, .seed = ++seed});
      FisherTest test(token_correlation(model.effects, {}).rho, exact);
      const IndependenceTest ask = [&](Index x, Index y, const Nodes& given) { return test(x, y, given); };
      EXPECT_EQ(shown(learn_pc(nodes, ask)), shown(reference::cpdag_of(model.dag)));
      const Planted larger = plant({.nodes = nodes + nodes / 5, .degree = 2, .seed = ++seed});
      Nodes seen;
      for (Index node = 0; node < nodes; ++node) {
        seen.push_back(node);
      }
      FisherTest part(token_correlation(larger.effects, seen).rho, exact);
      const IndependenceTest ask_part = [&](Index x, Index y, const Nodes& z) { return part(x, y, z); };
      const auto walk = reference::walk_class(reference::mag_of(larger.dag, nodes), 20000, random);
      EXPECT_EQ(shown(learn_icd(nodes, ask_part)), shown(walk.common));
    }
  }
}

TEST(Learners, TakeUnderASecondForTwentyNodes) {
  double slowest = 0;
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const Planted model = plant({.nodes = 20, .degree = 3, .seed = seed});
    FisherTest test(token_correlation(model.effects, {}).rho, {.samples = 1000, .alpha = 0.01});
    const IndependenceTest ask = [&](Index x, Index y, const Nodes& given) { return test(x, y, given); };
    const auto start = std::chrono::steady_clock::now();
    learn_icd(20, ask);
    slowest =
        std::max(slowest, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  RecordProperty("seconds", std::to_string(slowest));
  EXPECT_LT(slowest, 1);
}

}  // namespace
}  // namespace volley
