// A graph is built, ordered and checked, and every mistake in it is named.
#include "sim/graph/graph.hpp"

#include <gtest/gtest.h>

#include "models/runtime.hpp"
#include "sim/base/check.hpp"
#include "sim/io/graph_proto.hpp"

namespace volley {
namespace {

const Runtime& runtime() {
  static const Runtime instance = make_runtime();
  return instance;
}

Weights weights() {
  return {{"w", {{2, 3}, {1, 2, 3, 4, 5, 6}}}, {"b", {{2}, {0.5f, -0.5f}}}};
}

const char* const input_x = "input { name: 'x' per_step: true shape { axis: 'C' size: 3 } }\n";

Graph built(const std::string& nodes, const std::string& outputs = "output { name: 'y' from: 'y' }") {
  return build_graph(parse_graph_text("format_version: 1 name: 'test' weights: 'w.safetensors'\n" +
                                          std::string(input_x) + nodes + outputs,
                                      "test"),
                     weights(), runtime().registry);
}

// The text of the Error that building, then inferring for T = 2 and B = 1, throws.
std::string mistake(const std::string& nodes, const std::string& outputs = "output { name: 'y' from: 'y' }") {
  try {
    Graph graph = built(nodes, outputs);
    insert_conversions(graph, runtime().registry);
    (void)infer_domains(graph);
    (void)infer_specs(graph, 1, 2);
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::model);
    return error.what();
  }
  return "none";
}

const std::string linear =
    "node { name: 'l' op: 'linear' in { from: 'x' } weight { slot: 'weight' tensor: 'w' } "
    "weight { slot: 'bias' tensor: 'b' } }\n";
const std::string lif = "node { name: 'y' op: 'neuron.lif' in { from: 'l' } }\n";

TEST(Graph, StandsInOrderWithNamesAndPorts) {
  const Graph graph = built(lif + linear);  // written the other way round
  std::vector<std::string> names;
  for (const NodeId node : graph.order()) {
    names.push_back(graph.node_name(node));
  }
  EXPECT_EQ(names, (std::vector<std::string>{"x", "l", "y"}));
  EXPECT_EQ(graph.port_name(graph.port("y:v", "test")), "y:v");
  EXPECT_EQ(graph.port_name(graph.port("y", "test")), "y");
  const auto specs = infer_specs(graph, 5, 2);
  EXPECT_EQ(text(specs[*graph.find("y")][0]), "binary [T=2 B=5 C=2]");
}

TEST(Graph, EveryMistakeIsNamed) {
  EXPECT_EQ(mistake(linear + lif), "none");
  EXPECT_EQ(mistake("node { name: 'y' op: 'neuron.lef' in { from: 'x' } }"),
            "node 'y': unknown op 'neuron.lef', did you mean 'neuron.lif'?");
  EXPECT_EQ(mistake("node { name: 'y' op: 'neuron.lif' in { from: 'z' } }"),
            "neuron.lif 'y': no node or input is named 'z'");
  EXPECT_EQ(mistake("node { name: 'y' op: 'neuron.lif' in { from: 'x' } attr { name: 'thau' number: 2 } }")
                .substr(0, 44),
            "neuron.lif 'y': unknown attribute 'thau', wa");
  EXPECT_EQ(mistake("node { name: 'y' op: 'neuron.lif' in { from: 'x' } in { from: 'x' } }"),
            "neuron.lif 'y': has 2 inputs, wanted 1");
  EXPECT_EQ(mistake("node { name: 'y' op: 'linear' in { from: 'x' } }"),
            "linear 'y': weight 'weight' is missing");
  EXPECT_EQ(
      mistake("node { name: 'y' op: 'linear' in { from: 'x' } weight { slot: 'weight' tensor: 'ww' } }"),
      "linear 'y': weight 'weight' is missing: the weights file has no 'ww'");
  EXPECT_EQ(mistake("node { name: 'y' op: 'linear' in { from: 'x' } weight { slot: 'wait' tensor: 'w' } }"),
            "linear 'y': unknown weight 'wait'");
  EXPECT_EQ(mistake(linear + lif + lif), "two nodes or inputs are named 'y'");
  EXPECT_EQ(mistake("node { name: 'a:b' op: 'neuron.lif' in { from: 'x' } }"),
            "'a:b' is not a name, wanted one without spaces and colons");
  EXPECT_EQ(mistake(linear + lif, ""), "the graph 'test' has no output");
  EXPECT_EQ(mistake(linear + lif, "output { name: 'y' from: 'q' }"),
            "output 'y': no node or input is named 'q'");
  EXPECT_EQ(mistake(linear + lif, "output { name: 'y' from: 'y:u' }"),
            "output 'y': 'y' has no output 'u', wanted one of: out, v");
  EXPECT_EQ(mistake(linear + lif, "output { name: 'y' from: 'y' } output { name: 'y' from: 'y:v' }"),
            "the output 'y' is there twice or has no name");
  EXPECT_NE(mistake(linear +
                    "node { name: 'y' op: 'linear' in { from: 'l' } weight { slot: 'weight' tensor: 'w' } }")
                .find("linear 'y': C of"),
            std::string::npos);
  EXPECT_NE(
      mistake(linear + "node { name: 'y' op: 'encode.direct' in { from: 'l' } }").find("has steps already"),
      std::string::npos);
}

TEST(Graph, ACycleNeedsADelayAndATypeOnIt) {
  const std::string loop_without =
      "node { name: 'y' op: 'merge.add' in { from: 'x' } in { from: 'z' } }"
      "node { name: 'z' op: 'gelu' in { from: 'y' } }";
  const std::string text = mistake(loop_without);
  EXPECT_NE(text.find("'y', 'z'"), std::string::npos) << text;
  EXPECT_NE(text.find("cycle without delay"), std::string::npos) << text;
  const std::string untyped =
      "node { name: 'y' op: 'merge.add' in { from: 'x' } in { from: 'z' delay: 1 } }"
      "node { name: 'z' op: 'gelu' in { from: 'y' } }";
  EXPECT_EQ(mistake(untyped),
            "merge.add 'y': the edge from 'z' closes a loop, so it must say its shape and form");
  const auto typed = [](const char* size) {
    return "node { name: 'y' op: 'merge.add' in { from: 'x' } in { from: 'z' delay: 1 shape { axis: 'C' "
           "size: " +
           std::string(size) + " } } } node { name: 'z' op: 'gelu' in { from: 'y' } }";
  };
  EXPECT_EQ(mistake(typed("3")), "none");
  EXPECT_NE(mistake(typed("4")), "none");
  EXPECT_FALSE(built(typed("3")).loop().empty());
  EXPECT_TRUE(built(linear + lif).loop().empty());
}

// The loop through y and z leaves the edge from s to g what it is: known before it is read.
TEST(Graph, ADelayBesideALoopNeedsNoType) {
  const std::string nodes =
      "node { name: 'g' op: 'gelu' in { from: 's' delay: 1 } }"
      "node { name: 's' op: 'neuron.lif' in { from: 'x' } }"
      "node { name: 'y' op: 'merge.add' in { from: 'g' } in { from: 'z' delay: 1 shape { axis: 'C' size: 3 } "
      "} }"
      "node { name: 'z' op: 'gelu' in { from: 'y' } }";
  EXPECT_EQ(mistake(nodes), "none");
}

TEST(Passes, PutAConversionWhereAnOpWantsDenseNumbers) {
  Graph graph = built(linear + lif + "node { name: 'z' op: 'gelu' in { from: 'y' } }",
                      "output { name: 'z' from: 'z' }");
  insert_conversions(graph, runtime().registry);
  const InEdge edge = graph.in_edges(*graph.find("z"))[0];
  EXPECT_EQ(graph.op(edge.from.node).kind(), "convert.dense");
  EXPECT_EQ(graph.node_name(graph.in_edges(edge.from.node)[0].from.node), "y");
}

TEST(Passes, ANodeMayNotMixValuesWithAndWithoutSteps) {
  const std::string text = mistake(
      "node { name: 'm' op: 'readout.mean' in { from: 'x' } attr { name: 'axes' text: 'T' } }"
      "node { name: 'y' op: 'merge.add' in { from: 'x' } in { from: 'm' } }");
  EXPECT_NE(text.find("some inputs have steps and some have not"), std::string::npos) << text;
}

TEST(Passes, FoldOnlyWhatNobodyElseReads) {
  const Weights all{{"w", {{2, 3}, {1, 2, 3, 4, 5, 6}}}, {"s", {{2}, {2, 4}}}, {"t", {{2}, {1, 1}}}};
  const std::string nodes =
      "node { name: 'l' op: 'linear' in { from: 'x' } weight { slot: 'weight' tensor: 'w' } }"
      "node { name: 'a' op: 'affine' in { from: 'l' } weight { slot: 'scale' tensor: 's' } "
      "weight { slot: 'shift' tensor: 't' } }";
  const auto folded = [&](const std::string& outputs) {
    Graph graph = build_graph(parse_graph_text("format_version: 1 name: 't' weights: 'w.safetensors'" +
                                                   std::string(input_x) + nodes + outputs,
                                               "t"),
                              all, runtime().registry);
    return fold_affines(graph).size();
  };
  EXPECT_EQ(folded("output { name: 'y' from: 'a' }"), 1u);
  EXPECT_EQ(folded("output { name: 'y' from: 'a' } output { name: 'z' from: 'l' }"), 0u);
}

TEST(Graph, DotNamesEveryNodeAndDelay) {
  const std::string dot =
      built("node { name: 'y' op: 'merge.add' in { from: 'x' } in { from: 'x' delay: 2 } }").dot();
  EXPECT_NE(dot.find("digraph"), std::string::npos);
  EXPECT_NE(dot.find("merge.add"), std::string::npos);
  EXPECT_NE(dot.find("delay 2"), std::string::npos);
}

}  // namespace
}  // namespace volley
