// The builder writes the graphs that the trained models have.
#include "models/families/npt.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "sim/base/check.hpp"
#include "tests/support/models.hpp"

namespace volley {
namespace {

NptOptions small(Index rows, std::vector<Index> classes) {
  NptOptions options;
  options.rows = rows;
  options.classes = std::move(classes);
  options.target = static_cast<Index>(options.classes.size()) - 1;
  return options;
}

NptOptions form(NptNorm norm, NptScale scale) {
  NptOptions options = small(7, {0, 3, 0, 2});
  options.width = 4;
  options.heads = 2;
  options.norm = norm;
  options.scale = scale;
  return options;
}

void expect_same_attributes(const Attributes& got, const Attributes& wanted, const std::string& node) {
  for (const auto& [name, value] : got) {
    ASSERT_TRUE(wanted.contains(name)) << node << " " << name;
    if (const auto* number = std::get_if<double>(&value)) {
      EXPECT_NEAR(*number, std::get<double>(wanted.at(name)), 1e-7) << node << " " << name;
    } else {
      EXPECT_EQ(value, wanted.at(name)) << node << " " << name;
    }
  }
}

// All that the builder says stands in the file; the file may write out defaults, and mean and deviation.
void expect_built_as(const NptOptions& options, const std::string& file) {
  SCOPED_TRACE(file);
  const BuiltModel built = build_npt(options);
  const BuiltModel read = read_model(std::string(VOLLEY_SOURCE_DIR) + "/" + file);
  ASSERT_EQ(built.description.nodes.size(), read.description.nodes.size());
  std::map<std::string, NodeDescription> nodes;
  for (const NodeDescription& node : read.description.nodes) {
    nodes[node.name] = node;
  }
  for (const NodeDescription& node : built.description.nodes) {
    ASSERT_TRUE(nodes.contains(node.name)) << node.name;
    const NodeDescription& wanted = nodes.at(node.name);
    EXPECT_EQ(node.op, wanted.op) << node.name;
    ASSERT_EQ(node.in.size(), wanted.in.size()) << node.name;
    for (std::size_t i = 0; i < node.in.size(); ++i) {
      EXPECT_EQ(node.in[i].from, wanted.in[i].from) << node.name;
    }
    expect_same_attributes(node.attributes, wanted.attributes, node.name);
    for (const auto& [slot, tensor] : node.weights) {
      ASSERT_TRUE(wanted.weights.contains(slot)) << node.name << " " << slot;
      EXPECT_EQ(built.weights.at(tensor).sizes, read.weights.at(tensor).sizes) << tensor;
    }
  }
}

TEST(Npt, IsTheGraphThatWasTrained) {
  NptOptions lookup = small(48, {0, 0, 0, 0, 0, 0, 4, 0});
  expect_built_as(lookup, "examples/datapoints/lookup_dense.txtpb");
  lookup.is_spiking = true;
  expect_built_as(lookup, "examples/datapoints/lookup_bipolar.txtpb");
  std::vector<Index> features(31, 0);
  features.back() = 2;
  NptOptions cancer = small(569, features);
  cancer.width = 4;
  expect_built_as(cancer, "examples/datapoints/breast_cancer.txtpb");
}

TEST(Npt, HasTheFormsOfPaperAndCode) {
  expect_built_as(form(NptNorm::query, NptScale::block_width), "tests/data/datapoints/code.txtpb");
  expect_built_as(form(NptNorm::all, NptScale::head_width), "tests/data/datapoints/paper.txtpb");
  expect_built_as(form(NptNorm::after, NptScale::none), "tests/data/datapoints/post.txtpb");
  NptOptions constant = form(NptNorm::query, NptScale::block_width);
  constant.score = NptScore::constant;
  constant.residual_projection = false;
  expect_built_as(constant, "tests/data/datapoints/constant.txtpb");
}

// embedding + 2 blocks + readout, by the text: a block has q, k, v, mix, res, a feed-forward of 4 h, two
// norms.
TEST(Npt, HasTheParametersOfTheDefinition) {
  const NptOptions options = small(48, {0, 0, 0, 0, 0, 0, 4, 0});
  const auto block = [](Index h) { return 5 * (h * h + h) + (4 * h * h + 4 * h) + (4 * h * h + h) + 4 * h; };
  const Index e = 16;
  const Index embed = e * (7 * 2 + 5) + 2 * 8 * e + 2 * e;
  EXPECT_EQ(build_npt(options).parameter_count(), embed + block(8 * e) + block(e) + e + 1);
}

TEST(Npt, RunsInBothExecutorsAlike) {
  NptOptions options = small(9, {0, 2, 0});
  options.is_spiking = true;
  options.depth = 4;
  options.target = 1;
  const Model model = make_model(test::runtime(), build_npt(options), Folding::fold);
  Arrays arrays = random_arrays(model.graph, 2, 4, 3);
  std::vector<float> values(2 * 9 * 3, 1.0f);  // class 1, and the number 1
  arrays["values"] = array_of({2, 9, 3}, values);
  const InputData data(model.graph, arrays, {}, "random");
  RunSettings settings;
  settings.steps = 4;
  const auto layered = test::run_all(model, data, settings);
  settings.order = Order::stepped;
  settings.batch = 1;
  EXPECT_TRUE(test::same(test::run_all(model, data, settings), layered));
}

TEST(Npt, OptionsThatDontFitAreRefused) {
  const auto error = [](NptOptions options) -> std::string {
    try {
      build_npt(options);
    } catch (const Error& found) {
      return found.what();
    }
    return "";
  };
  NptOptions options = small(4, {0, 0});
  options.heads = 3;
  EXPECT_EQ(error(options), "npt: heads is 3, wanted a divisor of width 16 and of width times columns 32");
  options = small(4, {0, 0});
  options.target = 2;
  EXPECT_EQ(error(options), "npt: target is 2, wanted a column, 0 to 1");
  options = small(0, {0, 0});
  EXPECT_EQ(error(options), "npt: a table of 0 rows and 2 columns, wanted at least one of each");
  options = small(4, {0, 0});
  options.depth = 0;
  EXPECT_EQ(error(options), "npt: width, heads and depth must be 1 or more");
}

}  // namespace
}  // namespace volley
