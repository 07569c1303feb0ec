// What counting costs: a Spikformer run with and without a ledger, in one process.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <limits>

#include "models/runtime.hpp"
#include "sim/base/parallel.hpp"
#include "sim/measure/ledger.hpp"

namespace volley::bench {
namespace {

constexpr Index samples = 16;
constexpr Index batch = 8;
constexpr Index steps = 4;
constexpr int pairs = 15;
constexpr double ms_per_s = 1e3;

struct Prepared {
  Runtime runtime = make_runtime();
  Model model = load_model(runtime, "spikformer");
  InputData data{model.graph, random_arrays(model.graph, samples, steps, 0), {}, "random"};

  double seconds(Recorder& recorder) const {
    RunSettings settings;
    settings.batch = batch;
    return run_model(runtime, model, data, settings, recorder, [](Index, Index) {}).seconds;
  }
};

// The runs take turns, and the least time of each is told: what else the machine does falls on both.
void counting(benchmark::State& state) {
  static const Prepared prepared;
  set_thread_count(static_cast<int>(state.range(0)));
  double plain = std::numeric_limits<double>::infinity();
  double counted = plain;
  for (auto _ : state) {
    Recorder nobody;
    Ledger ledger;
    plain = std::min(plain, prepared.seconds(nobody));
    counted = std::min(counted, prepared.seconds(ledger));
  }
  state.counters["plain_ms"] = plain * ms_per_s;
  state.counters["counted_ms"] = counted * ms_per_s;
  state.counters["ratio"] = counted / plain;
}
BENCHMARK(counting)
    ->ArgName("threads")
    ->Arg(1)
    ->Arg(2)
    ->Iterations(pairs)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace volley::bench

BENCHMARK_MAIN();
