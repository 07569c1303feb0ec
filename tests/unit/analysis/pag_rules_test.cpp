// Each rule alone, on the smallest graph that it changes.
#include <gtest/gtest.h>

#include "analysis/pag_rules.hpp"

namespace volley {
namespace {

constexpr Mark o = Mark::circle;
constexpr Mark h = Mark::head;
constexpr Mark t = Mark::tail;

TEST(PagRules, ZeroPutsHeadsAtAColliderOnly) {
  MixedGraph graph(3);
  graph.add(0, 1, o, o);
  graph.add(1, 2, o, o);
  Separations through;
  through.keep(0, 2, {1});
  EXPECT_FALSE(pag::rule0(graph, through));
  Separations around;
  around.keep(0, 2, {});
  EXPECT_TRUE(pag::rule0(graph, around));
  EXPECT_EQ(graph.at(0, 1), h);
  EXPECT_EQ(graph.at(2, 1), h);
  EXPECT_EQ(graph.at(1, 0), o);
}

TEST(PagRules, OneOrientsAwayFromAHead) {
  MixedGraph graph(3);
  graph.add(0, 1, o, h);
  graph.add(1, 2, o, o);
  EXPECT_TRUE(pag::rule1(graph));
  EXPECT_TRUE(graph.directed(1, 2));
  EXPECT_FALSE(pag::rule1(graph));
}

TEST(PagRules, TwoFollowsADirectedPath) {
  MixedGraph graph(3);
  graph.add(0, 1, t, h);
  graph.add(1, 2, o, h);
  graph.add(0, 2, o, o);
  EXPECT_TRUE(pag::rule2(graph));
  EXPECT_EQ(graph.at(0, 2), h);
  EXPECT_EQ(graph.at(2, 0), o);
}

TEST(PagRules, ThreeOrientsIntoACollider) {
  MixedGraph graph(4);  // 0 *-> 1 <-* 2, 0 o-o 3 o-o 2, 3 o-o 1
  graph.add(0, 1, o, h);
  graph.add(2, 1, o, h);
  graph.add(0, 3, o, o);
  graph.add(2, 3, o, o);
  graph.add(3, 1, o, o);
  EXPECT_TRUE(pag::rule3(graph));
  EXPECT_EQ(graph.at(3, 1), h);
}

MixedGraph discriminating() {  // 0 *-> 1 <-> 2 o-* 3, 1 -> 3: the path <0, 1, 2, 3> for 2
  MixedGraph graph(4);
  graph.add(0, 1, o, h);
  graph.add(1, 2, h, o);
  graph.add(1, 3, t, h);
  graph.add(2, 3, o, h);
  return graph;
}

TEST(PagRules, FourDecidesByTheSeparatingSet) {
  MixedGraph graph = discriminating();
  Separations with;
  with.keep(0, 3, {1, 2});
  EXPECT_TRUE(pag::rule4(graph, with));
  EXPECT_TRUE(graph.directed(2, 3));
  graph = discriminating();
  Separations without;
  without.keep(0, 3, {1});
  EXPECT_TRUE(pag::rule4(graph, without));
  EXPECT_EQ(edge_text(graph.at(3, 2), graph.at(2, 3)), "<->");
  EXPECT_EQ(edge_text(graph.at(2, 1), graph.at(1, 2)), "<->");
}

TEST(PagRules, FiveMakesAChordlessRingUndirected) {
  MixedGraph graph(4);
  for (Index i = 0; i < 4; ++i) {
    graph.add(i, (i + 1) % 4, o, o);
  }
  MixedGraph with_chord = graph;
  EXPECT_TRUE(pag::rule5(graph));
  for (Index i = 0; i < 4; ++i) {
    EXPECT_TRUE(graph.undirected(i, (i + 1) % 4));
  }
  with_chord.add(0, 2, o, o);
  EXPECT_FALSE(pag::rule5(with_chord));
}

TEST(PagRules, SixAndSevenPutTails) {
  MixedGraph graph(3);
  graph.add(0, 1, t, t);
  graph.add(1, 2, o, o);
  EXPECT_TRUE(pag::rule6(graph));
  EXPECT_EQ(graph.at(2, 1), t);
  MixedGraph other(3);
  other.add(0, 1, t, o);
  other.add(1, 2, o, o);
  EXPECT_TRUE(pag::rule7(other));
  EXPECT_EQ(other.at(2, 1), t);
  other.add(0, 2, o, o);
  other.set(2, 1, o);
  EXPECT_FALSE(pag::rule7(other));
}

TEST(PagRules, EightPutsATailOnAShortCut) {
  for (const Mark middle : {h, o}) {
    MixedGraph graph(3);
    graph.add(0, 1, t, middle);
    graph.add(1, 2, t, h);
    graph.add(0, 2, o, h);
    EXPECT_TRUE(pag::rule8(graph));
    EXPECT_TRUE(graph.directed(0, 2));
  }
}

TEST(PagRules, NineFollowsAnUncoveredPath) {
  MixedGraph graph(4);  // 0 o-> 3 and 0 o-o 1 o-o 2 o-> 3
  graph.add(0, 3, o, h);
  graph.add(0, 1, o, o);
  graph.add(1, 2, o, o);
  graph.add(2, 3, o, h);
  MixedGraph blocked = graph;
  EXPECT_TRUE(pag::rule9(graph));
  EXPECT_TRUE(graph.directed(0, 3));
  blocked.set(2, 1, h);  // no longer potentially directed
  pag::rule9(blocked);
  EXPECT_EQ(blocked.at(3, 0), o);
}

TEST(PagRules, TenWantsEveryStepPotentiallyDirected) {
  MixedGraph graph(6);  // 0 o-> 5, 3 -> 5 <- 4, 0 o-o 1 o-o 3, 0 o-o 2 o-o 4
  graph.add(0, 5, o, h);
  graph.add(3, 5, t, h);
  graph.add(4, 5, t, h);
  graph.add(0, 1, o, o);
  graph.add(1, 3, o, o);
  graph.add(0, 2, o, o);
  graph.add(2, 4, o, o);
  MixedGraph blocked = graph;
  EXPECT_TRUE(pag::rule10(graph));
  EXPECT_TRUE(graph.directed(0, 5));
  blocked.set(3, 1, h);  // 1 <-o 3: only the first step 0 o-o 1 may be directed
  EXPECT_FALSE(pag::rule10(blocked));
}

}  // namespace
}  // namespace volley
