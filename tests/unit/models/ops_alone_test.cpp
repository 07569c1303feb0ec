// Each operator alone, from its files, against float64 loops of its equation.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "models/lints.hpp"
#include "models/number_rules.hpp"
#include "sim/base/check.hpp"
#include "sim/graph/passes.hpp"
#include "sim/io/npz.hpp"
#include "tests/support/models.hpp"
#include "tests/support/run_op.hpp"

namespace volley {
namespace {

const std::filesystem::path folder = std::filesystem::path(VOLLEY_SOURCE_DIR) / "tests/data/ops";

std::vector<std::string> names_of_files() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".txtpb") {
      names.push_back(entry.path().stem().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

Model model_named(const std::string& name) {
  return load_model(test::runtime(), (folder / (name + ".txtpb")).string());
}

InputData data_of(const Model& model, const NpzFile& file) {
  Arrays arrays;
  for (const NodeId input : model.graph.inputs()) {
    arrays[model.graph.node_name(input)] = file.read(model.graph.node_name(input));
  }
  return {model.graph, arrays, {}, "file"};
}

void expect_close(const Tensor& got, const Array& wanted_array, float tolerance) {
  const Array got_array = array_of(got);
  const auto numbers = as_floats(got_array);
  const auto wanted = as_floats(wanted_array);
  ASSERT_EQ(got_array.sizes, wanted_array.sizes);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    ASSERT_NEAR(numbers[i], wanted[i], tolerance * std::max(1.0f, std::abs(wanted[i]))) << i;
  }
}

class OpsAlone : public testing::TestWithParam<std::string> {};

TEST_P(OpsAlone, GiveWhatTheirEquationSaysInAllExecutorsAndAnyBatch) {
  const Model model = model_named(GetParam());
  const NpzFile file((folder / (GetParam() + ".npz")).string());
  const InputData data = data_of(model, file);
  const float tolerance = as_floats(file.read("tolerance")).at(0);
  for (const Order order : {Order::layered, Order::stepped, Order::event_driven}) {
    if (order != Order::layered && GetParam() == "statten") {
      continue;  // refused, as AttentionGraphs shows
    }
    for (const Index batch : {1, 3}) {
      SCOPED_TRACE(fmt::format("{} batch {}", name(order), batch));
      RunSettings settings;
      settings.order = order;
      settings.batch = batch;
      const auto result = test::run_all(model, data, settings, test::Watch::outputs);
      for (std::size_t i = 0; i < model.graph.outputs().size(); ++i) {
        const GraphOutput& output = model.graph.outputs()[i];
        SCOPED_TRACE(output.name);
        expect_close(result.values.at(output.from), file.read(i == 0 ? "wanted" : "wanted_" + output.name),
                     tolerance);
      }
    }
  }
}

// What `inspect --domains` says of an edge holds for each number on it.
TEST_P(OpsAlone, ProvenNumbersHold) {
  const Model model = model_named(GetParam());
  const NpzFile file((folder / (GetParam() + ".npz")).string());
  const auto sets = infer_numbers(model.graph, number_rules(), 2);
  const auto result = test::run_all(model, data_of(model, file), {}, test::Watch::everything);
  for (const auto& [port, value] : result.values) {
    const NumberSet& set = sets[port.node][port.output];
    for (const float number : as_floats(array_of(value))) {
      ASSERT_TRUE(set.holds(static_cast<double>(number)))
          << model.graph.port_name(port) << " carries " << number << ", not in " << text(set);
    }
  }
}

// What weighs tokens against each other refuses it; what takes them one by one gives back nothing.
TEST_P(OpsAlone, AnEmptySequenceIsRefusedOrStaysEmpty) {
  const Model model = model_named(GetParam());
  const auto specs = infer_specs(model.graph, 1, 2);
  for (const NodeId node : model.graph.order()) {
    const Operator& op = model.graph.op(node);
    if (model.graph.in_edges(node).empty() || op.kind().starts_with("convert.")) {
      continue;
    }
    std::vector<Value> in;
    std::vector<ValueSpec> in_specs;
    for (const InEdge& edge : model.graph.in_edges(node)) {
      ValueSpec spec = specs[edge.from.node][edge.from.output];
      spec.shape = spec.shape.with(spec.shape.has(Axis::Y) ? Axis::Y : Axis::N, 0);
      in_specs.push_back(spec);
      in.push_back(make_value(spec));
    }
    try {
      const auto out_specs = op.infer(in_specs, 2);
      EXPECT_TRUE(!op.kind().starts_with("attention.") || op.kind() == "attention.resonator") << op.kind();
      for (const Kernel& kernel : test::runtime().kernels.all(op.kind())) {
        if (kernel.accepts(op, in_specs).ok) {
          EXPECT_EQ(spec_of(test::run_op(op, kernel, in, 2)[0]).shape.count(), 0) << kernel.name;
        }
      }
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::model) << error.what();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Files, OpsAlone, testing::ValuesIn(names_of_files()),
                         [](const auto& file) { return file.param; });

TEST(OpsAloneFiles, HoldEveryOperatorOfAttentionTimeTablesAndTokens) {
  std::set<std::string> there;
  for (const std::string& file : names_of_files()) {
    const Model model = model_named(file);
    for (NodeId node = 0; node < model.graph.size(); ++node) {
      there.insert(std::string(model.graph.op(node).kind()));
    }
  }
  std::set<std::string> wanted{"pool.heads",         "readout.columns",       "merge.tokens",
                               "merge.concat",       "layout.rows_to_tokens", "layout.tokens_to_rows",
                               "layout.take_tokens", "layout.windows",        "layout.from_windows"};
  for (const std::string& kind : test::runtime().registry.kinds()) {
    if (kind.starts_with("attention.") || kind.starts_with("time.") || kind.starts_with("embed.")) {
      wanted.insert(kind);
    }
  }
  for (const std::string& kind : wanted) {
    EXPECT_TRUE(there.contains(kind)) << kind;
  }
}

std::string proven(const std::string& file, std::size_t output = 0) {
  const Model model = model_named(file);
  return text(infer_numbers(model.graph, number_rules(), 2)[*model.graph.find("node")].at(output));
}

TEST(OpsAloneFiles, ProveWhatTheirEquationsAllow) {
  EXPECT_EQ(proven("ssa"), "multiples of 0.125 in 0..1.875");
  EXPECT_EQ(proven("softmax", 1), "real numbers in 0..1");
  EXPECT_EQ(proven("cat", 1), "real numbers in 0..1");
  EXPECT_EQ(proven("cat_spikes", 1), "integer 0..5");  // 5 tokens
  EXPECT_EQ(proven("token_sum"), "integer 0..3");      // 3 channels of a head
  EXPECT_EQ(proven("channel_sum"), "integer 0..5");
  EXPECT_EQ(proven("sdsa1"), "integer 0..5");
  EXPECT_EQ(proven("sdsa1", 1), "binary");
  EXPECT_EQ(proven("statten"), "multiples of 0.25 in 0..7.5");  // 2 steps of 5 tokens, 3 channels, a quarter
  EXPECT_EQ(proven("bipolar", 1), "real numbers in 0..1");
  EXPECT_EQ(proven("bipolar_fixed_point", 1), "multiples of 0.125 in 0..1");
  EXPECT_EQ(proven("bipolar_fixed_point"), "multiples of 0.0625");
  EXPECT_EQ(proven("select", 1), "real numbers in 0..1");
  EXPECT_EQ(proven("phase"), "binary");
  EXPECT_EQ(proven("primal_scores"), "ternary");
  EXPECT_EQ(proven("primal", 4), "real numbers in 0..inf");
  EXPECT_EQ(proven("windows"), "binary");
}

}  // namespace
}  // namespace volley
