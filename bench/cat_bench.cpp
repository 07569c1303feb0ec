// Circulant attention beside softmax, from short to long rows; one thread.
#include <benchmark/benchmark.h>

#include <complex>
#include <memory>

#include "attention/cat_fft.hpp"
#include "models/runtime.hpp"
#include "sim/base/check.hpp"
#include "sim/base/parallel.hpp"
#include "tests/support/random_values.hpp"

namespace volley::bench {
namespace {

constexpr Index width = 64;        // of a head
constexpr Index transformed = 32;  // channels of the lines without a mechanism

// One operator with its inputs.
struct Prepared {
  std::shared_ptr<Operator> op;
  std::vector<Value> in, out;
};

struct Line {
  std::string name, kind, kernel;
  Attributes attributes;
  double rate = -1;  // of v; below 0: dense
};

const Runtime& runtime() {
  static const Runtime instance = make_runtime();
  return instance;
}

Prepared prepare(const Line& line, Index tokens, Index channels) {
  const Shape shape{{Axis::T, 1}, {Axis::B, 1}, {Axis::N, tokens}, {Axis::C, channels}};
  const Shape of_heads = shape.with(Axis::C, channels / width);
  Prepared made;
  made.op = runtime().registry.make(line.kind);
  Attributes attributes = line.attributes;
  attributes["heads"] = static_cast<double>(channels / width);
  parse_params(*made.op, "bench", attributes);
  if (line.kind == "attention.softmax") {
    made.in = {test::random_dense(shape, 1), test::random_dense(shape, 2), test::random_dense(shape, 3)};
  } else if (line.kind == "attention.cat_spikes") {
    made.in = {test::random_spikes(of_heads, binary_code(), line.rate, 1),
               test::random_spikes(shape, bipolar_code(), line.rate, 2)};
  } else if (line.rate >= 0) {
    made.in = {test::random_dense(of_heads, 1), test::random_spikes(shape, bipolar_code(), line.rate, 2)};
  } else {
    made.in = {test::random_dense(of_heads, 1), test::random_dense(shape, 2)};
  }
  Specs specs;
  for (const Value& value : made.in) {
    specs.push_back(spec_of(value));
  }
  const Specs outputs = made.op->infer(specs, 1);
  made.out = {make_value(outputs[0])};
  made.out.resize(outputs.size());
  return made;
}

const Kernel& kernel_of(const Line& line) {
  for (const Kernel& kernel : runtime().kernels.all(line.kind)) {
    if (kernel.name == line.kernel) {
      return kernel;
    }
  }
  fail(Fault::model, "{} has no kernel {}", line.kind, line.kernel);
}

// The inputs are made when the line runs, and go away after it.
void add_line(const Line& line, Index tokens, Index channels) {
  benchmark::RegisterBenchmark(fmt::format("{}/N={}/D={}", line.name, tokens, channels).c_str(),
                               [line, tokens, channels](benchmark::State& state) {
                                 const Prepared made = prepare(line, tokens, channels);
                                 for (auto _ : state) {
                                   kernel_of(line).run({*made.op,
                                                        made.in,
                                                        made.out,
                                                        made.op->constants(),
                                                        nullptr,
                                                        {0, 1, 1},
                                                        cpu_backend(),
                                                        0,
                                                        0,
                                                        0});
                                 }
                               })
      ->Unit(benchmark::kMicrosecond);
}

// One product with a circulant in transformed channels: a transform there and one back of four complex
// signals.
void add_transform(Index tokens) {
  benchmark::RegisterBenchmark(
      fmt::format("transform_{}_channels/N={}", transformed, tokens).c_str(),
      [tokens](benchmark::State& state) {
        const auto column = test::random_numbers(tokens, 1);
        const auto values = test::random_numbers(tokens * transformed, 2);
        std::vector<float> out(values.size());
        std::vector<std::complex<float>> spectrum(static_cast<std::size_t>(circulant_length(tokens)));
        transform_column(column, spectrum);
        for (auto _ : state) {
          multiply_circulant(spectrum, values.data(), transformed, tokens, transformed, out.data(),
                             transformed);
          benchmark::DoNotOptimize(out.data());
        }
      })
      ->Unit(benchmark::kMicrosecond);
}

}  // namespace
}  // namespace volley::bench

int main(int count, char** words) {
  using namespace volley;
  benchmark::Initialize(&count, words);
  set_thread_count(1);
  const std::vector<bench::Line> lines{
      {"softmax", "attention.softmax", "blocks", {}, -1},
      {"cat_gather", "attention.cat", "gather", {}, -1},
      {"cat_fft", "attention.cat", "fft", {}, -1},
      {"cat_rel_gather", "attention.cat", "gather", {{"causal", "rel"}}, -1},
      {"cat_rel_fft", "attention.cat", "causal_fft", {{"causal", "rel"}}, -1},
      {"cat_abs_scan", "attention.cat", "scan", {{"causal", "abs"}}, -1},
      {"spiking_a_events_rate_0.02", "attention.cat", "events", {}, 0.02},
      {"spiking_a_events_rate_0.1", "attention.cat", "events", {}, 0.1},
      {"spiking_a_chosen_rate_0.1", "attention.cat", "events_or_fft", {}, 0.1},
      {"spiking_b_rate_0.1", "attention.cat_spikes", "rolls_or_fft", {}, 0.1}};
  for (const Index channels : {384, 768}) {
    for (const Index tokens : {64, 196, 1024, 4096, 16384}) {
      for (const bench::Line& line : lines) {
        bench::add_line(line, tokens, channels);
      }
    }
  }
  for (const Index tokens : {64, 196, 257, 1000, 1021, 1024, 4096, 16384}) {
    bench::add_transform(tokens);
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
