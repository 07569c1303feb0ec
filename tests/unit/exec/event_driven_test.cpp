// Passing over silence changes no bit, no count and no state, and leaves calls out.
#include <gtest/gtest.h>

#include <random>

#include "tests/support/models.hpp"
#include "tests/support/run_op.hpp"

namespace volley {
namespace {

constexpr Index width = 6;
const std::string head =
    "format_version: 1 name: 'test' weights: 'w.safetensors'\n"
    "input { name: 'x' form: BINARY per_step: true shape { axis: 'C' size: 6 } }\n";

RunSettings settings(Order order, Index batch) {
  RunSettings made;
  made.order = order;
  made.batch = batch;
  return made;
}

// Spikes of half of the channels, in some steps only.
InputData bursts(const Model& model, Index steps, Index samples,
                 const std::function<bool(Index)>& is_active) {
  std::mt19937 random(5);
  std::vector<float> numbers(static_cast<std::size_t>(steps * samples * width), 0.0f);
  const auto per_step = static_cast<std::size_t>(samples * width);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const bool fires = random() % 2 == 0;
    numbers[i] = fires && is_active(static_cast<Index>(i / per_step)) ? 1.0f : 0.0f;
  }
  Arrays arrays;
  arrays["x"] = array_of({steps, samples, width}, numbers);
  return {model.graph, std::move(arrays), {}, "bursts"};
}

// Calls of each node in a run, the values of its outputs, and the state that it leaves.
class Calls final : public Recorder {
 public:
  bool wants_time() const override { return true; }
  void on_time(NodeId node, StepRange, std::int64_t) override { ++count[node]; }
  std::map<NodeId, Index> count;
};

struct Left {
  std::map<Port, Tensor> values;
  std::map<NodeId, Index> calls;
  std::vector<std::byte> state;

  Index calls_of(NodeId node) const { return calls.contains(node) ? calls.at(node) : 0; }
};

Left run_plain(const Model& model, const InputData& data, Order order, Index steps) {
  const Plan plan =
      make_plan(test::runtime(), model, settings(order, data.samples()), steps, data.samples(), false);
  Simulation simulation(plan);
  std::set<Port> wanted;
  for (const GraphOutput& output : model.graph.outputs()) {
    wanted.insert(output.from);
  }
  Collector collector(wanted, 0, data.samples());
  Calls calls;
  Recorders both({&collector, &calls});
  run(simulation, {data.batch(0, data.samples(), steps), 0, 3}, both);
  return {collector.values(), calls.count, simulation.save()};
}

void expect_same(const Left& got, const Left& wanted) {
  for (const auto& [port, value] : wanted.values) {
    EXPECT_TRUE(test::same(Value(got.values.at(port)), Value(value))) << "node " << port.node;
  }
  EXPECT_EQ(got.state, wanted.state);
}

std::string linear(const std::string& name, const std::string& from, bool has_bias) {
  return "node { name: '" + name + "' op: 'linear' in { " + from +
         " } weight { slot: 'weight' tensor: 'w' } " +
         (has_bias ? "weight { slot: 'bias' tensor: 'b' } " : "") + "}\n";
}

// The weights that this text names.
Model model_of(const std::string& text) {
  Weights weights;
  if (text.find("tensor: 'w'") != std::string::npos) {
    weights["w"] = test::random_weight({width, width}, 1);
  }
  if (text.find("tensor: 'b'") != std::string::npos) {
    weights["b"] = test::random_weight({width}, 2);
  }
  return test::model_of(text, weights);
}

Model chain(const std::string& attributes = "") {
  return model_of(head + linear("l", "from: 'x'", false) +
                  "node { name: 's' op: 'neuron.lif' in { from: 'l' } " + attributes +
                  " attr { name: 'threshold' number: 0.25 } }\n" + linear("m", "from: 's'", false) +
                  "node { name: 'y' op: 'neuron.if' in { from: 'm' } }\noutput { name: 'y' from: 'y' }\n");
}

TEST(EventDriven, PaysThousandsOfSilentStepsToTheBit) {
  for (const char* attributes :
       {"", "attr { name: 'tau' number: 50 }", "attr { name: 'reset_value' number: -0.3 }",
        "attr { name: 'decay_input' flag: false }", "attr { name: 'reset_time' text: 'next' }"}) {
    SCOPED_TRACE(attributes);
    const Model model = chain(attributes);
    constexpr Index steps = 5000;
    for (const Index end : {Index{3}, steps}) {  // with silence at the end, or a last burst
      const InputData data = bursts(model, steps, 2, [&](Index t) { return t < 3 || (t > 4200 && t < end); });
      const Left wanted = run_plain(model, data, Order::stepped, steps);
      const Left got = run_plain(model, data, Order::event_driven, steps);
      expect_same(got, wanted);
      const NodeId first = *model.graph.find("l");
      EXPECT_EQ(wanted.calls_of(first), steps);
      EXPECT_LT(got.calls_of(first), end == 3 ? 4 : 804);
      EXPECT_LT(got.calls_of(*model.graph.find("y")), end == 3 ? 4 : 804);
    }
  }
}

TEST(EventDriven, RunsWhatZeroInputMayMakeFire) {
  const auto calls_of_s = [](const std::string& attributes) {
    const Model model = chain(attributes);
    const InputData data = bursts(model, 20, 1, [](Index t) { return t < 2; });
    expect_same(run_plain(model, data, Order::event_driven, 20), run_plain(model, data, Order::stepped, 20));
    return run_plain(model, data, Order::event_driven, 20).calls_of(*model.graph.find("s"));
  };
  EXPECT_EQ(calls_of_s(""), 2);
  EXPECT_EQ(calls_of_s("attr { name: 'reset' text: 'soft' }"), 20);
  EXPECT_EQ(calls_of_s("attr { name: 'reset_value' number: 0.2 }"), 20);
}

TEST(EventDriven, ANeuronWhoseMembraneIsWatchedRunsInEachStep) {
  const Model model = chain();
  const InputData data = bursts(model, 40, 2, [](Index t) { return t == 7; });
  const auto wanted = test::run_all(model, data, settings(Order::stepped, 2), test::Watch::everything);
  EXPECT_TRUE(test::same(
      test::run_all(model, data, settings(Order::event_driven, 2), test::Watch::everything), wanted));
  EXPECT_TRUE(wanted.values.contains({*model.graph.find("s"), 1}));
}

TEST(EventDriven, ABiasIsNeverSilent) {
  const Model model = model_of(head + linear("l", "from: 'x'", true) + "output { name: 'y' from: 'l' }\n");
  const InputData data = bursts(model, 10, 1, [](Index t) { return t == 0; });
  const Left got = run_plain(model, data, Order::event_driven, 10);
  EXPECT_EQ(got.calls_of(*model.graph.find("l")), 10);
  expect_same(got, run_plain(model, data, Order::stepped, 10));
}

// A graph of random ops, with biases, delays and, sometimes, a loop.
class RandomGraph {
 public:
  explicit RandomGraph(unsigned seed) : random_(seed) {
    const bool has_loop = pick(2) == 0;
    text_ = head;
    for (std::size_t i = 0; i < 4 + pick(6); ++i) {
      add();
    }
    std::string last = ports_.back();
    if (has_loop) {
      text_ += linear(
          "back",
          "from: 'y' delay: " + std::to_string(1 + pick(3)) + " shape { axis: 'C' size: 6 } form: BINARY",
          false);
      text_ += "node { name: 'join' op: 'merge.add' in { from: '" + last + "' } in { from: 'back' } }\n";
      last = "join";
    }
    text_ += "node { name: 'y' op: 'neuron.lif' in { from: '" + last +
             "' } attr { name: 'threshold' number: 0.25 } }\n"
             "node { name: 'sum' op: 'readout.sum' in { from: 'y' } attr { name: 'axes' text: 'T' } }\n"
             "output { name: 'y' from: 'y' } output { name: 'sum' from: 'sum' }\n";
  }
  const std::string& text() const { return text_; }

 private:
  std::size_t pick(std::size_t count) { return random_() % count; }
  std::string any_port() { return "from: '" + ports_[pick(ports_.size())] + "'"; }

  void add() {
    const std::string name = "n" + std::to_string(ports_.size());
    static const std::vector<std::string> neurons{
        "'neuron.lif'",
        "'neuron.lif' attr { name: 'reset' text: 'soft' }",
        "'neuron.lif' attr { name: 'reset_value' number: -0.5 } attr { name: 'reset_time' text: 'next' }",
        "'neuron.lif' attr { name: 'decay_input' flag: false } attr { name: 'tau' number: 7 }",
        "'neuron.if'",
        "'neuron.if' attr { name: 'reset' text: 'soft' }",
        "'neuron.ternary' attr { name: 'tau' number: 0.5 } attr { name: 'threshold' number: 0.5 }",
        "'neuron.ternary' attr { name: 'tau' number: 0.5 } attr { name: 'threshold' number: 0.5 } "
        "attr { name: 'reset_value' number: 0.75 }",
        "'neuron.graded'",
        "'neuron.cuba_lif'",
    };
    switch (pick(6)) {
      case 0:
      case 1:
        text_ += linear(name, any_port(), pick(4) == 0);
        break;
      case 2: {  // a delayed value needs its source in front of it: both inputs read the same one
        const std::string& port = ports_[pick(ports_.size())];
        const bool is_delayed = pick(2) == 0 && !bipolar_.contains(port);
        const std::string other =
            is_delayed ? "from: '" + port + "' delay: " + std::to_string(1 + pick(4)) : any_port();
        text_ += "node { name: '" + name + "' op: 'merge.add' in { from: '" + port + "' } in { " + other +
                 " } }\n";
        break;
      }
      case 3:
        text_ += "node { name: '" + name + "' op: 'relu' in { " + any_port() + " } }\n";
        break;
      default: {
        const std::string& neuron = neurons[pick(neurons.size())];
        text_ += "node { name: '" + name + "' op: " + neuron + " in { " + any_port() + " } }\n";
        if (neuron.starts_with("'neuron.ternary'")) {
          bipolar_.insert(name);
        }
      }
    }
    ports_.push_back(name);
  }

  std::mt19937 random_;
  std::vector<std::string> ports_{"x"};
  std::set<std::string> bipolar_;  // behind a conversion in a sum
  std::string text_;
};

TEST(EventDriven, GivesWhatSteppedGivesOnRandomGraphs) {
  Index left_out = 0;
  for (unsigned seed = 0; seed < 200; ++seed) {
    const RandomGraph graph(seed);
    SCOPED_TRACE(graph.text());
    const Model model = model_of(graph.text());
    constexpr Index steps = 40;
    const InputData data = bursts(model, steps, 3, [&](Index t) { return (t / 5 + seed) % 3 == 0; });
    const Left wanted = run_plain(model, data, Order::stepped, steps);
    const Left got = run_plain(model, data, Order::event_driven, steps);
    expect_same(got, wanted);
    for (const auto& [node, calls] : wanted.calls) {
      left_out += calls - got.calls_of(node);
    }
    for (const test::Watch watch : {test::Watch::outputs, test::Watch::spikes, test::Watch::everything}) {
      const auto all = test::run_all(model, data, settings(Order::stepped, 2), watch);
      ASSERT_TRUE(test::same(test::run_all(model, data, settings(Order::event_driven, 2), watch), all));
    }
    if (HasFailure()) {
      return;
    }
  }
  EXPECT_GT(left_out, 5000);  // of about 70 000 calls
}

TEST(EventDriven, GoesOnFromASavedStateAsSteppedDoes) {
  for (unsigned seed = 0; seed < 30; ++seed) {
    const RandomGraph graph(seed);
    SCOPED_TRACE(graph.text());
    const Model model = model_of(graph.text());
    const InputData data = bursts(model, 24, 1, [](Index t) { return t % 12 < 2; });
    const auto all = data.batch(0, 1, 24);
    std::map<Order, std::vector<std::byte>> states;
    for (const Order order : {Order::stepped, Order::event_driven}) {
      const Plan plan = make_plan(test::runtime(), model, settings(order, 1), 8, 1, false);
      std::vector<std::byte> saved = Simulation(plan).save();
      for (Index part = 0; part < 3; ++part) {  // each with a simulation of its own
        Simulation simulation(plan);
        simulation.restore(saved);
        RunInput input;
        for (const auto& [node, value] : all) {
          input.values[node] = steps_of(value, part * 8, 8);
        }
        Recorder nobody;
        run(simulation, input, nobody);
        saved = simulation.save();
      }
      states[order] = saved;
    }
    EXPECT_EQ(states.at(Order::event_driven), states.at(Order::stepped));
  }
}

}  // namespace
}  // namespace volley
