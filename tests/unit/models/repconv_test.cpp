// A folded chain is the chain, without its multiplications.
#include "models/families/repconv.hpp"

#include <gtest/gtest.h>

#include "sim/io/graph_proto.hpp"
#include "tests/support/models.hpp"

namespace volley {
namespace {

constexpr const char* head =
    "format_version: 1 name: 'chain' weights: 'none'\n"
    "input { name: 'x' per_step: true form: DENSE shape { axis: 'Y' size: 4 } shape { axis: 'X' size: 5 } "
    "shape { axis: 'C' size: 3 } }\n";

std::string conv(const std::string& node, const std::string& in, const std::string& attributes = "") {
  return "node { name: '" + node + "' op: 'conv2d' in { from: '" + in +
         "' } weight { slot: 'weight' tensor: '" + node + "' } " + attributes + " }\n";
}

std::string chain(const std::string& padding = "attr { name: 'padding' number: 1 }") {
  return head + conv("a", "x", padding) +
         "node { name: 'n' op: 'batch_norm' in { from: 'a' } weight { slot: 'weight' tensor: 'g' } weight { "
         "slot: 'bias' tensor: 'b' } weight { slot: 'mean' tensor: 'm' } weight { slot: 'variance' tensor: "
         "'v' } }\n" +
         conv("d", "n", "attr { name: 'groups' number: 6 }") + conv("p", "d");
}

Weights weights() {
  Weights made{{"a", test::random_weight({6, 3, 1, 1}, 1)}, {"d", test::random_weight({6, 1, 3, 3}, 2)},
               {"p", test::random_weight({4, 6, 1, 1}, 3)}, {"g", test::random_weight({6}, 4)},
               {"b", test::random_weight({6}, 5)},          {"m", test::random_weight({6}, 6)},
               {"v", {{6}, {0.5f, 1, 2, 1, 0.25f, 3}}}};
  return made;
}

std::optional<FoldedModel> folded(const std::string& text) {
  return fold_repconv({parse_graph_text(text, "test"), weights()});
}

TEST(RepConv, FoldsIntoOneConvolutionWithTheSameNumbersAtTheRimToo) {
  for (const char* padding : {"", "attr { name: 'padding' number: 1 }"}) {
    const std::string text = chain(padding) + "output { name: 'y' from: 'p' }";
    const Model whole = test::model_of(text, weights(), Folding::keep);
    const Model short_one = test::model_of(text, weights());
    EXPECT_EQ(whole.graph.order().size(), 5u);
    EXPECT_EQ(short_one.graph.order().size(), 2u);
    EXPECT_EQ(short_one.notes, std::vector<std::string>{"a to p folded into one convolution"});
    EXPECT_EQ(short_one.parameters, whole.parameters);
    const InputData data(whole.graph, random_arrays(whole.graph, 2, 3, 7), {}, "random");
    const auto wanted = test::run_all(whole, data, {}).values.at(whole.graph.outputs()[0].from);
    const auto got = test::run_all(short_one, data, {}).values.at(short_one.graph.outputs()[0].from);
    ASSERT_EQ(got.shape(), wanted.shape());
    for (std::size_t i = 0; i < wanted.as<float>().size(); ++i) {
      EXPECT_NEAR(got.as<float>()[i], wanted.as<float>()[i], 1e-5f);  // sums of 162 products in another order
    }
  }
}

TEST(RepConv, LeavesChainsAloneThatSomebodyElseReads) {
  EXPECT_TRUE(folded(chain() + "output { name: 'y' from: 'p' }"));
  EXPECT_FALSE(folded(chain() + "output { name: 'y' from: 'p' } output { name: 'd' from: 'd' }"));
  EXPECT_FALSE(folded(chain() + "node { name: 'e' op: 'relu' in { from: 'n' } }\n"
                                "output { name: 'y' from: 'p' } output { name: 'e' from: 'e' }"));
}

TEST(RepConv, LeavesOtherConvolutionsAlone) {
  const std::string end = "output { name: 'y' from: 'p' }";
  EXPECT_FALSE(folded(chain("attr { name: 'stride' number: 2 }") + end));
  EXPECT_FALSE(fold_repconv({{}, {}}));
  std::string text = chain() + end;
  text.replace(text.find("'groups' number: 6"), 18, "'groups' number: 6 } attr { name: 'padding' number: 1");
  EXPECT_FALSE(folded(text));
}

TEST(RepConv, MakesTheAttentionOfSdtV2SpikeDriven) {
  const std::string spec = "sdt-v2:dims=8/16/32/32,heads=4,blocks3=1,blocks4=1,classes=3,image=32";
  const Model kept = load_model(test::runtime(), spec, Folding::keep);
  const Model short_one = load_model(test::runtime(), spec);
  EXPECT_EQ(kept.parameters, short_one.parameters);
  const InputData data(kept.graph, random_arrays(kept.graph, 1, 2, 1), {}, "random");
  const auto mac = [&](const Model& model, const std::string& layer) {
    const test::Result result = test::run_all(model, data, {}, test::Watch::outputs);
    Index total = 0;
    for (const auto& [node, costs] : result.costs) {
      if (model.graph.node_name(node).starts_with(layer)) {
        for (const Cost& cost : costs) {
          total += cost.mac;
        }
      }
    }
    return total;
  };
  EXPECT_GT(mac(kept, "block3.0.attn"), 0);
  EXPECT_EQ(mac(short_one, "block3.0.attn"), 0);
}

}  // namespace
}  // namespace volley
