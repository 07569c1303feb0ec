// Logits from the mean key against plain loops.
#include "attention/cat_logits.hpp"

#include "tests/unit/attention/cat_case.hpp"

namespace volley::test {
namespace {

TEST(CatLogits, KernelsAndCostEqualThePlainLoops) {
  const auto cases = cat_cases(CatLogits::op_kind);
  ASSERT_FALSE(cases.empty());
  for (const Case& entry : cases) {
    SCOPED_TRACE(entry.line);
    const auto op = made_with<CatLogits>(entry.attributes());
    const Shape q = entry.shape("TBNC");
    const Shape k = q.with(Axis::N, entry.integer_or("M", q[Axis::N]));
    const auto seed = static_cast<std::uint64_t>(entry.integer("seed"));
    const std::vector<Value> in{random_dense(q, seed), random_dense(k, seed + 100)};
    const auto numbers = attention_numbers(std::vector<Value>{in[0], in[1], in[1]}, op.heads());
    CountingTally tally;
    const auto wanted = cat_logits_reference(numbers, op.scale(numbers.width), tally);
    expect_parity(table_of<CatLogits>(), op, in);
    const auto out = run_kernel(op, "reference", in);
    expect_numbers(out[0], wanted);
    EXPECT_EQ(cost_of(op, in, out), tally.cost);
    EXPECT_EQ(op.dense_mac(specs_of(in)), tally.cost.mac);
    Index pairs = 0;
    for (Index b = 0; b < q[Axis::B]; ++b) {
      const auto sample = [&](const Value& value) {
        return volley::sample_of(volley::steps_of(value, 0, 1), b);
      };
      for (const Product& product : op.products(std::vector<Value>{sample(in[0]), sample(in[1])})) {
        pairs += product.dense * q[Axis::T];
      }
    }
    EXPECT_EQ(pairs, tally.cost.mac);
  }
}

TEST(CatLogits, FeedCirculantAttention) {
  const auto logits = made_with<CatLogits>({{"heads", 2.0}});
  const Shape shape = tbnc(2, 1, 9, 8);
  const std::vector<ValueSpec> in{dense_spec(shape), dense_spec(shape)};
  const auto z = logits.infer(in, 1)[0];
  EXPECT_EQ(z, dense_spec(shape.with(Axis::C, 2)));
  EXPECT_EQ(cat_of(2, "corr").infer(std::vector<ValueSpec>{z, in[0]}, 1)[0], in[0]);
}

TEST(CatLogits, TheScaleIsOneOverTheRootOfDOrLeftOut) {
  EXPECT_EQ(made_with<CatLogits>({{"heads", 1.0}}).scale(16), 0.25f);
  EXPECT_EQ(made_with<CatLogits>({{"heads", 1.0}, {"scale", 1.0}}).scale(16), 1.0f);
}

TEST(CatLogits, RefusesWhatDoesNotFit) {
  const auto op = made_with<CatLogits>({{"heads", 2.0}});
  const Shape q = tbnc(1, 2, 5, 6);
  const ValueSpec good = dense_spec(q);
  expect_refused(op, {good, dense_spec(q.with(Axis::C, 8))}, "C of k is 8, wanted 6 as in q");
  expect_refused(op, {good, dense_spec(q.with(Axis::B, 1))}, "B of k is 1, wanted 2 as in q");
  expect_refused(op, {good, dense_spec(q.with(Axis::N, 0))}, "N of k is 0, wanted at least 1");
  expect_refused(op, {dense_spec(q.without(Axis::T)), good},
                 "q is f32 [B=2 N=5 C=6], wanted the axes T B N C");
  expect_refused(op, {dense_spec(q.with(Axis::C, 5)), dense_spec(q.with(Axis::C, 5))},
                 "C of q is 5, wanted a multiple of heads 2");
  expect_refused(op, {spike_spec(q, binary_code()), good}, "q is binary, wanted dense f32");
  expect_refused(op, {good, spike_spec(q, binary_code())}, "k is binary, wanted dense f32");
  expect_refused(made_with<CatLogits>({{"heads", -1.0}}), {good, good}, "heads is -1, wanted at least 1");
}

}  // namespace
}  // namespace volley::test
