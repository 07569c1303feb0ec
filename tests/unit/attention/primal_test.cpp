// Primal attention against plain loops, and its properties.
#include "attention/primal.hpp"

#include "sim/base/parallel.hpp"
#include "tests/reference/product_ref.hpp"
#include "tests/unit/attention/primal_case.hpp"

namespace volley::test {
namespace {

std::vector<Case> primal_cases() {
  const auto cases = read_cases("primal.txt");
  EXPECT_FALSE(cases.empty());
  return cases;
}

Case read_case_with(const std::string& field) {
  for (const Case& entry : primal_cases()) {
    if (entry.has(field)) {
      return entry;
    }
  }
  throw std::runtime_error("no case has " + field);
}

TEST(Primal, KernelsAndCostEqualThePlainLoops) {
  for (const Case& entry : primal_cases()) {
    SCOPED_TRACE(entry.line);
    const auto [op, numbers, in] = primal_run(entry);
    CountingTally tally;
    const auto wanted = primal_reference(numbers, tally);
    expect_parity(table_of<PrimalAttention>(), op, in);
    const auto out = run_kernel(op, "reference", in);
    expect_numbers(out[0], wanted.out);
    expect_numbers(out[1], wanted.e);
    expect_numbers(out[2], wanted.r);
    const auto objective = numbers_of(out[3]);
    ASSERT_EQ(objective.size(), wanted.objective.size());
    for (std::size_t s = 0; s < objective.size(); ++s) {
      const double size = 1 + std::abs(wanted.objective[s]);
      EXPECT_NEAR(static_cast<double>(objective[s]), wanted.objective[s], 1e-6 * size);  // one rounding
      const double loss = wanted.objective[s] * wanted.objective[s];
      EXPECT_NEAR(static_cast<double>(numbers_of(out[4])[s]), loss, 1e-6 * (1 + loss));
    }
    EXPECT_EQ(cost_of(op, in, out), tally.cost);
    Index maps = 2 * spec_of(in[0]).shape.count();  // macs of the lengths: not of a product
    EXPECT_EQ(op.dense_mac(specs_of(in)), tally.cost.mac - maps);
  }
}

TEST(Primal, NeedsNoPlaceForWhatNobodyAskedFor) {
  const auto [op, numbers, in] = primal_run(primal_cases()[1]);
  const KernelTable table = table_of<PrimalAttention>();
  for (const Kernel& kernel : table.all(op.kind())) {
    const auto all = run_op(op, kernel, in);
    for (const std::size_t wanted : {0, 1, 4}) {
      std::vector<Value> out{make_value(spec_of(all[0])), Value{}, Value{}, Value{}, Value{}};
      out[wanted] = make_value(spec_of(all[wanted]));
      kernel.run({op, in, out, op.constants(), nullptr, {0, 2, 2}, cpu_backend(), 0, 1, 0});
      EXPECT_TRUE(same(out[0], all[0])) << kernel.name;
      EXPECT_TRUE(same(out[wanted], all[wanted])) << kernel.name;
    }
  }
}

// The sum of all products is what the engine does, and the last one of a case that is small by hand.
TEST(Primal, ProductsAreItsMacs) {
  for (const Case& entry : primal_cases()) {
    SCOPED_TRACE(entry.line);
    const auto [op, numbers, in] = primal_run(entry);
    const Shape shape = spec_of(in[0]).shape;
    std::vector<Value> sample;
    for (const Value& value : in) {
      sample.push_back(volley::sample_of(volley::steps_of(value, 0, 1), 0));
    }
    const auto products = op.products(sample);
    const std::size_t of_head = op.is_causal() ? 3 : 5;
    ASSERT_EQ(products.size(), of_head * static_cast<std::size_t>(numbers.heads));
    Index dense = 0;
    Index bias = 0;
    for (const Product& product : products) {
      dense += product.dense * shape[Axis::T] * shape[Axis::B];
      bias += product.bias;
    }
    EXPECT_EQ(dense, op.dense_mac(specs_of(in)));
    EXPECT_EQ(bias, shape[Axis::N] * shape[Axis::C]);
    PairTally wanted;
    const auto out = run_kernel(op, "reference", sample);
    const auto e = numbers_of(out[1]);
    const auto r = numbers_of(out[2]);
    for (Index n = 0; n < numbers.tokens; ++n) {
      for (Index a = 0; a < 2 * numbers.rank; ++a) {
        const auto& side = a < numbers.rank ? e : r;
        for (Index c = 0; c < numbers.width; ++c) {
          wanted.pair(static_cast<double>(side[numbers.score(0, n, 0, a % numbers.rank)]),
                      static_cast<double>(numbers.wc[static_cast<std::size_t>(c * 2 * numbers.rank + a)]));
        }
      }
    }
    const Product& last = products[of_head - 1];
    expect_product(last, wanted);
    EXPECT_EQ(last.head, 0);
    EXPECT_TRUE(last.b.is_weight);
    EXPECT_EQ(last.a.size, numbers.tokens * 2 * numbers.rank);
  }
}

TEST(Primal, ARowOfZerosHasNoDirection) {
  auto [op, numbers, in] = primal_run(primal_cases()[0]);
  in[0] = tensor_of(tbnc(1, 1, 1, 1), std::vector<float>{0});
  const auto out = run_first(op, in);
  EXPECT_EQ(numbers_of(out[1])[0], 0.0f);
}

// Token i of a long run is the last token of a run that ends there: sums of prefixes are all it carries.
TEST(Primal, CausalTokensDependOnThePastOnly) {
  PrimalAttention op = made_with<PrimalAttention>({{"heads", 2.0}, {"causal", true}});
  set_primal_weights(op, random_primal_weights({2, 8, 8, 3}, 5));
  const auto in = primal_inputs(tbnc(1, 1, 9, 16), true, 1);
  const auto all = numbers_of(run_first(op, in)[0]);
  for (const Index length : {1, 4, 8}) {
    std::vector<Value> prefix;
    for (const Value& value : in) {
      auto numbers = numbers_of(value);
      numbers.resize(static_cast<std::size_t>(length * 16));
      prefix.emplace_back(tensor_of(tbnc(1, 1, length, 16), numbers));
    }
    const auto some = numbers_of(run_first(op, prefix)[0]);
    EXPECT_TRUE(std::equal(some.begin(), some.end(), all.begin())) << length;
  }
}

TEST(Primal, TakesTheSampledTokensAsTheyAreGiven) {
  const Attributes even{{"heads", 1.0}, {"rank_multi", 2.0}};
  Attributes given = even;
  given["indices"] = std::vector<double>{0, 1, 3, 5};  // floor(j 5 / 3)
  auto other = given;
  other["indices"] = std::vector<double>{0, 1, 3, 4};
  const auto weights = random_primal_weights({1, 4, 4, 2}, 5);
  const auto in = primal_inputs(tbnc(1, 1, 6, 4), false, 1);
  const auto run = [&](const Attributes& attributes) {
    auto op = made_with<PrimalAttention>(attributes);
    set_primal_weights(op, weights);
    return run_first(op, in)[0];
  };
  EXPECT_TRUE(same(run(given), run(even)));
  EXPECT_FALSE(same(run(other), run(even)));
}

TEST(Primal, AMaskedTokenGivesZeroAndStillCounts) {
  const PrimalRun run = primal_run(read_case_with("mask"));
  std::vector<Value> without(run.in.begin(), run.in.end() - 1);
  const auto masked = run_first(run.op, run.in);
  const auto plain = run_first(run.op, without);
  EXPECT_TRUE(same(masked[1], plain[1]));
  EXPECT_TRUE(same(masked[3], plain[3]));
  const auto out = numbers_of(masked[0]);
  const auto all = numbers_of(plain[0]);
  Index zeros = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const bool is_open =
        run.numbers.mask[i / static_cast<std::size_t>(run.numbers.heads * run.numbers.width)] != 0;
    EXPECT_EQ(out[i], is_open ? all[i] : 0.0f);
    zeros += is_open ? 0 : 1;
  }
  EXPECT_GT(zeros, 0);
  EXPECT_LT(zeros, static_cast<Index>(out.size()));
  std::vector<Value> silent = without;  // all tokens masked: 0, not an error
  silent.emplace_back(make_value(spec_of(run.in.back())));
  for (const float number : numbers_of(run_first(run.op, silent)[0])) {
    EXPECT_EQ(number, 0.0f);
  }
}

TEST(Primal, DoesNotDependOnTheThreads) {
  const int threads = thread_count();
  for (const Case& entry : primal_cases()) {
    SCOPED_TRACE(entry.line);
    const auto [op, numbers, in] = primal_run(entry);
    set_thread_count(1);
    const auto alone = run_first(op, in);
    set_thread_count(4);
    const auto together = run_first(op, in);
    set_thread_count(threads);
    for (std::size_t i = 0; i < alone.size(); ++i) {
      EXPECT_TRUE(same(together[i], alone[i])) << "output " << i;
    }
  }
}

TEST(Primal, CostIsLinearInTheTokens) {
  PrimalAttention op = made_with<PrimalAttention>({{"heads", 1.0}, {"causal", true}});
  set_primal_weights(op, random_primal_weights({1, 8, 8, 3}, 5));
  const auto macs = [&](Index tokens) {
    return op.dense_mac(std::vector<ValueSpec>(2, dense_spec(tbnc(1, 1, tokens, 8))));
  };
  EXPECT_EQ(macs(2000), 2 * macs(1000));
}

TEST(Primal, ABatchOfTwoIsTwoBatches) {
  const auto op_of = [](bool is_causal) {
    auto op = made_with<PrimalAttention>({{"heads", 2.0}, {"causal", is_causal}, {"rank_multi", 2.0}});
    set_primal_weights(op, random_primal_weights({2, 4, 4, 2}, 5));
    return op;
  };
  for (const bool is_causal : {false, true}) {
    expect_batch_of_two_is_two_batches(op_of(is_causal), primal_inputs(tbnc(1, 2, 7, 8), is_causal, 1));
  }
}

}  // namespace
}  // namespace volley::test
