// Spiking primal attention against plain loops, and its properties.
#include "attention/primal_mix.hpp"
#include "attention/primal_scores.hpp"
#include "sim/base/parallel.hpp"
#include "tests/reference/primal_spikes_ref.hpp"
#include "tests/reference/product_ref.hpp"
#include "tests/unit/attention/attention_case.hpp"

namespace volley::test {
namespace {

constexpr double grid = 64;  // weights are multiples of 1 / grid: sums are exact in any order

std::vector<Case> cases_of(std::string_view kind) {
  std::vector<Case> cases;
  for (const Case& entry : read_cases("primal_spikes.txt")) {
    if (entry.kind == kind) {
      cases.push_back(entry);
    }
  }
  EXPECT_FALSE(cases.empty());
  return cases;
}

TokenNumbers tokens_of(const Value& value) {
  const Shape shape = spec_of(value).shape;
  return {shape[Axis::T] * shape[Axis::B], shape[Axis::N], shape[Axis::C], numbers_of(value)};
}

struct ScoreRun {
  PrimalScores op;
  PrimalSpikeNumbers numbers;
  std::vector<Value> in;
};

void set_score_weights(PrimalScores& op, const PrimalSpikeNumbers& numbers) {
  op.set_weight("we", {numbers.heads, numbers.rows, numbers.rank}, numbers.we);
  op.set_weight("wr", {numbers.heads, numbers.rows, numbers.rank}, numbers.wr);
  op.set_weight("lambda", {numbers.heads, numbers.rank}, numbers.lambda);
}

ScoreRun score_run(const Case& entry) {
  ScoreRun run;
  parse_params(run.op, "attn", entry.attributes());
  const Shape shape = entry.shape("TBNC");
  const auto seed = static_cast<std::uint64_t>(entry.integer("seed"));
  const double rate = entry.real_or("rate", 0.3);
  PrimalSpikeNumbers& numbers = run.numbers;
  numbers.heads = entry.integer("attr.heads");
  numbers.rows = entry.integer("n");
  numbers.rank = entry.integer("rank");
  numbers.is_causal = run.op.is_causal();
  numbers.threshold = entry.real_or("attr.threshold", 1);
  numbers.trace_of_data = entry.word_or("attr.trace", "raw") == "data";
  const Index count = numbers.heads * numbers.rows * numbers.rank;
  numbers.we = random_numbers(count, seed + 300, grid);
  numbers.wr = random_numbers(count, seed + 301, grid);
  numbers.lambda = random_numbers(numbers.heads * numbers.rank, seed + 302);
  set_score_weights(run.op, numbers);
  const SpikeCode feature = code_of(entry.word_or("code", "bipolar"));
  run.in = {random_spikes(shape, feature, rate, seed), random_spikes(shape, feature, rate, seed + 100)};
  if (!numbers.is_causal) {
    run.in.emplace_back(random_spikes(shape, code_of(entry.word_or("code_x", "binary")), rate, seed + 200));
    numbers.x = tokens_of(run.in[2]);
  }
  numbers.q = tokens_of(run.in[0]);
  numbers.k = tokens_of(run.in[1]);
  for (Index j = 0; j < numbers.rows; ++j) {
    numbers.indices.push_back(numbers.rows == 1 ? 0 : j * (numbers.q.tokens - 1) / (numbers.rows - 1));
  }
  return run;
}

TEST(PrimalScores, KernelsAndCostEqualThePlainLoops) {
  for (const Case& entry : cases_of("attention.primal_scores")) {
    SCOPED_TRACE(entry.line);
    const auto [op, numbers, in] = score_run(entry);
    CountingTally tally;
    const auto wanted = primal_spike_reference(numbers, tally);
    expect_parity(table_of<PrimalScores>(), op, in);
    const auto out = run_kernel(op, "reference", in);
    expect_numbers(out[0], wanted.spikes);
    const auto e = numbers_of(out[1]);
    const auto r = numbers_of(out[2]);
    for (std::size_t i = 0; i < e.size(); ++i) {
      ASSERT_NEAR(e[i], wanted.e[i], 1e-6f * (1 + std::abs(wanted.e[i])));  // a square root, a division
      ASSERT_NEAR(r[i], wanted.r[i], 1e-6f * (1 + std::abs(wanted.r[i])));
    }
    for (std::size_t s = 0; s < wanted.objective.size(); ++s) {
      const double objective = wanted.objective[s];
      EXPECT_NEAR(static_cast<double>(numbers_of(out[3])[s]), objective, 1e-5 * (1 + std::abs(objective)));
      EXPECT_NEAR(static_cast<double>(numbers_of(out[4])[s]), objective * objective,
                  1e-5 * (1 + objective * objective));
    }
    EXPECT_EQ(cost_of(op, in, out), tally.cost);
  }
}

// The form of the definition: 2 s nnz(f(X)) + s (nnz(phi_q) + nnz(phi_k)), here with f(X) = X.
TEST(PrimalScores, CostIsTheClosedForm) {
  for (const Case& entry : cases_of("attention.primal_scores")) {
    if (entry.word_or("attr.n_rule", "fixed") != "all") {
      continue;
    }
    SCOPED_TRACE(entry.line);
    const auto [op, numbers, in] = score_run(entry);
    const auto events = [&](std::size_t i) { return spike_count(std::get<SpikeTensor>(in[i])); };
    const Cost cost = cost_of(op, in, run_first(op, in));
    EXPECT_EQ(cost.ac, numbers.rank * (2 * events(2) + events(0) + events(1)));
    EXPECT_EQ(cost.mac, 0);
    EXPECT_EQ(cost.special, 0);  // nothing is divided, no root is taken
  }
}

TEST(PrimalScores, ProductsAreTheDenseMacsAndTheEvents) {
  for (const Case& entry : cases_of("attention.primal_scores")) {
    SCOPED_TRACE(entry.line);
    const auto [op, numbers, in] = score_run(entry);
    std::vector<Value> sample;
    for (const Value& value : in) {
      sample.push_back(volley::sample_of(volley::steps_of(value, 0, 1), 0));
    }
    const auto products = op.products(sample);
    const std::size_t of_head = op.is_causal() ? 2 : 4;
    ASSERT_EQ(products.size(), of_head * static_cast<std::size_t>(numbers.heads));
    Index dense = 0;
    Index units = 0;
    for (const Product& product : products) {
      dense += product.dense;
      units += product.units_a;
      EXPECT_EQ(product.driven, Driven::a);
    }
    EXPECT_EQ(dense, op.dense_mac(specs_of(sample)));
    EXPECT_EQ(units, cost_of(op, sample, run_first(op, sample)).ac);
    const std::size_t first = op.is_causal() ? 0 : 2;  // phi_q w_e of head 0
    PairTally wanted;
    const CountingTally none;
    CountingTally seen = none;
    const auto projection = spike_projection(numbers, numbers.we, 0, 0, seen);
    for (Index n = 0; n < numbers.q.tokens; ++n) {
      for (Index c = 0; c < numbers.width(); ++c) {
        for (Index a = 0; a < numbers.rank; ++a) {
          wanted.pair(numbers.q(0, n, c), projection[static_cast<std::size_t>(c * numbers.rank + a)]);
        }
      }
    }
    expect_product(products[first], wanted);
  }
}

// Feature rows of k events of +1 and one weight a for all: the score a k fires when a k / sqrt(k) reaches the
// threshold, which it does not at k = 3 and does, exactly, at k = 4.
TEST(PrimalScores, TheLengthStandsInTheThreshold) {
  PrimalScores op = made_with<PrimalScores>({{"heads", 1.0}, {"causal", true}, {"threshold", 1.0}});
  op.set_weight("we", {1, 5, 1}, std::vector<float>(5, 0.5f));
  op.set_weight("wr", {1, 5, 1}, std::vector<float>(5, -0.5f));
  op.set_weight("lambda", {1, 1}, std::vector<float>{1});
  std::vector<float> rows;
  for (int events = 0; events <= 5; ++events) {
    for (int c = 0; c < 5; ++c) {
      rows.push_back(c < events ? 1.0f : 0.0f);
    }
  }
  const Value phi = pack(tensor_of(tbnc(1, 1, 6, 5), rows), bipolar_code());
  for (const char* kernel : {"tiles", "reference"}) {
    const auto out = run_kernel(op, kernel, std::vector<Value>{phi, phi});
    expect_numbers(out[0], {0, 0, 0, 0, 0, 0, 0, 0, 1, -1, 1, -1});  // a silent row too stays silent
    EXPECT_EQ(numbers_of(out[1])[0], 0.0f);
    EXPECT_EQ(numbers_of(out[1])[4], 1.0f);
  }
}

TEST(PrimalScores, AnAccumulatorOfZeroNeverFires) {
  PrimalScores op = made_with<PrimalScores>({{"heads", 1.0}, {"causal", true}, {"threshold", 1e-30}});
  op.set_weight("we", {1, 2, 1}, std::vector<float>{1, 1});
  op.set_weight("wr", {1, 2, 1}, std::vector<float>{1, 1});
  op.set_weight("lambda", {1, 1}, std::vector<float>{1});
  const Value phi = pack(tensor_of(tbnc(1, 1, 1, 2), std::vector<float>{1, -1}), bipolar_code());
  for (const char* kernel : {"tiles", "reference"}) {
    expect_numbers(run_kernel(op, kernel, std::vector<Value>{phi, phi})[0], {0, 0});
  }
}

TEST(PrimalScores, DoNotDependOnTheThreadsOrTheBatch) {
  const int threads = thread_count();
  for (const Case& entry : cases_of("attention.primal_scores")) {
    SCOPED_TRACE(entry.line);
    const auto [op, numbers, in] = score_run(entry);
    set_thread_count(1);
    const auto alone = run_first(op, in);
    set_thread_count(4);
    const auto together = run_first(op, in);
    set_thread_count(threads);
    for (std::size_t i = 0; i < alone.size(); ++i) {
      EXPECT_TRUE(same(together[i], alone[i])) << "output " << i;
    }
    if (spec_of(in[0]).shape[Axis::B] == 2 && spec_of(in[0]).shape[Axis::T] == 1) {
      expect_batch_of_two_is_two_batches(op, in);
    }
  }
}

TEST(PrimalMix, KernelsCostAndProductsEqualThePlainLoops) {
  for (const Case& entry : cases_of("attention.primal_mix")) {
    SCOPED_TRACE(entry.line);
    PrimalMix op;
    parse_params(op, "mix", entry.attributes());
    const Shape shape = entry.shape("TBNC");
    const Index width = entry.integer("d");
    const Index inputs = shape[Axis::C] / op.heads();
    const auto seed = static_cast<std::uint64_t>(entry.integer("seed"));
    const auto weight = random_numbers(width * inputs, seed + 1, grid);
    const auto bias = random_numbers(width, seed + 2, grid);
    op.set_weight("concate_weight", {width, inputs}, weight);
    op.set_weight("concate_bias", {width}, bias);
    const std::vector<Value> in{
        random_spikes(shape, code_of(entry.word_or("code", "bipolar")), entry.real_or("rate", 0.3), seed)};
    CountingTally tally;
    const auto wanted = primal_mix_reference(tokens_of(in[0]), op.heads(), weight, bias, tally);
    expect_parity(table_of<PrimalMix>(), op, in);
    const auto out = run_kernel(op, "reference", in);
    expect_numbers(out[0], wanted);
    EXPECT_EQ(cost_of(op, in, out), tally.cost);
    const std::vector<Value> sample{volley::sample_of(volley::steps_of(in[0], 0, 1), 0)};
    Index dense = 0;
    Index units = 0;
    Index biases = 0;
    for (const Product& product : op.products(sample)) {
      dense += product.dense;
      units += product.units_a;
      biases += product.bias;
    }
    const Cost cost = cost_of(op, sample, run_first(op, sample));
    EXPECT_EQ(dense, op.dense_mac(specs_of(sample)));
    EXPECT_EQ(units, cost.ac);
    EXPECT_EQ(biases, cost.add);
  }
}

TEST(RunningSpikes, KernelsAndCostEqualThePlainLoops) {
  for (const Case& entry : cases_of("attention.running_spikes")) {
    SCOPED_TRACE(entry.line);
    RunningSpikes op;
    parse_params(op, "running", entry.attributes());
    const std::vector<Value> in{
        random_dense(entry.shape("TBNC"), static_cast<std::uint64_t>(entry.integer("seed")))};
    CountingTally tally;
    const auto wanted = running_spikes_reference(tokens_of(in[0]), op.decay(), op.threshold(), tally);
    expect_parity(table_of<RunningSpikes>(), op, in);
    const auto out = run_kernel(op, "reference", in);
    expect_numbers(out[0], wanted);
    EXPECT_EQ(cost_of(op, in, out), tally.cost);
  }
}

TEST(RunningSpikes, DependOnThePastOnly) {
  const auto op = made_with<RunningSpikes>({{"threshold", 0.5}});
  const Value all = random_dense(tbnc(1, 1, 9, 5), 3);
  const auto whole = numbers_of(run_first(op, std::vector<Value>{all})[0]);
  auto numbers = numbers_of(all);
  numbers.resize(4 * 5);
  const Value some = tensor_of(tbnc(1, 1, 4, 5), numbers);
  const auto part = numbers_of(run_first(op, std::vector<Value>{some})[0]);
  EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin()));
}

}  // namespace
}  // namespace volley::test
