// The quantised twin of a dense model: scales, rounding, and a graph that can be saved.
#include "models/quantised_twin.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "sim/io/graph_proto.hpp"
#include "sim/io/safetensors.hpp"
#include "sim/ops/quantise.hpp"
#include "tests/support/models.hpp"
#include "tests/support/random_values.hpp"
#include "tests/support/run_op.hpp"

namespace volley {
namespace {

// image -> fc1 -> relu -> fc2, and fc1 -> attention (q = k = v)
BuiltModel dense_model() {
  GraphWriter graph("small", 3);
  const auto image = graph.input("image", {{Axis::N, 3}, {Axis::C, 4}});
  const auto fc1 = graph.linear("fc1", image, 4, 8, true);
  const auto attention = graph.node("attn", "attention.softmax", {fc1, fc1, fc1}, {{"heads", 2.0}});
  const auto relu = graph.node("relu", "relu", {attention});
  const auto fc2 = graph.linear("fc2", relu, 8, 5, false);
  graph.output("out", fc2);
  return graph.take();
}

const Shape input_shape{{Axis::B, 6}, {Axis::N, 3}, {Axis::C, 4}};

// Inputs of a model, which they need as long as they live.
struct Bound {
  Model model;
  InputData data;
};

Bound bound(const BuiltModel& built, const std::vector<float>& numbers) {
  Model model = make_model(test::runtime(), built, Folding::fold);
  Arrays arrays;
  arrays["image"] = array_of({6, 3, 4}, numbers);
  InputData data(model.graph, std::move(arrays), {}, "test");
  return {std::move(model), std::move(data)};
}

std::vector<float> usual_numbers() {
  return test::random_numbers(input_shape.count(), 5);
}

BuiltModel twin_of(const BuiltModel& model, const QuantiseOptions& options,
                   const std::vector<float>& numbers) {
  const Bound given = bound(model, numbers);
  return quantised_twin(test::runtime(), model, given.data, {}, options);
}

BuiltModel twin_of(const BuiltModel& model, const QuantiseOptions& options) {
  return twin_of(model, options, usual_numbers());
}

const NodeDescription& node_of(const BuiltModel& model, const std::string& name) {
  const auto& nodes = model.description.nodes;
  return *std::find_if(nodes.begin(), nodes.end(), [&](const auto& node) { return node.name == name; });
}

std::vector<float> output_of(const BuiltModel& model) {
  const Bound given = bound(model, usual_numbers());
  const auto result = test::run_all(given.model, given.data, {}, test::Watch::outputs);
  const auto numbers = result.values.begin()->second.as<float>();
  return {numbers.begin(), numbers.end()};
}

double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    sum += std::pow(static_cast<double>(a[i] - b[i]), 2);
  }
  return std::sqrt(sum);
}

TEST(QuantisedTwin, HasOneNodeInFrontOfEveryValueThatProductsRead) {
  const BuiltModel twin = twin_of(dense_model(), {});
  EXPECT_EQ(twin.description.nodes.size(), 4u + 3u);
  EXPECT_EQ(node_of(twin, "fc1").in[0].from, "image.quantise");
  for (const EdgeDescription& edge : node_of(twin, "attn").in) {
    EXPECT_EQ(edge.from, "fc1.quantise");
  }
  EXPECT_EQ(node_of(twin, "fc2").in[0].from, "relu.quantise");
  EXPECT_EQ(node_of(twin, "relu").in[0].from, "attn");
  EXPECT_EQ(twin.description.name, "small_w8a8");
  EXPECT_EQ(std::get<bool>(node_of(twin, "image.quantise").attributes.at("signed")), true);
  EXPECT_EQ(std::get<bool>(node_of(twin, "relu.quantise").attributes.at("signed")), false);
}

TEST(QuantisedTwin, RoundsEachOutputChannelToItsOwnLevels) {
  const BuiltModel dense = dense_model();
  for (const Index bits : {2, 4, 8}) {
    QuantiseOptions options;
    options.weight_bits = bits;
    const BuiltModel twin = twin_of(dense, options);
    const auto& before = dense.weights.at("fc2.weight").numbers;
    const auto& after = twin.weights.at("fc2.weight").numbers;
    const double highest = std::pow(2.0, static_cast<double>(bits) - 1) - 1;
    for (std::size_t o = 0; o < 5; ++o) {
      double greatest = 0;
      for (std::size_t i = 0; i < 8; ++i) {
        greatest = std::max(greatest, std::abs(static_cast<double>(before[o * 8 + i])));
      }
      const double scale = greatest / highest;
      for (std::size_t i = 0; i < 8; ++i) {
        const double level = static_cast<double>(after[o * 8 + i]) / scale;
        EXPECT_NEAR(level, std::round(level), 1e-4 * highest);
        EXPECT_LE(std::abs(static_cast<double>(after[o * 8 + i] - before[o * 8 + i])), scale * 0.5001);
      }
    }
    EXPECT_EQ(twin.weights.at("fc1.bias").numbers, dense.weights.at("fc1.bias").numbers);
  }
}

TEST(QuantisedTwin, TakesTheGreatestNumberAsTheGreatestLevelOfMaxAbs) {
  QuantiseOptions options;
  options.activation_bits = 3;
  options.calibration = Calibration::max_abs;
  const BuiltModel dense = dense_model();
  std::vector<float> numbers(72, 0.25f);
  numbers[17] = -1.5f;
  const BuiltModel twin = twin_of(dense, options, numbers);
  EXPECT_FLOAT_EQ(
      static_cast<float>(std::get<double>(node_of(twin, "image.quantise").attributes.at("scale"))),
      1.5f / 3.0f);
  EXPECT_EQ(std::get<double>(node_of(twin, "image.quantise").attributes.at("bits")), 3.0);
}

TEST(QuantisedTwin, ClampsTheOutlierOfAPercentile) {
  QuantiseOptions options;
  options.calibration = Calibration::percentile;
  options.percentile = 90;
  const BuiltModel dense = dense_model();
  std::vector<float> numbers(72, 0.25f);
  numbers[17] = -10.0f;
  const BuiltModel twin = twin_of(dense, options, numbers);
  const double clip = std::get<double>(node_of(twin, "image.quantise").attributes.at("scale")) * 127;
  EXPECT_NEAR(clip, 0.25, 10.0 / 4096 + 1e-6);
}

// Squared error of the numbers after rounding with this scale.
double error_of(const std::vector<float>& numbers, double scale, float highest) {
  double sum = 0;
  for (const float number : numbers) {
    sum += std::pow(
        static_cast<double>(number - quantised(number, static_cast<float>(scale), -highest, highest)), 2);
  }
  return sum;
}

TEST(QuantisedTwin, LeastSquaresIsNeverFarFromTheBestOfAFineSearch) {
  QuantiseOptions options;
  options.activation_bits = 3;
  const BuiltModel dense = dense_model();
  auto numbers = test::random_numbers(72, 9);
  for (float& number : numbers) {
    number = number * number * number * 4.0f;  // a long tail
  }
  const BuiltModel twin = twin_of(dense, options, numbers);
  const double scale = std::get<double>(node_of(twin, "image.quantise").attributes.at("scale"));
  double best = 1e9;
  for (int i = 1; i <= 4000; ++i) {
    best = std::min(best, error_of(numbers, 4.0 / 3.0 * i / 4000.0, 3));
  }
  EXPECT_LE(error_of(numbers, scale, 3), best * 1.02);
  const double greatest = static_cast<double>(std::abs(*std::max_element(
      numbers.begin(), numbers.end(), [](float a, float b) { return std::abs(a) < std::abs(b); })));
  EXPECT_LT(error_of(numbers, scale, 3), error_of(numbers, greatest / 3, 3));
}

TEST(QuantisedTwin, ComesCloserToTheDenseModelWithMoreBits) {
  const BuiltModel dense = dense_model();
  const auto wanted = output_of(dense);
  double last = 1e9;
  for (const Index bits : {2, 4, 8, 16}) {
    QuantiseOptions options;
    options.weight_bits = bits;
    options.activation_bits = bits;
    const double off = distance(output_of(twin_of(dense, options)), wanted);
    EXPECT_LT(off, last * 0.7) << bits << " bits";
    EXPECT_GT(off, 0.0) << bits << " bits";
    last = off;
  }
  EXPECT_LT(last, 1e-3);
}

TEST(QuantisedTwin, LeavesSpikesAsTheyAre) {
  GraphWriter graph("spiking", 3);
  const auto image = graph.input("image", {{Axis::N, 3}, {Axis::C, 4}});
  const auto lif = graph.neuron("lif", graph.node("encode", "encode.direct", {image}), 0.1);
  graph.output("out",
               graph.node("sum", "readout.sum", {graph.linear("fc", lif, 4, 2, false)}, {{"axes", "T"}}));
  const BuiltModel twin = twin_of(graph.take(), {});
  EXPECT_EQ(node_of(twin, "fc").in[0].from, "lif");
  EXPECT_EQ(twin.description.nodes.size(), 4u);
}

TEST(QuantisedTwin, GivesAValueThatIsAlwaysZeroAScale) {
  const BuiltModel dense = dense_model();
  const BuiltModel twin = twin_of(dense, {}, std::vector<float>(72, 0.0f));
  EXPECT_EQ(std::get<double>(node_of(twin, "image.quantise").attributes.at("scale")), 1.0);
  EXPECT_EQ(std::get<bool>(node_of(twin, "image.quantise").attributes.at("signed")), false);
}

TEST(QuantisedTwin, KeepsNamesApart) {
  BuiltModel dense = dense_model();
  for (NodeDescription& node : dense.description.nodes) {
    node.name = node.name == "relu" ? "fc1.quantise" : node.name;
    for (EdgeDescription& edge : node.in) {
      edge.from = edge.from == "relu" ? "fc1.quantise" : edge.from;
    }
  }
  const BuiltModel twin = twin_of(dense, {});
  EXPECT_EQ(node_of(twin, "attn").in[0].from, "fc1.quantise_");
  EXPECT_EQ(output_of(twin), output_of(twin_of(dense_model(), {})));
}

TEST(QuantisedTwin, ReadsBackFromAFileAsItWas) {
  const BuiltModel twin = twin_of(dense_model(), {});
  const auto folder = std::filesystem::path(testing::TempDir()) / "quantised_twin";
  std::filesystem::create_directories(folder);
  const std::string file = (folder / (twin.description.name + ".txtpb")).string();
  write_graph(file, twin.description);
  write_safetensors((folder / twin.description.weights_file).string(), twin.weights);
  EXPECT_EQ(output_of(read_model(file)), output_of(twin));
  std::filesystem::remove_all(folder);
}

TEST(QuantisedTwin, RefusesOtherBitsAndPercentiles) {
  const BuiltModel dense = dense_model();
  const auto error = [&](const QuantiseOptions& options) -> std::string {
    try {
      twin_of(dense, options);
    } catch (const Error& caught) {
      EXPECT_EQ(caught.fault(), Fault::usage);
      return caught.what();
    }
    return "";
  };
  EXPECT_EQ(error({.weight_bits = 1}), "bits of weights are 1, wanted 2 to 16");
  EXPECT_EQ(error({.activation_bits = 17}), "bits of activations are 17, wanted 2 to 16");
  EXPECT_EQ(error({.percentile = 0}), "percentile is 0, wanted more than 0 and at most 100");
  EXPECT_EQ(error({.percentile = 101}), "percentile is 101, wanted more than 0 and at most 100");
}

TEST(CapacityBits, AreThoseOfASpikeCount) {
  for (Index steps = 1; steps <= 300; ++steps) {
    const auto wanted = static_cast<Index>(std::ceil(std::log2(static_cast<double>(steps + 1))));
    EXPECT_EQ(capacity_bits(steps), std::max<Index>(2, wanted)) << steps;
  }
}

}  // namespace
}  // namespace volley
