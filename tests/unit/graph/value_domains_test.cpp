// What is proven of numbers is true, and as narrow as the graph allows.
#include "sim/graph/value_domains.hpp"

#include <gtest/gtest.h>

#include "models/number_rules.hpp"
#include "models/runtime.hpp"
#include "sim/io/graph_proto.hpp"

namespace volley {
namespace {

TEST(NumberSet, KnowsItsKindAndSaysIt) {
  EXPECT_EQ(text(NumberSet{1, 0, 1}), "binary");
  EXPECT_EQ(text(NumberSet{1, -1, 1}), "ternary");
  EXPECT_EQ(text(NumberSet{1, -1, 0}), "ternary");
  EXPECT_EQ(text(NumberSet{1, 0, 2}), "integer 0..2");
  EXPECT_EQ(text(NumberSet{1}), "integer");
  EXPECT_EQ(text(NumberSet{0.125, 0, 2}), "multiples of 0.125 in 0..2");
  EXPECT_EQ(text(NumberSet{}), "real numbers");
  EXPECT_EQ(text(NumberSet{0, -1.5, 2}), "real numbers in -1.5..2");
}

TEST(NumberSet, HoldsWhatLiesOnItsGrid) {
  const NumberSet set{0.25, -1, 1};
  EXPECT_TRUE(set.holds(-0.75));
  EXPECT_FALSE(set.holds(0.3));
  EXPECT_FALSE(set.holds(1.25));
  EXPECT_TRUE(NumberSet{}.holds(0.3));
}

TEST(NumberSet, SumsProductsAndScales) {
  const NumberSet binary{1, 0, 1};
  const NumberSet ternary{1, -1, 1};
  EXPECT_EQ(sum(binary, binary), (NumberSet{1, 0, 2}));
  EXPECT_EQ(sum(binary, (NumberSet{0.25, 0, 3})), (NumberSet{0.25, 0, 4}));
  EXPECT_EQ(sum((NumberSet{0.3, 0, 3}), (NumberSet{0.25, 0, 1})).step, 0);  // no common grid
  EXPECT_EQ(sum(binary, NumberSet{}).kind(), NumberKind::real);
  EXPECT_EQ(product(ternary, (NumberSet{1, 0, 3})), (NumberSet{1, -3, 3}));
  EXPECT_EQ(product(binary, NumberSet{}), NumberSet{});  // 0 times anything is 0, 1 times it is itself
  EXPECT_EQ(scaled((NumberSet{1, -1, 4}), -0.5), (NumberSet{0.5, -2, 0.5}));
  EXPECT_EQ(repeated_sum(ternary, 5), (NumberSet{1, -5, 5}));
  EXPECT_EQ(with_zero({1, 2, 3}), (NumberSet{1, 0, 3}));
}

// The proven text of node `y`, for T = 3; x is binary [C=4], p is a dense number, g is graded 3.
std::string proven(const std::string& nodes, std::size_t output = 0) {
  const Runtime runtime = make_runtime();
  const std::string inputs =
      "input { name: 'x' per_step: true form: BINARY shape { axis: 'N' size: 2 } shape { axis: 'C' size: 4 } "
      "}"
      "input { name: 'g' per_step: true form: GRADED levels: 3 shape { axis: 'N' size: 2 } shape { axis: 'C' "
      "size: 4 } }"
      "input { name: 'b' per_step: true form: BIPOLAR shape { axis: 'N' size: 2 } shape { axis: 'C' size: 4 "
      "} }"
      "input { name: 'p' per_step: true form: DENSE shape { axis: 'N' size: 2 } shape { axis: 'C' size: 4 } "
      "}";
  Graph graph = build_graph(parse_graph_text("format_version: 1 name: 't' weights: 'w.safetensors' " +
                                                 inputs + nodes + " output { name: 'y' from: 'y' }",
                                             "t"),
                            {{"w", {{2, 4}, {1, -2, 0.5f, 0, 1, 1, 1, 1}}}}, runtime.registry);
  insert_conversions(graph, runtime.registry);
  return text(infer_numbers(graph, number_rules(), 3)[*graph.find("y")].at(output));
}

TEST(InferNumbers, FollowsTheOperators) {
  EXPECT_EQ(proven("node { name: 'y' op: 'merge.add' in { from: 'x' } in { from: 'x' } }"), "integer 0..2");
  EXPECT_EQ(proven("node { name: 'y' op: 'merge.add' in { from: 'x' } in { from: 'b' } }"), "integer -1..2");
  EXPECT_EQ(proven("node { name: 'y' op: 'merge.add' in { from: 'x' } in { from: 'p' } }"), "real numbers");
  EXPECT_EQ(proven("node { name: 'y' op: 'merge.multiply' in { from: 'x' } in { from: 'x' } }"), "binary");
  EXPECT_EQ(proven("node { name: 'y' op: 'merge.multiply' in { from: 'g' } in { from: 'b' } }"),
            "integer -3..3");
  EXPECT_EQ(proven("node { name: 'y' op: 'relu' in { from: 'b' } }"), "binary");
  EXPECT_EQ(proven("node { name: 'y' op: 'readout.sum' in { from: 'x' } attr { name: 'axes' text: 'T N' } }"),
            "integer 0..6");
  EXPECT_EQ(proven("node { name: 'y' op: 'readout.mean' in { from: 'x' } attr { name: 'axes' text: 'N' } }"),
            "multiples of 0.5 in 0..1");
  EXPECT_EQ(proven("node { name: 'y' op: 'readout.mean' in { from: 'p' } attr { name: 'axes' text: 'T' } }"),
            "real numbers");
  EXPECT_EQ(proven("node { name: 'y' op: 'neuron.lif' in { from: 'p' } }"), "binary");
  EXPECT_EQ(proven("node { name: 'y' op: 'neuron.lif' in { from: 'p' } }", 1), "real numbers");
  EXPECT_EQ(
      proven("node { name: 'y' op: 'neuron.graded' in { from: 'p' } attr { name: 'levels' number: 4 } }"),
      "integer 0..4");
}

TEST(InferNumbers, OfAttentionFromWidthAndTokens) {
  const std::string ssa =
      "node { name: 'y' op: 'attention.ssa' in { from: 'x' } in { from: 'g' } in { from: 'b' } "
      "attr { name: 'heads' number: 2 } attr { name: 'scale' number: 0.25 } }";
  EXPECT_EQ(proven(ssa, 1), "integer 0..6");             // 2 channels of a head, each at most 3
  EXPECT_EQ(proven(ssa), "multiples of 0.25 in -3..3");  // 2 keys, 6 each, a quarter
}

TEST(InferNumbers, OfALinearFromItsWeights) {
  const std::string text =
      proven("node { name: 'y' op: 'linear' in { from: 'x' } weight { slot: 'weight' tensor: 'w' } }");
  EXPECT_EQ(text, "real numbers in -2..4");  // rows 1 -2 0.5 0 and 1 1 1 1
  EXPECT_EQ(proven("node { name: 'y' op: 'linear' in { from: 'p' } weight { slot: 'weight' tensor: 'w' } }"),
            "real numbers");
}

TEST(InferNumbers, ADelayBringsZeroAndALoopItsDeclaredType) {
  EXPECT_EQ(
      proven(
          "node { name: 's' op: 'merge.add' in { from: 'x' } in { from: 'y' delay: 1 form: GRADED levels: 2 "
          "shape { axis: 'N' size: 2 } shape { axis: 'C' size: 4 } } }"
          "node { name: 'y' op: 'neuron.graded' in { from: 's' } attr { name: 'levels' number: 2 } }"),
      "integer 0..2");
}

}  // namespace
}  // namespace volley
