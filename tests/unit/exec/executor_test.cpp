// Same spikes and same counts from all executors, at any batch and thread count, recorded or not.
#include "sim/exec/executor.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "models/families/spikformer.hpp"
#include "sim/base/check.hpp"
#include "sim/base/parallel.hpp"
#include "tests/support/models.hpp"
#include "tests/support/run_op.hpp"

namespace volley {
namespace {

using test::Result;
using test::run_all;
using test::runtime;
using test::Watch;

struct Sample {
  std::string name;
  Model model;
};

std::string linear(const std::string& name, const std::string& from) {
  return "node { name: '" + name + "' op: 'linear' in { from: '" + from +
         "' } weight { slot: 'weight' tensor: 'w' } }\n";
}

const std::string head = "format_version: 1 name: 'test' weights: 'w.safetensors'\n";
const std::string tokens = "shape { axis: 'N' size: 5 } shape { axis: 'C' size: 6 } ";
const Weights square{{"w", test::random_weight({6, 6}, 1)}};

// q and k ternary, v real: every form of value on one path, and a static part before the steps.
Model bipolar_model() {
  const std::string tsn = "attr { name: 'tau' number: 0.5 } attr { name: 'threshold' number: 0.25 } }\n";
  return test::model_of(
      head + "input { name: 'x' " + tokens + "}\n" + linear("embed", "x") +
          "node { name: 'encode' op: 'encode.direct' in { from: 'embed' } }\n"
          "node { name: 's' op: 'neuron.lif' in { from: 'encode' } attr { name: 'threshold' number: 0.25 } "
          "}\n" +
          linear("ql", "s") + linear("vl", "s") + "node { name: 'q' op: 'neuron.ternary' in { from: 'ql' } " +
          tsn + "node { name: 'k' op: 'neuron.ternary' in { from: 'vl' } " + tsn +
          "node { name: 'a' op: 'attention.bipolar' in { from: 'q' } in { from: 'k' } in { from: 'vl' } "
          "attr { name: 'heads' number: 2 } attr { name: 'max_shift' number: 3 } }\n"
          "node { name: 't' op: 'neuron.ternary' in { from: 'a' } " +
          tsn + linear("p", "t") +
          "node { name: 'sum' op: 'merge.add' in { from: 'encode' } in { from: 'p' } }\n"
          "node { name: 'r' op: 'readout.mean' in { from: 'sum' } attr { name: 'axes' text: 'T N' } }\n" +
          linear("y", "r") + "output { name: 'y' from: 'y' } output { name: 'map' from: 'a:score' }",
      square);
}

// Poisson spikes, a skip over two steps, integer residuals.
Model delayed_model() {
  return test::model_of(
      head + "input { name: 'x' " + tokens +
          "}\n"
          "node { name: 'e' op: 'encode.poisson' in { from: 'x' } }\n" +
          linear("l", "e") +
          "node { name: 's' op: 'neuron.lif' in { from: 'l' } attr { name: 'threshold' number: 0.25 } }\n"
          "node { name: 'sum' op: 'merge.add' in { from: 's' } in { from: 'e' delay: 2 } }\n" +
          linear("l2", "sum") +
          "node { name: 'y' op: 'neuron.if' in { from: 'l2' } }\n"
          "output { name: 'y' from: 'y' } output { name: 'v' from: 'y:v' }",
      square);
}

Model dense_model() {
  return test::model_of(
      head + "input { name: 'x' " + tokens + "}\n" + linear("q", "x") +
          "node { name: 'a' op: 'attention.softmax' in { from: 'q' } in { from: 'q' } in { from: 'x' } "
          "attr { name: 'heads' number: 3 } }\n"
          "node { name: 'y' op: 'gelu' in { from: 'a' } }\noutput { name: 'y' from: 'y' }",
      square);
}

std::vector<Sample> samples() {
  std::vector<Sample> all;
  all.push_back({"bipolar", bipolar_model()});
  all.push_back({"delayed", delayed_model()});
  all.push_back({"dense", dense_model()});
  const BuiltModel spikformer = build_spikformer({.variant = SpikformerVariant::cifar,
                                                  .image = 16,
                                                  .channels = 3,
                                                  .dim = 32,
                                                  .heads = 4,
                                                  .depth = 2,
                                                  .classes = 3});
  all.push_back({"spikformer", make_model(runtime(), spikformer)});
  all.push_back({"spikformer unfolded", make_model(runtime(), spikformer, Folding::keep)});
  return all;
}

InputData data_for(const Model& model, Index count = 5) {
  return {model.graph, random_arrays(model.graph, count, 4, 3), {}, "random"};
}

RunSettings settings(Order order, Index batch) {
  RunSettings made;
  made.order = order;
  made.batch = batch;
  made.seed = 9;
  return made;
}

TEST(Executors, GiveTheSameBitsAndCountsOnEveryModelAtAnyBatchAndThreadCount) {
  const int threads = thread_count();
  for (const Sample& sample : samples()) {
    SCOPED_TRACE(sample.name);
    const InputData data = data_for(sample.model);
    set_thread_count(1);
    const Result wanted = run_all(sample.model, data, settings(Order::stepped, 1));
    for (const int count : {1, 4}) {
      set_thread_count(count);
      for (const Order order : {Order::stepped, Order::layered, Order::event_driven}) {
        for (const Index batch : {1, 2, 5}) {
          EXPECT_TRUE(test::same(run_all(sample.model, data, settings(order, batch)), wanted))
              << name(order) << " batch " << batch << " threads " << count;
        }
      }
    }
  }
  set_thread_count(threads);
}

TEST(Executors, DoNotChangeAValueWhenItIsRecorded) {
  for (const Sample& sample : samples()) {
    SCOPED_TRACE(sample.name);
    const InputData data = data_for(sample.model);
    const Result all = run_all(sample.model, data, settings(Order::layered, 2));
    const Result few = run_all(sample.model, data, settings(Order::layered, 2), Watch::outputs);
    for (const auto& [port, value] : few.values) {
      EXPECT_TRUE(test::same(Value(value), Value(all.values.at(port))));
    }
    EXPECT_EQ(few.costs, all.costs);
    EXPECT_EQ(few.spikes, all.spikes);
  }
}

TEST(Executors, SpikesReallyFlowThroughTheSamples) {
  for (const Sample& sample : samples()) {
    const Result result = run_all(sample.model, data_for(sample.model), settings(Order::layered, 5));
    for (const NodeId node : sample.model.graph.order()) {
      if (sample.model.graph.op(node).kind().starts_with("neuron.")) {
        const auto& spikes = result.spikes.at(node);
        EXPECT_GT(std::accumulate(spikes.begin(), spikes.end(), Index{0}), 0)
            << sample.name << " " << sample.model.graph.node_name(node);
      }
    }
  }
}

// A network that reads its own spikes of the step before.
Model recurrent_model() {
  return test::model_of(
      head + "input { name: 'x' per_step: true shape { axis: 'C' size: 6 } }\n" + linear("l", "x") +
          "node { name: 'r' op: 'linear' in { from: 'y' delay: 1 shape { axis: 'C' size: 6 } form: BINARY } "
          "weight { slot: 'weight' tensor: 'w' } }\n"
          "node { name: 'sum' op: 'merge.add' in { from: 'l' } in { from: 'r' } }\n"
          "node { name: 'y' op: 'neuron.lif' in { from: 'sum' } attr { name: 'threshold' number: 0.25 } }\n"
          "output { name: 'y' from: 'y' }",
      square);
}

TEST(Executors, RunALoopStepByStepAsWrittenOutByHand) {
  const Model model = recurrent_model();
  const InputData data = data_for(model, 2);
  const Result result = run_all(model, data, settings(Order::stepped, 2));
  const auto& w = square.at("w").numbers;
  const Tensor x = std::get<Tensor>(data.batch(0, 2, 4).begin()->second);
  std::array<std::array<float, 6>, 2> v{};
  std::array<std::array<float, 6>, 2> spikes{};
  const Tensor& got = result.values.at(model.graph.port("y", "test"));
  for (std::size_t t = 0; t < 4; ++t) {
    for (std::size_t b = 0; b < 2; ++b) {
      std::array<float, 6> now{};
      for (std::size_t o = 0; o < 6; ++o) {
        float feed = 0;
        float back = 0;
        for (std::size_t i = 0; i < 6; ++i) {
          feed += x.as<float>()[(t * 2 + b) * 6 + i] * w[o * 6 + i];
          back += spikes[b][i] * w[o * 6 + i];
        }
        v[b][o] = v[b][o] + ((feed + back) - v[b][o]) / 2.0f;
        now[o] = v[b][o] >= 0.25f ? 1.0f : 0.0f;
        v[b][o] = now[o] > 0 ? 0.0f : v[b][o];
        EXPECT_EQ(got.as<std::int8_t>()[(t * 2 + b) * 6 + o], static_cast<std::int8_t>(now[o]))
            << t << b << o;
      }
      spikes[b] = now;
    }
  }
}

TEST(Executors, LayeredRefusesALoopByName) {
  const Model model = recurrent_model();
  try {
    run_all(model, data_for(model), settings(Order::layered, 1));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::usage);
    EXPECT_NE(std::string(error.what()).find("loop through"), std::string::npos);
  }
}

// Runs the steps [0, count) of per-step data twice: as one run of 4, and as two runs of 2 with the state
// kept.
Result in_two_halves(const Model& model, const InputData& data, Order order, bool through_save) {
  Result result;
  std::vector<std::byte> saved;
  std::set<Port> wanted{model.graph.port("y", "test")};
  RunSettings halves = settings(order, 2);
  const Plan plan = make_plan(runtime(), model, halves, 2, 2, true);
  auto simulation = std::make_unique<Simulation>(plan);
  const auto all = data.batch(0, 2, 4);
  for (Index half = 0; half < 2; ++half) {
    RunInput input{{}, 0, 9};
    for (const auto& [node, value] : all) {
      input.values[node] = steps_of(value, half * 2, 2);
    }
    if (half == 1 && through_save) {
      saved = simulation->save();
      simulation = std::make_unique<Simulation>(plan);
      simulation->restore(saved);
    }
    Collector collector(wanted, 0, 2);
    run(*simulation, input, collector);
    const Tensor& part = collector.values().begin()->second;
    Tensor& whole = result.values[*wanted.begin()];
    if (half == 0) {
      whole = Tensor(part.dtype(), part.shape().with(Axis::T, 4));
    }
    copy_into(Value(part), Value(whole.steps(half * 2, 2)));
  }
  return result;
}

TEST(Simulation, GoesOnWhereItStoppedAndSavesAndRestores) {
  const Model recurrent = recurrent_model();
  const Model forward = test::model_of(
      head + "input { name: 'x' per_step: true shape { axis: 'C' size: 6 } }\n" + linear("l", "x") +
          "node { name: 's' op: 'neuron.lif' in { from: 'l' } attr { name: 'threshold' number: 0.25 } }\n" +
          linear("d", "s") +
          "node { name: 'sum' op: 'merge.add' in { from: 'd' } in { from: 'l' delay: 1 } }\n"
          "node { name: 'y' op: 'neuron.lif' in { from: 'sum' } attr { name: 'threshold' number: 0.25 } }\n"
          "output { name: 'y' from: 'y' }",
      square);
  const auto check = [](const Model& model, Order order) {
    const InputData data = data_for(model, 2);
    const Result whole = run_all(model, data, settings(order, 2), Watch::outputs);
    for (const bool through_save : {false, true}) {
      const Result halves = in_two_halves(model, data, order, through_save);
      EXPECT_TRUE(test::same(Value(halves.values.begin()->second), Value(whole.values.begin()->second)))
          << name(order) << through_save;
    }
  };
  check(recurrent, Order::stepped);
  check(recurrent, Order::event_driven);
  check(forward, Order::stepped);
  check(forward, Order::event_driven);
  check(forward, Order::layered);
}

TEST(Simulation, ResetThenRunIsAFreshRun) {
  const Model model = recurrent_model();
  const InputData data = data_for(model, 2);
  const Plan plan = make_plan(runtime(), model, settings(Order::stepped, 2), 4, 2, false);
  Simulation simulation(plan);
  std::vector<Tensor> runs;
  for (int i = 0; i < 2; ++i) {
    simulation.reset();
    Collector collector({model.graph.port("y", "test")}, 0, 2);
    run(simulation, {data.batch(0, 2, 4), 0, 9}, collector);
    runs.push_back(collector.values().begin()->second);
  }
  EXPECT_TRUE(test::same(Value(runs[0]), Value(runs[1])));
}

TEST(Plan, PlacesNoTwoLivingValuesOnOnePlaceAndReusesMemory) {
  for (const Sample& sample : samples()) {
    SCOPED_TRACE(sample.name);
    for (const Order order : {Order::stepped, Order::layered}) {
      const Plan plan = make_plan(runtime(), sample.model, settings(order, 2), 4, 2, false);
      std::vector<PlannedValue> values;
      std::size_t all_bytes = 0;
      for (const PlannedNode& node : plan.nodes()) {
        for (const PlannedValue& value : node.out) {
          if (value.present && node.kernel != nullptr) {
            values.push_back(value);
            all_bytes += (value.spec.bytes() + 63) / 64 * 64;  // each begins on a line
          }
        }
      }
      for (std::size_t i = 0; i < values.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
          const bool meet_in_time = values[i].first <= values[j].last && values[j].first <= values[i].last;
          const bool meet_in_place = values[i].offset < values[j].offset + values[j].spec.bytes() &&
                                     values[j].offset < values[i].offset + values[i].spec.bytes();
          EXPECT_FALSE(meet_in_time && meet_in_place);
        }
      }
      EXPECT_LE(plan.arena_bytes(), all_bytes);
      if (values.size() > 10) {
        EXPECT_LT(plan.arena_bytes(), all_bytes * 3 / 4);
      }
    }
  }
}

TEST(Plan, FusesALayerWithItsNeuronsUnlessTheCurrentIsWanted) {
  const Model model = delayed_model();
  const auto fused = [&](const RunSettings& wanted) {
    std::vector<std::string> names;
    const Plan plan = make_plan(runtime(), model, wanted, 4, 2, true);
    for (const PlannedNode& node : plan.nodes()) {
      if (node.is_fused) {
        names.push_back(node.name);
        EXPECT_FALSE(node.out[0].present);
      }
    }
    return names;
  };
  const std::vector<std::string> both{"l", "l2"};
  EXPECT_EQ(fused(settings(Order::layered, 2)), both);
  EXPECT_EQ(fused(settings(Order::stepped, 2)), both);
  EXPECT_TRUE(fused(settings(Order::event_driven, 2)).empty());  // each is passed over alone
  RunSettings recording = settings(Order::layered, 2);
  recording.recorded = {model.graph.port("l", "test")};
  EXPECT_EQ(fused(recording), std::vector<std::string>{"l2"});
  RunSettings forced = settings(Order::layered, 2);
  forced.kernels["neuron.lif"] = "reference";
  EXPECT_EQ(fused(forced), std::vector<std::string>{"l2"});  // behind l2 is neuron.if
}

TEST(Plan, RefusesWhatCanNotBe) {
  const Model model = dense_model();
  EXPECT_THROW(make_plan(runtime(), model, settings(Order::stepped, 1), 0, 1, false), Error);
  EXPECT_THROW(make_plan(runtime(), model, settings(Order::stepped, 1), 1, 0, false), Error);
  const KernelTable nothing;
  try {
    const Plan plan(model.graph, nothing, {});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("no kernel on cpu"), std::string::npos);
  }
}

TEST(RunModel, RefusesSamplesThatAreNotThere) {
  const Model model = dense_model();
  const InputData data = data_for(model, 3);
  for (const auto& [first, end] : {std::pair<Index, Index>{0, 4}, {2, 2}, {-1, 2}, {3, 3}}) {
    RunSettings made = settings(Order::layered, 1);
    made.first = first;
    made.end = end;
    Recorder nobody;
    EXPECT_THROW(run_model(runtime(), model, data, made, nobody, [](Index, Index) {}), Error)
        << first << ":" << end;
  }
}

}  // namespace
}  // namespace volley
