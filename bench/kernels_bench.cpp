// Times the kernels of linear, LIF and attention, each beside its peers; one thread.
#include <benchmark/benchmark.h>

#include <memory>

#include "bench/linear_onednn.hpp"
#include "models/runtime.hpp"
#include "sim/base/parallel.hpp"
#include "tests/support/random_values.hpp"

namespace volley::bench {
namespace {

// One operator with its inputs, ready to run with any of its kernels.
struct Prepared {
  std::shared_ptr<Operator> op;
  std::vector<Value> in, out;
  std::unique_ptr<State> state;
  Index steps = 1;

  void prepare() {
    Specs specs;
    for (const Value& value : in) {
      specs.push_back(spec_of(value));
    }
    const Specs outputs = op->infer(specs, steps);
    out = {make_value(outputs[0])};
    out.resize(outputs.size());
    state = op->make_state(specs);
  }
  void run(const Kernel& kernel) {
    kernel.run({*op, in, out, op->constants(), state.get(), {0, steps, steps}, cpu_backend(), 0, 0, 0});
  }
};

const Runtime& runtime() {
  static const Runtime instance = make_runtime();
  return instance;
}

void add_rows(const std::string& name, const std::function<Prepared()>& make) {
  const auto prepared = std::make_shared<Prepared>(make());
  prepared->prepare();
  Specs specs;
  for (const Value& value : prepared->in) {
    specs.push_back(spec_of(value));
  }
  for (const Kernel& kernel : runtime().kernels.all(prepared->op->kind())) {
    if (!kernel.accepts(*prepared->op, specs).ok) {
      continue;
    }
    benchmark::RegisterBenchmark((name + "/" + std::string(kernel.name)).c_str(),
                                 [prepared, &kernel](benchmark::State& state) {
                                   for (auto _ : state) {
                                     prepared->run(kernel);
                                   }
                                 })
        ->Unit(benchmark::kMicrosecond);
  }
}

std::shared_ptr<Operator> make_op(const std::string& kind, const Attributes& attributes) {
  std::shared_ptr<Operator> op = runtime().registry.make(kind);
  parse_params(*op, "bench", attributes);
  return op;
}

void add_linear(Index inputs, Index outputs, double rate) {
  constexpr Index steps = 4;
  constexpr Index tokens = 196;
  const std::string name = fmt::format("linear/{}x{}/M={}/rate={}", inputs, outputs, steps * tokens, rate);
  add_rows(name, [&] {
    Prepared made;
    made.op = make_op("linear", {});
    made.op->set_weight("weight", {outputs, inputs}, test::random_numbers(inputs * outputs, 1));
    made.in = {test::random_spikes({{Axis::T, steps}, {Axis::B, 1}, {Axis::N, tokens}, {Axis::C, inputs}},
                                   binary_code(), rate, 7)};
    made.steps = steps;
    return made;
  });
  const auto dense = std::make_shared<DenseLinear>(steps * tokens, inputs, outputs);
  benchmark::RegisterBenchmark((name + "/onednn_f32_dense").c_str(), [dense](benchmark::State& state) {
    for (auto _ : state) {
      dense->run();
    }
  })->Unit(benchmark::kMicrosecond);
}

void add_lif(Index elements) {
  add_rows(fmt::format("neuron.lif/T=4/{}", elements), [&] {
    Prepared made;
    made.op = make_op("neuron.lif", {});
    made.in = {
        test::random_dense({{Axis::T, 4}, {Axis::B, 1}, {Axis::N, elements / 512}, {Axis::C, 512}}, 3)};
    made.steps = 4;
    return made;
  });
}

void add_attention(const std::string& kind, Index tokens, double rate) {
  add_rows(fmt::format("{}/N={}/d=64/rate={}", kind, tokens, rate), [&] {
    const Shape shape{{Axis::T, 1}, {Axis::B, 1}, {Axis::N, tokens}, {Axis::C, 512}};
    Prepared made;
    made.op = make_op(kind, {{"heads", 8.0}});
    if (kind == "attention.softmax") {
      made.in = {test::random_dense(shape, 1), test::random_dense(shape, 2), test::random_dense(shape, 3)};
    } else {
      const SpikeCode code = kind == "attention.bipolar" ? bipolar_code() : binary_code();
      made.in = {test::random_spikes(shape, code, rate, 1), test::random_spikes(shape, code, rate, 2)};
      if (kind == "attention.bipolar") {
        made.in.push_back(test::random_dense(shape, 3));
      } else {
        made.in.push_back(test::random_spikes(shape, code, rate, 3));
      }
    }
    return made;
  });
}

}  // namespace
}  // namespace volley::bench

int main(int count, char** words) {
  using namespace volley;
  benchmark::Initialize(&count, words);
  set_thread_count(1);
  for (const double rate : {0.05, 0.1, 0.2, 0.3}) {
    bench::add_linear(512, 2048, rate);
    bench::add_linear(1536, 384, rate);
  }
  bench::add_lif(512 * 784);
  for (const char* kind : {"attention.softmax", "attention.ssa", "attention.bipolar"}) {
    bench::add_attention(kind, 64, 0.1);
    bench::add_attention(kind, 196, 0.1);
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
