// The builder makes the published architecture, to the last parameter.
#include "models/families/spikformer.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "sim/base/check.hpp"
#include "tests/support/models.hpp"

namespace volley {
namespace {

// Published counts less the LayerNorms that the authors' forward never uses (2 per block, 2 E each).
TEST(Spikformer, HasThePublishedNumberOfParameters) {
  EXPECT_EQ(build_spikformer({}).parameter_count(), 9'330'874 - 6'144);
  SpikformerOptions imagenet{.variant = SpikformerVariant::imagenet,
                             .image = 224,
                             .dim = 384,
                             .heads = 8,
                             .depth = 8,
                             .classes = 1000};
  EXPECT_EQ(build_spikformer(imagenet).parameter_count(), 16'828'312 - 12'288);
}

TEST(Spikformer, ImageNetHas196TokensAnd14Pixels) {
  const SpikformerOptions options{
      .variant = SpikformerVariant::imagenet, .image = 224, .dim = 64, .heads = 4, .depth = 1};
  const Model model = make_model(test::runtime(), build_spikformer(options));
  const auto specs = infer_specs(model.graph, 1, 4);
  EXPECT_EQ(text(specs[*model.graph.find("patch_embed.tokens")][0]), "graded 2 [T=4 B=1 N=196 C=64]");
  EXPECT_EQ(text(specs[*model.graph.find("block.0.attn.add")][0]), "graded 3 [T=4 B=1 N=196 C=64]");
}

TEST(Spikformer, FiresAtPublishedRatesInEveryLayer) {
  const Model model =
      make_model(test::runtime(), build_spikformer({.image = 32, .dim = 96, .heads = 4, .depth = 2}));
  const InputData data(model.graph, random_arrays(model.graph, 2, 4, 1), {}, "random");
  const test::Result result = test::run_all(model, data, {});
  Index neurons = 0;
  for (const NodeId node : model.graph.order()) {
    if (model.graph.op(node).kind() != "neuron.lif") {
      continue;
    }
    const auto specs = infer_specs(model.graph, 2, 4);
    const auto& spikes = result.spikes.at(node);
    const double rate = static_cast<double>(std::accumulate(spikes.begin(), spikes.end(), Index{0})) /
                        static_cast<double>(specs[node][0].shape.count());
    EXPECT_GT(rate, 0.01) << model.graph.node_name(node);
    EXPECT_LT(rate, 0.4) << model.graph.node_name(node);
    ++neurons;
  }
  EXPECT_EQ(neurons, 5 + 2 * 7);
}

TEST(Spikformer, RefusesSizesThatCanNotBe) {
  EXPECT_THROW(build_spikformer({.dim = 100}), Error);
  EXPECT_THROW(build_spikformer({.dim = 64, .heads = 5}), Error);
  EXPECT_THROW(build_spikformer({.image = 30}), Error);
  EXPECT_THROW(build_spikformer({.depth = 0}), Error);
}

TEST(LoadModel, ReadsBuildersWithTheirOptions) {
  const Model model =
      load_model(test::runtime(), "spikformer:dim=32,heads=4,depth=1,image=16,classes=3,seed=5");
  EXPECT_EQ(model.graph.name, "spikformer-1-32");
  EXPECT_EQ(text(infer_specs(model.graph, 2, 4)[*model.graph.find("head")][0]), "f32 [T=1 B=2 C=3]");
  EXPECT_THROW(load_model(test::runtime(), "spikformer:dime=32"), Error);
  EXPECT_THROW(load_model(test::runtime(), "spikformer:dim=many"), Error);
  EXPECT_THROW(load_model(test::runtime(), "spikformer:variant=large"), Error);
}

}  // namespace
}  // namespace volley
