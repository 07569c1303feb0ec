// The spike-driven attentions as graphs, through all executors.
#include <gtest/gtest.h>

#include "models/runtime.hpp"
#include "sim/base/check.hpp"
#include "tests/support/models.hpp"

namespace volley {
namespace {

using test::run_all;
using test::runtime;

Model model_named(const std::string& name) {
  return load_model(runtime(), std::string(VOLLEY_SOURCE_DIR) + "/tests/data/attention/" + name + ".txtpb");
}

InputData data_for(const Model& model) {
  return {model.graph, random_arrays(model.graph, 3, 4, 3), {}, "random"};
}

RunSettings settings(Order order, Index batch) {
  RunSettings made;
  made.order = order;
  made.batch = batch;
  return made;
}

// Spikes are collected as i8.
std::vector<std::size_t> places_set(const Tensor& value) {
  std::vector<std::size_t> places;
  for (Index i = 0; i < value.shape().count(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    const bool is_set =
        value.dtype() == Dtype::f32 ? value.as<float>()[at] != 0 : value.as<std::int8_t>()[at] != 0;
    if (is_set) {
      places.push_back(at);
    }
  }
  return places;
}

TEST(AttentionGraphs, GiveTheSameFromAllExecutorsAtAnyBatch) {
  for (const char* name :
       {"sdsa1", "column_mask", "token_sum", "token_mask", "channel_sum", "efficient_sdsa", "dssa_scores",
        "dssa_values", "dssa_block", "sdsa1_block", "qkta_block", "qkca_block", "select"}) {
    SCOPED_TRACE(name);
    const Model model = model_named(name);
    const InputData data = data_for(model);
    const auto layered = run_all(model, data, settings(Order::layered, 3));
    for (const GraphOutput& output : model.graph.outputs()) {
      EXPECT_FALSE(places_set(layered.values.at(output.from)).empty()) << output.name << " is 0 everywhere";
    }
    EXPECT_TRUE(same(run_all(model, data, settings(Order::stepped, 3)), layered));
    EXPECT_TRUE(same(run_all(model, data, settings(Order::event_driven, 3)), layered));
    EXPECT_TRUE(same(run_all(model, data, settings(Order::layered, 1)), layered));
  }
}

TEST(AttentionGraphs, StattenIsRefusedByTheSteppedExecutorByName) {
  const Model model = model_named("statten");
  const InputData data = data_for(model);
  EXPECT_NO_THROW(run_all(model, data, settings(Order::layered, 3)));
  try {
    run_all(model, data, settings(Order::stepped, 3));
    ADD_FAILURE() << "the stepped executor ran it";
  } catch (const Error& error) {
    EXPECT_EQ(
        std::string(error.what()),
        "attention.statten 'attn': T is 1 in one call, below chunk 2: all steps of a chunk are needed at "
        "once; run it layered, with T a multiple of chunk");
  }
}

TEST(AttentionGraphs, StattenGivesTheSameAtAnyBatch) {
  const Model model = model_named("statten");
  const InputData data = data_for(model);
  EXPECT_TRUE(same(run_all(model, data, settings(Order::layered, 1)),
                   run_all(model, data, settings(Order::layered, 3))));
}

std::string chunk_node(const std::string& name, int chunk) {
  return "node { name: '" + name +
         "' op: 'attention.statten' in { from: 'q' } in { from: 'q' } in { from: 'q' } " +
         "attr { name: 'heads' number: 1 } attr { name: 'scale' number: 1 } attr { name: 'chunk' number: " +
         std::to_string(chunk) + " } } output { name: '" + name + "' from: '" + name + "' }\n";
}

const std::string spikes_in =
    "format_version: 1 name: 'test' input { name: 'q' form: BINARY per_step: true "
    "shape { axis: 'N' size: 2 } shape { axis: 'C' size: 3 } }\n";

TEST(AttentionGraphs, AModelMayHoldWindowsOfSeveralSizes) {
  const Model model = test::model_of(spikes_in + chunk_node("a", 2) + chunk_node("b", 3), {});
  const InputData data(model.graph, random_arrays(model.graph, 2, 6, 3), {}, "random");
  EXPECT_EQ(run_all(model, data, settings(Order::layered, 2)).values.size(), 3u);
  const InputData short_data(model.graph, random_arrays(model.graph, 2, 4, 3), {}, "random");
  EXPECT_THROW(run_all(model, short_data, settings(Order::layered, 2)), Error);
}

TEST(AttentionGraphs, WindowsThatOnlyAMillionStepsHoldAreRefused) {
  const std::string text = spikes_in + chunk_node("a", 1021) + chunk_node("b", 1019) + chunk_node("c", 1013);
  const std::string wanted =
      "T must be a multiple of 1053924187 to hold whole windows of all nodes, wanted at most 1048576";
  try {
    test::model_of(text, {});
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(wanted), std::string::npos) << error.what();
  }
}

// Additions that the products of a node tell of, and those that its cost has.
class ProductSum final : public Recorder {
 public:
  bool wants_products() const override { return true; }
  bool wants_cost() const override { return true; }
  void on_products(NodeId, Index, Index, std::span<const Product> products) override {
    for (const Product& product : products) {
      of_products += product.driven == Driven::a ? product.units_a : product.units_b;
    }
  }
  void on_cost(NodeId, Index, const Cost& cost, std::span<const Activity>,
               std::span<const Activity>) override {
    of_cost += cost.ac;
  }

  Index of_products = 0, of_cost = 0;
};

TEST(AttentionGraphs, ProductsAddUpToTheCostInAnyBatch) {
  for (const char* name : {"statten", "dssa_block"}) {
    SCOPED_TRACE(name);
    const Model model = model_named(name);
    ProductSum sum;
    run_model(runtime(), model, data_for(model), settings(Order::layered, 3), sum, [](Index, Index) {});
    EXPECT_GT(sum.of_cost, 0);
    EXPECT_EQ(sum.of_products, sum.of_cost);
  }
}

// q, k and v of the block in one step, all silent but for what is set here.
Tensor masked(const std::string& block, const std::vector<std::string>& inputs,
              const std::map<std::string, std::vector<std::size_t>>& set) {
  const Model model = model_named(block);
  Arrays arrays = random_arrays(model.graph, 1, 1, 3);
  for (const std::string& name : inputs) {
    std::vector<float> numbers(9 * 66, 0.0f);
    for (const std::size_t place : set.at(name)) {
      numbers[place] = 1;
    }
    arrays[name] = array_of({1, 1, 9, 66}, numbers);
  }
  RunSettings one_step = settings(Order::stepped, 1);
  one_step.steps = 1;
  return run_all(model, {model.graph, arrays, {}, "set"}, one_step).values.at(model.graph.outputs()[0].from);
}

TEST(AttentionGraphs, OneCoincidenceFromRestIsATieThatFires) {
  // Token 2 has k and v in channel 65; token 0 has k alone in channel 1. q has both channels in token 7.
  const auto y = masked("sdsa1_block", {"q", "k", "v"},
                        {{"q", {7 * 66 + 1, 7 * 66 + 65}}, {"k", {1, 2 * 66 + 65}}, {"v", {2 * 66 + 65}}});
  EXPECT_EQ(places_set(y), std::vector<std::size_t>{7 * 66 + 65});
}

TEST(AttentionGraphs, ATokenWhoseQueryIsSilentIsMaskedHeadByHead) {
  // One spike of q: token 3, head 1 (channels 22 to 43).
  const auto y = masked("qkta_block", {"q", "k"},
                        {{"q", {3 * 66 + 30}}, {"k", {3 * 66, 3 * 66 + 22, 3 * 66 + 43, 4 * 66 + 22}}});
  EXPECT_EQ(places_set(y), (std::vector<std::size_t>{3 * 66 + 22, 3 * 66 + 43}));
}

TEST(AttentionGraphs, AChannelWithoutAQueryIsMasked) {
  const auto y = masked("qkca_block", {"q", "k"}, {{"q", {3 * 66 + 64}}, {"k", {63, 64, 8 * 66 + 64}}});
  EXPECT_EQ(places_set(y), (std::vector<std::size_t>{64, 8 * 66 + 64}));
}

}  // namespace
}  // namespace volley
