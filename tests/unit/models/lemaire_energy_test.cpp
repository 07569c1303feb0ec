// Traffic and layers of Lemaire from a run of a real graph.
#include "models/lemaire_layers.hpp"

#include <gtest/gtest.h>

#include "sim/base/check.hpp"
#include "sim/measure/traffic.hpp"
#include "tests/support/models.hpp"

namespace volley {
namespace {

const std::string head =
    "format_version: 1 name: 'test' weights: 'w.safetensors'\n"
    "input { name: 'x' shape { axis: 'Y' size: 5 } shape { axis: 'X' size: 5 } shape { axis: 'C' size: 2 } "
    "}\n"
    "node { name: 'e' op: 'encode.poisson' in { from: 'x' } }\n";

std::string conv(const std::string& more) {
  return "node { name: 'conv' op: 'conv2d' in { from: 'e' } " + more +
         "attr { name: 'stride' number: 2 } attr { name: 'padding' number: 1 } "
         "weight { slot: 'weight' tensor: 'w' } weight { slot: 'bias' tensor: 'b' } }\n";
}

constexpr Index samples = 3;
constexpr Index steps = 4;

void run(const Model& model, Ledger& ledger) {
  const InputData data(model.graph, random_arrays(model.graph, samples, steps, 1), {}, "random");
  RunSettings settings;
  settings.steps = steps;
  settings.batch = 2;
  run_model(test::runtime(), model, data, settings, ledger, [](Index, Index) {});
}

Model model() {
  return test::model_of(
      head + conv("") +
          "node { name: 's' op: 'neuron.lif' in { from: 'conv' } "
          "attr { name: 'threshold' number: 0.25 } }\n"
          "node { name: 'r' op: 'readout.mean' in { from: 's' } attr { name: 'axes' text: 'Y X' } }\n"
          "output { name: 'y' from: 'r' }",
      {{"w", test::random_weight({3, 2, 3, 3}, 1)}, {"b", test::random_weight({3}, 2)}});
}

TEST(LemaireLayers, TakesShapesAndSpikesFromARun) {
  const Model graph = model();
  Ledger ledger;
  run(graph, ledger);
  const Plan plan = make_plan(test::runtime(), graph, {}, steps, 1, true);
  const auto layers = lemaire_layers(plan, ledger, samples);
  ASSERT_EQ(layers.size(), 1u);
  const LemaireLayer& layer = layers[0].layer;
  EXPECT_EQ(layers[0].node, *graph.graph.find("conv"));
  EXPECT_TRUE(layers[0].has_neurons && layer.leaks && layer.has_bias);
  EXPECT_EQ(layer.in_channels, 2);
  EXPECT_EQ(layer.out_channels, 3);
  EXPECT_EQ(layer.in_y * layer.in_x, 25);
  EXPECT_EQ(layer.out_y * layer.out_x, 9);
  EXPECT_EQ(layer.kernel, 3);
  EXPECT_EQ(layer.stride, 2);
  EXPECT_EQ(layer.steps, steps);
  const auto of = [&](const char* name) {
    return static_cast<double>(ledger.nodes().at(*graph.graph.find(name)).spikes_out()) / samples;
  };
  EXPECT_GT(layer.spikes_in, 0);
  EXPECT_EQ(layer.spikes_in, of("e"));
  EXPECT_EQ(layer.spikes_out, of("s"));
}

TEST(LemaireLayers, TrafficOfARunCountsWeightsMembranesAndSpikes) {
  const Model graph = model();
  Ledger ledger;
  run(graph, ledger);
  const Plan plan = make_plan(test::runtime(), graph, {}, steps, 1, true);
  const auto traffic = [&](const char* name) {
    const PlannedNode& node = plan.node(*graph.graph.find(name));
    return traffic_of(ledger.nodes().at(node.id), *node.op, node.in_specs);
  };
  const Cost cost = ledger.nodes().at(*graph.graph.find("conv")).cost();
  EXPECT_GT(cost.ac, 0);
  EXPECT_EQ(traffic("conv").weights_fetched.count(), 4.0 * static_cast<double>(cost.ac + cost.add));
  EXPECT_EQ(traffic("conv").spikes_read.count(), 50 * samples * steps / 8.0);
  EXPECT_EQ(traffic("conv").numbers_written.count(), 4 * 27 * samples * steps);
  EXPECT_EQ(traffic("s").state_read.count(), 4 * 27 * samples * steps);  // a LIF keeps one float
  EXPECT_EQ(traffic("s").state_written, traffic("s").state_read);
  EXPECT_EQ(traffic("s").spikes_written.count(), 27 * samples * steps / 8.0);
}

TEST(LemaireLayers, RefusesWhatTheModelHasNoFormulaFor) {
  const Model graph =
      test::model_of(head + conv("attr { name: 'groups' number: 2 } ") + "output { name: 'y' from: 'conv' }",
                     {{"w", test::random_weight({4, 1, 3, 3}, 1)}, {"b", test::random_weight({4}, 2)}});
  Ledger ledger;
  run(graph, ledger);
  const Plan plan = make_plan(test::runtime(), graph, {}, steps, 1, true);
  try {
    lemaire_layers(plan, ledger, samples);
    FAIL() << "not refused";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "conv2d 'conv': the model of Lemaire has no formula for a convolution with 2 groups");
  }
  const Model oblong =
      test::model_of(head + conv("") + "output { name: 'y' from: 'conv' }",
                     {{"w", test::random_weight({3, 2, 3, 1}, 1)}, {"b", test::random_weight({3}, 2)}});
  Ledger other;
  run(oblong, other);
  EXPECT_THROW(lemaire_layers(make_plan(test::runtime(), oblong, {}, steps, 1, true), other, samples), Error);
}

TEST(LemaireLayers, LinearOverTokensIsAConvolutionOverPlaces) {
  for (const bool has_tokens : {true, false}) {
    const Model graph = test::model_of(
        "format_version: 1 name: 'test' weights: 'w.safetensors'\ninput { name: 'x' " +
            std::string(has_tokens ? "shape { axis: 'N' size: 5 } " : "") +
            "shape { axis: 'C' size: 6 } }\nnode { name: 'e' op: 'encode.poisson' in { from: 'x' } }\n"
            "node { name: 'l' op: 'linear' in { from: 'e' } weight { slot: 'weight' tensor: 'w' } }\n"
            "output { name: 'y' from: 'l' }",
        {{"w", test::random_weight({4, 6}, 1)}});
    Ledger ledger;
    run(graph, ledger);
    const auto layers =
        lemaire_layers(make_plan(test::runtime(), graph, {}, steps, 1, true), ledger, samples);
    ASSERT_EQ(layers.size(), 1u);
    const LemaireLayer& layer = layers[0].layer;
    EXPECT_EQ(layer.kind, has_tokens ? LemaireLayer::Kind::conv : LemaireLayer::Kind::fc);
    EXPECT_EQ(layer.out_y, has_tokens ? 5 : 1);
    EXPECT_EQ(layer.in_channels, 6);
    EXPECT_EQ(layer.out_channels, 4);
    EXPECT_FALSE(layer.has_bias || layers[0].has_neurons || layer.leaks);
    EXPECT_EQ(layer.spikes_out, 0);
  }
}

}  // namespace
}  // namespace volley
