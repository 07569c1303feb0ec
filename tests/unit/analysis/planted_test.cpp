// Planted models, their spikes, and how graphs are held against each other.
#include "analysis/planted.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "analysis/bootstrap.hpp"
#include "analysis/graph_distance.hpp"
#include "analysis/separation.hpp"
#include "sim/base/check.hpp"
#include "tests/reference/causal_truth.hpp"

namespace volley {
namespace {

// A = I + G A, so every row is its own noise and weighted rows of its parents; G follows by forward solving.
TEST(Planted, EffectsSolveTheLinearModel) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Planted model = plant({.nodes = 9, .degree = 3, .seed = seed});
    const SquareMatrix& a = model.effects;
    // G = (A - I) A^-1 has a weight on each edge and 0 elsewhere: solve g A = a_i - e_i by the causal order.
    for (Index child = 0; child < 9; ++child) {
      std::vector<double> rest(9);
      for (Index j = 0; j < 9; ++j) {
        rest[static_cast<std::size_t>(j)] = a(child, j) - (j == child ? 1 : 0);
      }
      std::vector<char> done(9);
      for (Index count = 0; count < 9; ++count) {
        Index last = -1;  // a node that is not done and is no ancestor of one that is not done
        for (Index v = 0; v < 9; ++v) {
          bool is_last = done[static_cast<std::size_t>(v)] == 0;
          for (Index w = 0; w < 9; ++w) {
            is_last = is_last && !(w != v && done[static_cast<std::size_t>(w)] == 0 &&
                                   reference::is_ancestor(model.dag, v, w));
          }
          last = is_last ? v : last;
        }
        done[static_cast<std::size_t>(last)] = 1;
        const double weight = rest[static_cast<std::size_t>(last)];
        for (Index j = 0; j < 9; ++j) {
          rest[static_cast<std::size_t>(j)] -= weight * a(last, j);
        }
        if (model.dag.directed(last, child)) {
          EXPECT_GE(std::abs(weight), 0.4 - 1e-9);
          EXPECT_LE(std::abs(weight), 0.9 + 1e-9);
        } else {
          EXPECT_NEAR(weight, 0, 1e-12);
        }
      }
    }
  }
}

TEST(Planted, HasTheDegreeAndRefusesWhatCanNotBe) {
  Index edges = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    edges += plant({.nodes = 11, .degree = 3, .seed = seed}).dag.edge_count();
  }
  EXPECT_NEAR(static_cast<double>(edges) / 200, 16.5, 1);
  const Planted positive = plant({.nodes = 11, .degree = 4, .positive = true, .seed = 1});
  for (const double number : positive.effects.numbers) {
    EXPECT_GE(number, 0);
  }
  EXPECT_THROW(plant({.nodes = 1}), Error);
  EXPECT_THROW(plant({.nodes = 5, .degree = 5}), Error);
  EXPECT_THROW(plant({.nodes = 5, .degree = -1}), Error);
  EXPECT_THROW(plant({.nodes = 5, .degree = 1, .least = 0}), Error);
  EXPECT_THROW(plant({.nodes = 5, .degree = 1, .least = 0.5, .greatest = 0.4}), Error);
}

TEST(RateCode, HasTheRatesInTheMean) {
  const SquareMatrix map{2, {1, -0.5, 0, 2}};
  const SquareMatrix counts = rate_coded(map, {.steps = 20000});
  EXPECT_NEAR(counts(0, 0), 0.5, 0.02);
  EXPECT_NEAR(counts(0, 1), -0.25, 0.02);
  EXPECT_EQ(counts(1, 0), 0);
  EXPECT_EQ(counts(1, 1), 1);
  const SquareMatrix raised = rate_coded({2, {1, 0.5, 0, 2}}, {.steps = 20000, .background = 0.5});
  EXPECT_NEAR(raised(1, 0), 1.0 / 3, 0.02);
  EXPECT_EQ(raised(1, 1), 1);
  const SquareMatrix one = rate_coded(map, {.steps = 1});
  for (const double number : one.numbers) {
    EXPECT_TRUE(number == 0 || std::abs(number) == 1);
  }
  EXPECT_THROW(rate_coded(map, {.steps = 0}), Error);
  EXPECT_THROW(rate_coded(map, {.steps = 4, .background = 0.5}), Error);
  EXPECT_THROW(rate_coded(map, {.steps = 4, .background = -1}), Error);
  EXPECT_EQ(rate_coded({1, {0}}, {.steps = 4}).numbers, std::vector<double>{0});
}

TEST(GraphDistance, CountsPairsAndMarks) {
  MixedGraph truth(4);
  truth.add(0, 1, Mark::tail, Mark::head);
  truth.add(1, 2, Mark::tail, Mark::head);
  MixedGraph found(4);
  found.add(0, 1, Mark::tail, Mark::tail);  // a mark
  found.add(2, 3, Mark::tail, Mark::head);  // one too many, and 1 -> 2 is missing
  EXPECT_DOUBLE_EQ(skeleton_f1(found, truth), 0.5);
  EXPECT_EQ(structural_distance(found, truth), 3);
  EXPECT_EQ(structural_distance(truth, truth), 0);
  EXPECT_EQ(skeleton_f1(MixedGraph(3), MixedGraph(3)), 1);
  EXPECT_EQ(skeleton_f1(MixedGraph(4), truth), 0);
}

TEST(Separation, AgreesWithTheReferenceOnDagsAndMags) {
  std::mt19937 random(3);
  for (int i = 0; i < 20; ++i) {
    const MixedGraph dag = reference::random_dag(7, 0.35, random);
    const MixedGraph mag = reference::mag_of(dag, 5);
    for (const MixedGraph* graph : {&dag, &mag}) {
      for (Index x = 0; x < graph->size(); ++x) {
        for (Index y = x + 1; y < graph->size(); ++y) {
          for (Index bits = 0; bits < (Index{1} << graph->size()); ++bits) {
            Nodes given;
            for (Index z = 0; z < graph->size(); ++z) {
              if ((bits >> z & 1) != 0 && z != x && z != y) {
                given.push_back(z);
              }
            }
            ASSERT_EQ(is_separated(*graph, x, y, given), reference::separated(*graph, x, y, given));
          }
        }
      }
    }
  }
}

// The learner joins 0 and 1 when the mean of their place is above a half.
MixedGraph joined_above_half(const SquareMatrix& map) {
  MixedGraph graph(map.size);
  if (map(0, 1) > 0.5) {
    graph.add(0, 1, Mark::tail, map(0, 1) > 0.9 ? Mark::head : Mark::tail);
  }
  return graph;
}

TEST(Bootstrap, SharesAreThoseOfTheDraws) {
  // Two steps, 1 and 0: a draw has the mean 1 (a quarter), 1/2 (a half), 0 (a quarter).
  const std::vector<SquareMatrix> steps{{2, {0, 1, 0, 0}}, {2, {0, 0, 0, 0}}};
  MixedGraph graph(2);
  graph.add(0, 1, Mark::tail, Mark::head);
  const auto shares = edge_shares(steps, graph, 4000, 1, joined_above_half);
  ASSERT_EQ(shares.size(), 1U);
  EXPECT_NEAR(shares[0].joined, 0.25, 0.03);
  EXPECT_EQ(shares[0].same, shares[0].joined);
  // The same steps again: every draw is the whole.
  const std::vector<SquareMatrix> alike(3, SquareMatrix{2, {0, 0.7, 0, 0}});
  const auto all = edge_shares(alike, graph, 10, 1, joined_above_half);
  EXPECT_EQ(all[0].joined, 1);
  EXPECT_EQ(all[0].same, 0);  // tail at both ends, not a head
  EXPECT_THROW(edge_shares(std::span(steps).first(1), graph, 10, 1, joined_above_half), Error);
  EXPECT_THROW(edge_shares(steps, graph, 0, 1, joined_above_half), Error);
}

}  // namespace
}  // namespace volley
