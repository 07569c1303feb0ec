// PC and ICD against equivalence classes worked out from their definitions.
#include <gtest/gtest.h>

#include <chrono>

#include "analysis/icd.hpp"
#include "analysis/pc.hpp"
#include "analysis/uncovered_path.hpp"
#include "tests/reference/causal_truth.hpp"

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

// (I - G)^-1 with a weight for each edge: row i sums the rows of its parents and its own noise.
SquareMatrix total_effects(const MixedGraph& dag, const std::function<double()>& weight) {
  const Index n = dag.size();
  SquareMatrix a{n, std::vector<double>(static_cast<std::size_t>(n * n))};
  std::vector<char> done(static_cast<std::size_t>(n));
  const std::function<void(Index)> work = [&](Index child) {
    if (done[child] != 0) {
      return;
    }
    done[child] = 1;
    a(child, child) = 1;
    for (Index parent = 0; parent < n; ++parent) {
      if (dag.directed(parent, child)) {
        work(parent);
        const double g = weight();
        for (Index j = 0; j < n; ++j) {
          a(child, j) += g * a(parent, j);
        }
      }
    }
  };
  for (Index child = 0; child < n; ++child) {
    work(child);
  }
  return a;
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

// Larger ones: the class is too large to list, so the edges and every head and tail against the true MAG.
TEST(Icd, IsSoundOnLargerGraphs) {
  std::mt19937 random(3);
  for (Index observed = 7; observed <= 12; ++observed) {
    for (int i = 0; i < 10; ++i) {
      const Index hidden = i % 5;
      const MixedGraph dag =
          reference::random_dag(observed + hidden, 2.6 / static_cast<double>(observed + hidden), random);
      const MixedGraph mag = reference::mag_of(dag, observed);
      const MixedGraph found = learn_icd(observed, oracle(dag));
      for (Index a = 0; a < observed; ++a) {
        for (Index b = 0; b < observed; ++b) {
          ASSERT_EQ(found.adjacent(a, b), mag.adjacent(a, b)) << shown(mag) << " | " << shown(found);
          if (found.at(a, b) != Mark::none && found.at(a, b) != Mark::circle) {
            ASSERT_EQ(found.at(a, b), mag.at(a, b)) << shown(mag) << " | " << shown(found);
          }
        }
      }
      ASSERT_TRUE(reference::same_colliders(mag, found)) << shown(mag) << " | " << shown(found);
    }
  }
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

// Planted A = (I - G)^-1, exact covariance: so many samples that only rounding counts as independence.
TEST(Learners, RecoverPlantedLinearModelsFromExactCovariance) {
  std::mt19937 random(8);
  std::uniform_real_distribution<double> weight(0.4, 0.9);
  for (const Index nodes : {5, 8, 12, 20}) {
    for (int i = 0; i < 5; ++i) {
      const MixedGraph dag = reference::random_dag(nodes, 2.0 / static_cast<double>(nodes), random);
      SquareMatrix a = total_effects(dag, [&] { return weight(random) * (random() % 2 == 0 ? 1 : -1); });
      const auto token = token_correlation(a, {});
      FisherTest test(token.rho, {.samples = 100000000000000, .alpha = 1e-4});
      const IndependenceTest ask = [&](Index x, Index y, const Nodes& given) { return test(x, y, given); };
      EXPECT_EQ(shown(learn_pc(nodes, ask)), shown(learn_pc(nodes, oracle(dag))));
      // Some of the first nodes are seen, the others are hidden causes.
      const Index observed = nodes - nodes / 5;
      Nodes seen;
      for (Index node = 0; node < observed; ++node) {
        seen.push_back(node);
      }
      FisherTest part(token_correlation(a, seen).rho, {.samples = 100000000000000, .alpha = 1e-4});
      const IndependenceTest ask_part = [&](Index x, Index y, const Nodes& z) { return part(x, y, z); };
      EXPECT_EQ(shown(learn_icd(observed, ask_part)), shown(learn_icd(observed, oracle(dag))));
    }
  }
}

}  // namespace
}  // namespace volley
