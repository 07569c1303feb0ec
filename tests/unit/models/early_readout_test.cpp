// One run with early readout against runs of every shorter length.
#include "models/early_readout.hpp"

#include <gtest/gtest.h>

#include "models/families/spikformer.hpp"
#include "sim/base/check.hpp"
#include "tests/support/models.hpp"
#include "tests/support/run_op.hpp"

namespace volley {
namespace {

constexpr Index most_steps = 5;

struct Outcome {
  Tensor logits;
  Ledger ledger;
};

Outcome outcome_of(const Model& model, Index steps, Order order = Order::layered) {
  const InputData data(model.graph, random_arrays(model.graph, 6, most_steps, 7), {}, "random");
  RunSettings settings;
  settings.steps = steps;
  settings.order = order;
  const Port port = model.graph.outputs().front().from;
  Outcome outcome;
  Collector collector({port}, 0, 6);
  Recorders both({&outcome.ledger, &collector});
  run_model(test::runtime(), model, data, settings, both, [](Index, Index) {});
  outcome.logits = collector.values().at(port);
  return outcome;
}

std::pair<Index, Index> spikes_and_places(const Ledger& ledger) {
  Index spikes = 0;
  Index places = 0;
  for (const auto& [node, entry] : ledger.nodes()) {
    if (entry.cost().neuron > 0) {
      spikes += entry.spikes_out();
      places += entry.elements_out();
    }
  }
  return {spikes, places};
}

void expect_same_as_shorter_runs(const BuiltModel& plain) {
  const Model model = make_model(test::runtime(), plain);
  const Model early = make_model(test::runtime(), early_readout(plain, test::runtime().registry));
  for (const Order order : {Order::layered, Order::stepped}) {
    const Outcome whole = outcome_of(early, most_steps, order);
    ASSERT_EQ(whole.logits.shape()[Axis::T], most_steps);
    const auto runs = shorter_runs(early.graph, whole.ledger, most_steps);
    ASSERT_EQ(runs.size(), static_cast<std::size_t>(most_steps));
    for (Index steps = 1; steps <= most_steps; ++steps) {
      SCOPED_TRACE(steps);
      const Outcome shorter = outcome_of(model, steps);
      EXPECT_TRUE(test::same(Value(whole.logits.steps(steps - 1, 1)), Value(shorter.logits)));
      const ShorterRun& run = runs[static_cast<std::size_t>(steps - 1)];
      EXPECT_EQ(run.steps, steps);
      EXPECT_EQ(run.cost, shorter.ledger.total());
      EXPECT_EQ(std::pair(run.spikes, run.neurons), spikes_and_places(shorter.ledger));
    }
    EXPECT_GT(runs.back().spikes, runs.front().spikes);
    EXPECT_GT(runs.back().rate(), 0.0);
  }
}

TEST(EarlyReadout, GivesTheBitsAndCostsOfEveryShorterRunOfSpikformer) {
  SpikformerOptions options;
  options.image = 16;
  options.dim = 32;
  options.heads = 4;
  options.depth = 1;
  expect_same_as_shorter_runs(build_spikformer(options));
}

TEST(EarlyReadout, GivesTheBitsAndCostsOfEveryShorterRunOfTheTwins) {
  const std::string folder = std::string(VOLLEY_SOURCE_DIR) + "/examples/digits/";
  expect_same_as_shorter_runs(read_model(folder + "ssa.txtpb"));
  expect_same_as_shorter_runs(read_model(folder + "bsa.txtpb"));
}

// encode -> `middle` -> readout over T -> head -> `after`
BuiltModel small(const std::string& encoder, const std::string& readout, const std::string& after,
                 const std::string& axes = "T") {
  GraphWriter graph("small", 1);
  const auto image = graph.input("image", {{Axis::C, 4}});
  const auto lif = graph.neuron("lif", graph.node("encode", encoder, {image}), 0.2);
  Attributes attributes;
  if (readout == "readout.mean" || readout == "readout.sum") {
    attributes = {{"axes", axes}};
  }
  const auto head = graph.linear("head", graph.node("readout", readout, {lif}, attributes), 4, 3, true);
  graph.output("out", after.empty() ? head : graph.node("after", after, {head}));
  return graph.take();
}

TEST(EarlyReadout, WorksWithRandomSpikesAndAHeadBehind) {
  expect_same_as_shorter_runs(small("encode.poisson", "readout.mean", "relu"));
  expect_same_as_shorter_runs(small("encode.direct", "readout.mean", ""));
}

std::string error_of(const BuiltModel& model) {
  try {
    early_readout(model, test::runtime().registry);
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::model);
    return error.what();
  }
  return "";
}

TEST(EarlyReadout, RefusesWhatAShorterRunWouldDoOtherwise) {
  EXPECT_EQ(error_of(small("encode.direct", "readout.mean", "")), "");
  EXPECT_EQ(error_of(small("encode.direct", "readout.sum", "")),
            "the graph 'small' has no readout.mean over T");
  EXPECT_EQ(error_of(small("encode.direct", "readout.mean", "", "C")),
            "the graph 'small' has no readout.mean over T");
  EXPECT_EQ(error_of(small("encode.latency", "readout.mean", "")),
            "encode.latency 'encode': its spikes depend on T, so no shorter run is part of a longer one");
  EXPECT_EQ(error_of(small("encode.direct", "readout.mean", "neuron.lif")),
            "neuron.lif 'after': stands behind the readout and remembers, so it can't answer in each step");
  BuiltModel both = small("encode.direct", "readout.mean", "");
  both.description.nodes.push_back({"last", "readout.last", {{"lif", 0, {}}}, {}, {}});
  both.description.outputs.push_back({"last", "last"});
  EXPECT_EQ(error_of(both),
            "readout.last 'last': gathers the steps, and only readout.mean can do so step by step");
}

TEST(EarlyReadout, LeavesTheDescriptionOfThePlainModelAlone) {
  const BuiltModel plain = small("encode.direct", "readout.mean", "");
  const BuiltModel early = early_readout(plain, test::runtime().registry);
  EXPECT_FALSE(plain.description == early.description);
  EXPECT_EQ(early_readout(early, test::runtime().registry).description, early.description);
}

}  // namespace
}  // namespace volley
