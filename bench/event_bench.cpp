// Time of a step over the input rate, for each executor: a small spiking network, one sample at a time.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "models/runtime.hpp"
#include "sim/base/parallel.hpp"
#include "sim/base/rng.hpp"
#include "sim/io/graph_proto.hpp"

namespace volley::bench {
namespace {

constexpr Index inputs = 784;
constexpr Index hidden = 1000;
constexpr Index outputs = 10;
constexpr Index steps = 1000;
constexpr int repetitions = 7;
constexpr std::uint64_t seed = 1;
constexpr const char* graph_text = R"(
format_version: 1 name: "classic" weights: "classic.safetensors"
input { name: "x" form: BINARY per_step: true shape { axis: "C" size: 784 } }
node { name: "linear1" op: "linear" in { from: "x" } weight { slot: "weight" tensor: "w1" } }
node { name: "lif1" op: "neuron.lif" in { from: "linear1" }
       attr { name: "tau" number: 10 } attr { name: "decay_input" flag: false } }
node { name: "linear2" op: "linear" in { from: "lif1" } weight { slot: "weight" tensor: "w2" } }
node { name: "lif2" op: "neuron.lif" in { from: "linear2" }
       attr { name: "tau" number: 10 } attr { name: "decay_input" flag: false } }
node { name: "sum" op: "readout.sum" in { from: "lif2" } attr { name: "axes" text: "T" } }
output { name: "y" from: "sum" }
)";

// Uniform numbers around a mean.
WeightTensor weight(Index rows, Index columns, float mean, float spread, std::uint32_t node) {
  std::vector<float> numbers(static_cast<std::size_t>(rows * columns));
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = mean + spread * (2.0f * random_uniform(seed, node, 0, i) - 1.0f);
  }
  return {{rows, columns}, std::move(numbers)};
}

SpikeTensor poisson(double rate) {
  Tensor dense(Dtype::f32, {{Axis::T, steps}, {Axis::B, 1}, {Axis::C, inputs}});
  const auto numbers = dense.as_mutable<float>();
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = static_cast<double>(random_uniform(seed, 3, 0, i)) < rate ? 1.0f : 0.0f;
  }
  return pack(dense, binary_code());
}

// The spikes of a node, over all steps.
class SpikeSum final : public Recorder {
 public:
  explicit SpikeSum(Port port) : port_(port) {}
  bool wants_value(Port port) const override { return port == port_; }
  void on_value(Port, StepRange, Index, const Value& value) override {
    count += spike_count(std::get<SpikeTensor>(value));
  }
  Index count = 0;

 private:
  Port port_;
};

// Time of this thread on the processor: what else the machine does is not in it.
double now_us() {
  std::timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) * 1e-3;
}

double median_us_per_step(Simulation& simulation, const RunInput& input) {
  std::vector<double> times;
  Recorder nobody;
  for (int i = 0; i < repetitions; ++i) {
    simulation.reset();
    const double begin = now_us();
    run(simulation, input, nobody);
    times.push_back(now_us() - begin);
  }
  std::nth_element(times.begin(), times.begin() + repetitions / 2, times.end());
  return times[repetitions / 2] / static_cast<double>(steps);
}

void print_rate(const Runtime& runtime, const Model& model, double rate) {
  const SpikeTensor spikes = poisson(rate);
  RunInput input;
  input.values[model.graph.inputs().front()] = spikes;
  SpikeSum fired({*model.graph.find("lif1"), 0});
  std::vector<double> us;
  for (const Order order : {Order::stepped, Order::layered, Order::event_driven}) {
    RunSettings settings;
    settings.order = order;
    const Plan plan = make_plan(runtime, model, settings, steps, 1, false);
    Simulation simulation(plan);
    if (order == Order::stepped) {
      run(simulation, input, fired);
    }
    us.push_back(median_us_per_step(simulation, input));
  }
  const auto per_step = [](Index count) { return static_cast<double>(count) / static_cast<double>(steps); };
  const double in = per_step(spike_count(spikes)), out = per_step(fired.count);
  std::printf("%g,%.2f,%.2f,%.0f,%.2f,%.2f,%.2f\n", 100 * rate, in, out,
              in * static_cast<double>(hidden) + out * static_cast<double>(outputs), us[0], us[1], us[2]);
}

}  // namespace
}  // namespace volley::bench

// volley_event_bench [RATE_PERCENT ...]: one thread.
int main(int count, char** words) {
  using namespace volley;
  set_thread_count(1);
  const Runtime runtime = make_runtime();
  const Model model =
      make_model(runtime, {parse_graph_text(bench::graph_text, "bench"),
                           {{"w1", bench::weight(bench::hidden, bench::inputs, 0.0f, 0.15f, 1)},
                            {"w2", bench::weight(bench::outputs, bench::hidden, 0.0f, 0.1f, 2)}}});
  std::vector<double> rates;
  for (int i = 1; i < count; ++i) {
    rates.push_back(std::atof(words[i]) / 100);
  }
  if (rates.empty()) {
    rates = {0, 0.001, 0.003, 0.01, 0.03, 0.05, 0.1, 0.2, 0.3};
  }
  std::printf(
      "input_percent,input_spikes_per_step,hidden_spikes_per_step,additions_per_step,stepped_us,layered_us,"
      "event_driven_us\n");
  for (const double rate : rates) {
    bench::print_rate(runtime, model, rate);
  }
}
