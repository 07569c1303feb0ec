// A spiking layer, linear and LIF, beside the dense product alone of oneDNN; one thread.
#include <benchmark/benchmark.h>

#include <cmath>
#include <memory>
#include <numbers>

#include "bench/linear_onednn.hpp"
#include "models/runtime.hpp"
#include "sim/base/parallel.hpp"
#include "sim/base/rng.hpp"
#include "sim/op/roundable.hpp"
#include "tests/support/random_values.hpp"

namespace volley::bench {
namespace {

constexpr Index steps = 4;

struct Size {
  Index inputs, outputs, tokens;  // tokens of one step
};

// Channels fire at rates of their own, as in trained models: 15 % are dead, 10 % fire at 0.6 when the mean is
// 0.1 or more, the rest are exponential around what is left of the mean. same: all fire at the mean.
SpikeTensor channel_spikes(const Size& size, double mean, bool same, std::uint64_t seed) {
  constexpr double dead = 0.15;
  constexpr double hot = 0.1;
  constexpr double hot_rate = 0.6;
  const bool has_hot = mean >= 0.1;
  const double left = (mean - (has_hot ? hot * hot_rate : 0.0)) / (1.0 - dead - (has_hot ? hot : 0.0));
  std::vector<float> rates(static_cast<std::size_t>(size.inputs));
  for (std::size_t c = 0; c < rates.size(); ++c) {
    const double kind = random_uniform(seed, 1, 0, c);
    const double draw = random_uniform(seed, 2, 0, c);
    rates[c] = static_cast<float>(-left * std::log1p(-draw));
    if (kind < dead) {
      rates[c] = 0.0f;
    } else if (has_hot && kind < dead + hot) {
      rates[c] = static_cast<float>(hot_rate);
    }
    if (same) {
      rates[c] = static_cast<float>(mean);
    }
  }
  Tensor dense(Dtype::f32, {{Axis::T, steps}, {Axis::B, 1}, {Axis::N, size.tokens}, {Axis::C, size.inputs}});
  const auto numbers = dense.as_mutable<float>();
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = random_uniform(seed, 3, 0, i) < rates[i % rates.size()] ? 1.0f : 0.0f;
  }
  return pack(dense, binary_code());
}

const Runtime& runtime() {
  static const Runtime instance = make_runtime();
  return instance;
}

// A linear layer and the LIF behind it, with their values.
struct Layer {
  std::unique_ptr<Operator> linear = runtime().registry.make("linear");
  std::unique_ptr<Operator> lif = runtime().registry.make("neuron.lif");
  Value spikes, current, fired;
  std::unique_ptr<State> state;

  Layer(const Size& size, double rate, bool same, bool rounds) : spikes(channel_spikes(size, rate, same, 7)) {
    const double spread = 1.0 / std::sqrt(static_cast<double>(size.inputs) * rate);
    std::vector<float> weight(static_cast<std::size_t>(size.inputs * size.outputs));
    for (std::size_t i = 0; i < weight.size(); ++i) {  // normal, by Box and Muller
      const double radius = std::sqrt(-2.0 * std::log1p(-double{random_uniform(1, 1, 0, i)}));
      weight[i] = static_cast<float>(spread * radius *
                                     std::cos(2.0 * std::numbers::pi * double{random_uniform(1, 2, 0, i)}));
    }
    linear->set_weight("weight", {size.outputs, size.inputs}, weight);
    linear->set_weight("bias", {size.outputs}, test::random_numbers(size.outputs, 2));
    if (rounds) {
      dynamic_cast<Roundable&>(*linear).round_weights();
    }
    const ValueSpec in = spec_of(spikes);
    current = make_value(linear->infer(std::span(&in, 1), steps)[0]);
    const ValueSpec middle = spec_of(current);
    fired = make_value(lif->infer(std::span(&middle, 1), steps)[0]);
    state = lif->make_state(std::span(&middle, 1));
  }

  Call linear_call(std::span<const Value> out) const {
    return {*linear,
            std::span(&spikes, 1),
            out,
            linear->constants(),
            nullptr,
            {0, steps, steps},
            cpu_backend(),
            0,
            0,
            0};
  }
  Call lif_call(std::span<const Value> in, std::span<const Value> out) const {
    return {*lif, in, out, {}, state.get(), {0, steps, steps}, cpu_backend(), 0, 0, 0};
  }
  void run(const Kernel& kernel, const Kernel& neuron) {
    const Value out[2] = {fired, {}};
    if (kernel.run_into != nullptr) {
      const Value none[1];
      neuron.run_fed(lif_call(none, out),
                     [&](const StripSink& sink) { kernel.run_into(linear_call(none), sink); });
      return;
    }
    kernel.run(linear_call(std::span(&current, 1)));
    neuron.run(lif_call(std::span(&current, 1), out));
  }
};

void add(const std::string& name, const std::function<void()>& run) {
  benchmark::RegisterBenchmark(name.c_str(), [run](benchmark::State& state) {
    for (auto _ : state) {
      run();
    }
  })->Unit(benchmark::kMicrosecond);
}

void add_layer(const Size& size, double rate, bool same) {
  const std::string name = fmt::format("{}x{}/M={}/{}/rate={}", size.inputs, size.outputs,
                                       steps * size.tokens, same ? "same" : "own", rate);
  const Kernel& neuron = runtime().kernels.all("neuron.lif").front();
  for (const bool rounds : {false, true}) {
    const auto layer = std::make_shared<Layer>(size, rate, same, rounds);
    const ValueSpec in = spec_of(layer->spikes);
    for (const Kernel& kernel : runtime().kernels.all("linear")) {
      if (kernel.name != "reference" && kernel.accepts(*layer->linear, std::span(&in, 1)).ok) {
        add(name + "/" + std::string(kernel.name), [layer, &kernel, &neuron] { layer->run(kernel, neuron); });
      }
    }
  }
  const auto dense = std::make_shared<DenseLinear>(steps * size.tokens, size.inputs, size.outputs);
  add(name + "/onednn_f32", [dense] { dense->run(); });
  const auto bytes =
      std::make_shared<DenseLinear>(steps * size.tokens, size.inputs, size.outputs, Precision::u8s8);
  add(name + "/onednn_u8s8", [bytes] { bytes->run(); });
}

}  // namespace
}  // namespace volley::bench

int main(int count, char** words) {
  using namespace volley;
  benchmark::Initialize(&count, words);
  set_thread_count(1);
  const bench::Size sizes[] = {{512, 2048, 196}, {384, 1536, 196}, {1536, 384, 196}, {384, 384, 196},
                               {768, 3072, 196}, {512, 2048, 16},  {512, 2048, 1}};
  for (const bench::Size& size : sizes) {
    for (const double rate : {0.02, 0.05, 0.1, 0.2, 0.3, 0.5}) {
      bench::add_layer(size, rate, false);
    }
  }
  bench::add_layer(sizes[0], 0.1, true);
  bench::add_layer(sizes[0], 0.2, true);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
