// Primal attention against softmax and oneDNN's rate: time, memory.
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <limits>
#include <thread>

#include "bench/linear_onednn.hpp"
#include "models/runtime.hpp"
#include "sim/base/parallel.hpp"
#include "tests/support/random_values.hpp"

namespace volley::bench {
namespace {

constexpr double spike_rate = 0.2;
constexpr Index head_width = 64, rank = 32, rank_multi = 10;

// One operator with its inputs and its first kernel.
struct Prepared {
  std::shared_ptr<Operator> op;
  std::vector<Value> in;
  bool with_score = false;

  Specs specs() const {
    Specs out;
    for (const Value& value : in) {
      out.push_back(spec_of(value));
    }
    return out;
  }
  void run(const KernelTable& kernels, const std::vector<Value>& out) const {
    const Kernel& kernel = *kernels.choose(*op, specs(), Device::cpu).kernel;
    kernel.run({*op, in, out, op->constants(), nullptr, {0, 1, 1}, cpu_backend(), 0, 0, 0});
  }
  std::vector<Value> make_out() const {
    const Specs specs_out = op->infer(specs(), 1);
    std::vector<Value> out(specs_out.size());
    out[0] = make_value(specs_out[0]);
    if (with_score) {
      out[1] = make_value(specs_out[1]);
    }
    return out;
  }
};

const Runtime& runtime() {
  static const Runtime instance = make_runtime();
  return instance;
}

double seconds_of(const std::function<void()>& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The least times of all bodies, which run in turn: a load beside them meets all alike.
std::vector<double> least_seconds(const std::vector<std::function<void()>>& bodies) {
  std::vector<double> least(bodies.size(), std::numeric_limits<double>::max());
  double spent = 0;
  for (int turn = 0; turn < 2 || (turn < 200 && spent < 3); ++turn) {
    for (std::size_t i = 0; i < bodies.size(); ++i) {
      const double seconds = seconds_of(bodies[i]);
      least[i] = std::min(least[i], seconds);
      spent += seconds;
    }
  }
  return least;
}

std::size_t live_bytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// Outputs and scratch of one run in a fresh thread, whose scratch is empty and stays until it ends [bytes].
std::size_t bytes_of(const Prepared& prepared) {
  std::size_t bytes = 0;
  std::thread([&] {
    const std::size_t before = live_bytes();
    const auto out = prepared.make_out();
    prepared.run(runtime().kernels, out);
    bytes = live_bytes() - before;
  }).join();
  return bytes;
}

Shape tokens_of(Index tokens, Index channels) {
  return {{Axis::T, 1}, {Axis::B, 1}, {Axis::N, tokens}, {Axis::C, channels}};
}

std::shared_ptr<Operator> make_op(const std::string& kind, Index channels, Attributes attributes) {
  std::shared_ptr<Operator> op = runtime().registry.make(kind);
  attributes["heads"] = static_cast<double>(channels / head_width);
  parse_params(*op, "bench", attributes);
  return op;
}

void set_weights(Operator& op, Index heads, Index rows) {
  op.set_weight("we", {heads, rows, rank}, test::random_numbers(heads * rows * rank, 1));
  op.set_weight("wr", {heads, rows, rank}, test::random_numbers(heads * rows * rank, 2));
  op.set_weight("lambda", {heads, rank}, test::random_numbers(heads * rank, 3));
  op.set_weight("concate_weight", {head_width, 2 * rank}, test::random_numbers(head_width * 2 * rank, 4));
  op.set_weight("concate_bias", {head_width}, test::random_numbers(head_width, 5));
}

Prepared primal(Index tokens, Index channels, bool is_causal) {
  Prepared made;
  made.op = make_op("attention.primal", channels,
                    {{"n_rule", "min"}, {"rank_multi", double{rank_multi}}, {"causal", is_causal}});
  set_weights(*made.op, channels / head_width, is_causal ? head_width : std::min(tokens, rank * rank_multi));
  for (std::uint64_t seed = 6; seed < (is_causal ? 8 : 9); ++seed) {
    made.in.emplace_back(test::random_dense(tokens_of(tokens, channels), seed));
  }
  return made;
}

Prepared softmax(Index tokens, Index channels, bool with_score) {
  Prepared made;
  made.op = make_op("attention.softmax", channels, {});
  made.with_score = with_score;
  for (std::uint64_t seed = 6; seed < 9; ++seed) {
    made.in.emplace_back(test::random_dense(tokens_of(tokens, channels), seed));
  }
  return made;
}

// The same with spikes; scores and the matrix behind them.
struct SpikingPrimal {
  Prepared scores, mix;

  SpikingPrimal(Index tokens, Index channels) {
    scores.op =
        make_op("attention.primal_scores", channels, {{"n_rule", "min"}, {"rank_multi", double{rank_multi}}});
    const Index heads = channels / head_width;
    const Index rows = std::min(tokens, rank * rank_multi);
    scores.op->set_weight("we", {heads, rows, rank}, test::random_numbers(heads * rows * rank, 1));
    scores.op->set_weight("wr", {heads, rows, rank}, test::random_numbers(heads * rows * rank, 2));
    scores.op->set_weight("lambda", {heads, rank}, test::random_numbers(heads * rank, 3));
    for (std::uint64_t seed = 6; seed < 9; ++seed) {
      scores.in.emplace_back(
          test::random_spikes(tokens_of(tokens, channels), bipolar_code(), spike_rate, seed));
    }
    mix.op = make_op("attention.primal_mix", channels, {});
    mix.op->set_weight("concate_weight", {head_width, 2 * rank},
                       test::random_numbers(head_width * 2 * rank, 4));
    mix.op->set_weight("concate_bias", {head_width}, test::random_numbers(head_width, 5));
    mix.in.emplace_back(
        test::random_spikes(tokens_of(tokens, 2 * heads * rank), bipolar_code(), spike_rate, 9));
  }
};

double mib(std::size_t bytes) {
  return static_cast<double>(bytes) / (1 << 20);
}

double macs(const Prepared& prepared) {
  return static_cast<double>(prepared.op->dense_mac(prepared.specs()));
}

// out = q + k: what reading the inputs and writing the output costs without any attention.
void add_inputs(const Prepared& prepared, const Value& out) {
  const auto q = std::get<Tensor>(prepared.in[0]).as<float>();
  const auto k = std::get<Tensor>(prepared.in[1]).as<float>();
  std::transform(q.begin(), q.end(), k.begin(), std::get<Tensor>(out).as_mutable<float>().begin(),
                 [](float a, float b) { return a + b; });
}

void print_row(Index tokens, Index channels) {
  const Prepared even = primal(tokens, channels, false);
  const Prepared causal = primal(tokens, channels, true);
  const Prepared full = softmax(tokens, channels, false);
  const SpikingPrimal spiking(tokens, channels);
  DenseLinear product(tokens, channels, channels);
  const auto body = [](const Prepared& prepared) {
    return [&prepared, out = prepared.make_out()] { prepared.run(runtime().kernels, out); };
  };
  const auto least =
      least_seconds({[&] { product.run(); }, body(even), body(causal), body(spiking.scores),
                     body(spiking.mix), [&, out = even.make_out()] { add_inputs(even, out[0]); }});
  const double softmax_seconds = least_seconds({body(full)})[0];
  const double rate = static_cast<double>(tokens * channels * channels) / least[0];
  const double spiking_seconds = least[3] + least[4];
  std::printf("| %lld | %lld | %.0f |", static_cast<long long>(channels), static_cast<long long>(tokens),
              rate * 1e-9);
  std::printf(" %.0f | %.0f | %.2f |", least[1] * 1e6, macs(even) / least[1] * 1e-9,
              rate * least[1] / macs(even));
  std::printf(" %.0f |", least[5] * 1e6);
  std::printf(" %.0f | %.2f |", least[2] * 1e6, rate * least[2] / macs(causal));
  std::printf(" %.0f | %.2f |", spiking_seconds * 1e6,
              rate * spiking_seconds / (macs(spiking.scores) + macs(spiking.mix)));
  std::printf(" %.0f | %.2f | %.2f | %.2f |\n", softmax_seconds * 1e6, mib(bytes_of(even)),
              mib(bytes_of(full)), mib(bytes_of(softmax(tokens, channels, true))));
  std::fflush(stdout);
}

}  // namespace
}  // namespace volley::bench

int main() {
  using namespace volley;
  mallopt(M_ARENA_MAX, 1);  // mallinfo2 sees one arena alone
  set_thread_count(1);
  std::printf(
      "Heads of 64 channels, s 32, n min(N, 320), one step, one thread; least time of 2 to 200 turns.\n"
      "Ratio: time per dense multiply-accumulate beside that of oneDNN's product N x D x D.\n"
      "q + k: the inputs read and added alone. "
      "Spiking: bipolar spikes at rate %.1f. MiB: outputs and scratch.\n\n",
      bench::spike_rate);
  std::printf(
      "| D | N | oneDNN [GMAC/s] | primal [us] | [GMAC/s] | ratio | q + k [us] | causal [us] | ratio "
      "| spiking [us] | ratio | softmax [us] | primal [MiB] | softmax [MiB] | with its score [MiB] |\n");
  std::printf("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n");
  for (const Index channels : {384, 768}) {
    for (const Index tokens : {64, 196, 1024, 4096}) {
      bench::print_row(tokens, channels);
    }
  }
  return 0;
}
