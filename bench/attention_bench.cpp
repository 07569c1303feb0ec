// Every attention operator but CAT and Primal, beside oneDNN; one thread.
#include <benchmark/benchmark.h>

#include <memory>

#include "bench/attention_onednn.hpp"
#include "models/runtime.hpp"
#include "sim/base/parallel.hpp"
#include "tests/support/random_values.hpp"

namespace volley::bench {
namespace {

constexpr Index width = 64;  // of a head
constexpr double rate = 0.1;

enum class Input { dense, binary, bipolar };

struct Size {
  Index tokens = 0, channels = 0;

  Index heads() const { return channels / width; }
  Shape shape() const { return {{Axis::T, 1}, {Axis::B, 1}, {Axis::N, tokens}, {Axis::C, channels}}; }
};

// An operator with the forms and shapes of its inputs.
struct Line {
  std::string name, kind;
  Attributes attributes;
  std::vector<std::pair<Input, Shape>> inputs;
  bool has_heads = true;
};

struct Prepared {
  std::shared_ptr<Operator> op;
  std::vector<Value> in, out;
};

const Runtime& runtime() {
  static const Runtime instance = make_runtime();
  return instance;
}

Value made_input(Input input, const Shape& shape, std::uint64_t seed) {
  switch (input) {
    case Input::binary:
      return test::random_spikes(shape, binary_code(), rate, seed);
    case Input::bipolar:
      return test::random_spikes(shape, bipolar_code(), rate, seed);
    case Input::dense:
      break;
  }
  return test::random_dense(shape, seed);
}

std::shared_ptr<Operator> made_op(const Line& line, const Size& size) {
  std::shared_ptr<Operator> op = runtime().registry.make(line.kind);
  Attributes attributes = line.attributes;
  if (line.has_heads) {
    attributes["heads"] = static_cast<double>(size.heads());
  }
  parse_params(*op, "bench", attributes);
  const std::vector<float> rates(static_cast<std::size_t>(size.heads()), static_cast<float>(rate));
  for (const WeightSlot& slot : op->weight_slots()) {
    op->set_weight(slot.name, {size.heads()}, rates);
  }
  return op;
}

// Outputs behind the first are for reading along; nobody asks for them here.
Prepared prepare(const Line& line, const Size& size) {
  Prepared made{made_op(line, size), {}, {}};
  Specs specs;
  for (const auto& [input, shape] : line.inputs) {
    made.in.push_back(made_input(input, shape, made.in.size() + 1));
    specs.push_back(spec_of(made.in.back()));
  }
  const Specs outputs = made.op->infer(specs, 1);
  made.out = {make_value(outputs[0])};
  made.out.resize(outputs.size());
  return made;
}

// A line of each fast kernel that accepts. The inputs are made when it runs, and go away after it.
void add_line(const Line& line, const Size& size) {
  const auto op = made_op(line, size);
  Specs specs;
  for (const auto& [input, shape] : line.inputs) {
    specs.push_back(input == Input::dense
                        ? dense_spec(shape)
                        : spike_spec(shape, input == Input::binary ? binary_code() : bipolar_code()));
  }
  const auto kernels = runtime().kernels.all(line.kind);
  for (const Kernel& kernel : kernels) {
    const bool is_slow = kernel.name == "reference" && kernels.size() > 1;
    if (is_slow || kernel.device != Device::cpu || !kernel.accepts(*op, specs).ok) {
      continue;
    }
    const std::string name =
        fmt::format("N={}/D={}/{}/{}", size.tokens, size.channels, line.name, kernel.name);
    benchmark::RegisterBenchmark(name.c_str(), [line, size, &kernel](benchmark::State& state) {
      const Prepared made = prepare(line, size);
      for (auto _ : state) {
        kernel.run(
            {*made.op, made.in, made.out, made.op->constants(), nullptr, {0, 1, 1}, cpu_backend(), 0, 0, 0});
      }
    })->Unit(benchmark::kMicrosecond);
  }
}

void add_peer(const std::string& name, DenseAttention::Work work, const Size& size) {
  benchmark::RegisterBenchmark(fmt::format("N={}/D={}/onednn/{}", size.tokens, size.channels, name).c_str(),
                               [work, size](benchmark::State& state) {
                                 DenseAttention peer(work, size.heads(), size.tokens, width);
                                 for (auto _ : state) {
                                   peer.run();
                                 }
                               })
      ->Unit(benchmark::kMicrosecond);
}

std::vector<Line> lines_of(const Size& size) {
  const Shape all = size.shape();
  const Shape of_heads = all.with(Axis::C, size.heads());
  const Shape one = all.with(Axis::N, 1);
  const Shape wide = all.with(Axis::C, 2 * size.channels);
  const Shape map{
      {Axis::T, 1}, {Axis::B, 1}, {Axis::H, size.heads()}, {Axis::M, size.tokens}, {Axis::N, size.tokens}};
  const auto binary = [](const Shape& shape) { return std::pair(Input::binary, shape); };
  const std::pair bipolar(Input::bipolar, all);
  const std::pair dense(Input::dense, all);
  return {{"softmax", "attention.softmax", {}, {dense, dense, dense}},
          {"bipolar", "attention.bipolar", {}, {bipolar, bipolar, dense}},
          {"bipolar_max_shift_8", "attention.bipolar", {{"max_shift", 8.0}}, {bipolar, bipolar, dense}},
          {"ssa", "attention.ssa", {}, {binary(all), binary(all), binary(all)}},
          {"statten",
           "attention.statten",
           {{"chunk", 1.0}, {"scale", 0.125}},
           {binary(all), binary(all), binary(all)}},
          {"select_top", "attention.select", {}, {bipolar, bipolar, dense}},
          {"dssa_scores", "attention.dssa_scores", {}, {{Input::dense, wide}, binary(all)}},
          {"dssa_values",
           "attention.dssa_values",
           {{"tokens", static_cast<double>(size.tokens)}},
           {{Input::dense, wide}, binary(map)}},
          {"sdsa1", "attention.sdsa1", {}, {binary(all), binary(all)}, false},
          {"column_mask", "attention.column_mask", {}, {binary(all), binary(one)}, false},
          {"token_sum", "attention.token_sum", {}, {binary(all)}},
          {"token_mask", "attention.token_mask", {}, {binary(of_heads), binary(all)}, false},
          {"channel_sum", "attention.channel_sum", {}, {binary(all)}, false}};
}

}  // namespace
}  // namespace volley::bench

int main(int count, char** words) {
  using namespace volley;
  using Work = bench::DenseAttention::Work;
  benchmark::Initialize(&count, words);
  set_thread_count(1);
  for (const Index channels : {384, 768}) {
    for (const Index tokens : {64, 196, 1024, 4096}) {
      const bench::Size size{tokens, channels};
      bench::add_peer("products", Work::products, size);
      bench::add_peer("softmax", Work::softmax, size);
      bench::add_peer("linear", Work::linear, size);
      for (const bench::Line& line : bench::lines_of(size)) {
        bench::add_line(line, size);
      }
    }
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
