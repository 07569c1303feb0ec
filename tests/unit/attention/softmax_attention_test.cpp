// Softmax attention against plain loops, and its limits.
#include "attention/softmax_attention.hpp"

#include "tests/unit/attention/attention_case.hpp"

namespace volley::test {
namespace {

TEST(SoftmaxAttention, KernelsAndCostEqualThePlainLoops) {
  const auto cases = attention_cases(SoftmaxAttention::op_kind);
  ASSERT_FALSE(cases.empty());
  for (const Case& entry : cases) {
    SCOPED_TRACE(entry.line);
    const auto op = made_with<SoftmaxAttention>(entry.attributes());
    const auto in = attention_inputs(entry);
    const auto numbers = attention_numbers(in, op.heads());
    CountingTally tally;
    const auto wanted = softmax_reference(numbers, op.scale(numbers.width), tally);
    expect_parity(table_of<SoftmaxAttention>(), op, in);
    const auto out = run_kernel(op, "reference", in);
    expect_numbers(out[0], wanted.out);
    expect_numbers(out[1], wanted.score);
    EXPECT_EQ(cost_of(op, in, out), tally.cost);
    EXPECT_EQ(op.dense_mac(specs_of(in)), tally.cost.mac);
    expect_score_is_optional(op, in);
  }
}

TEST(SoftmaxAttention, OfOneKeyIsItsValue) {
  const auto op = made_with<SoftmaxAttention>({{"heads", 2.0}});
  const std::vector<Value> in{random_dense(tbnc(1, 1, 5, 6), 1), random_dense(tbnc(1, 1, 1, 6), 2),
                              random_dense(tbnc(1, 1, 1, 6), 3)};
  const auto out = numbers_of(run_first(op, in)[0]);
  const auto v = numbers_of(in[2]);
  for (std::size_t i = 0; i < out.size(); ++i) {
    EXPECT_EQ(out[i], v[i % 6]);
  }
}

TEST(SoftmaxAttention, ScoresOfHundredsDontOverflow) {
  const auto op = made_with<SoftmaxAttention>({{"heads", 1.0}, {"scale", 1.0}});
  const std::vector<float> large{300.0f, 299.0f};
  const std::vector<Value> in{tensor_of(tbnc(1, 1, 1, 1), std::vector<float>{1.0f}),
                              tensor_of(tbnc(1, 1, 2, 1), large),
                              tensor_of(tbnc(1, 1, 2, 1), std::vector<float>{1.0f, 0.0f})};
  EXPECT_NEAR(numbers_of(run_first(op, in)[0])[0], 1.0 / (1.0 + std::exp(-1.0)),
              1e-6);  // one ulp of exp and division
}

TEST(SoftmaxAttention, RowsOfTheScoreSumToOne) {
  const auto op = made_with<SoftmaxAttention>({{"heads", 2.0}});
  const Shape shape = tbnc(1, 1, 16, 32);
  const std::vector<Value> in{random_dense(shape, 1), random_dense(shape, 2), random_dense(shape, 3)};
  const auto score = numbers_of(run_first(op, in)[1]);
  for (std::size_t row = 0; row < 32; ++row) {
    float sum = 0;
    for (std::size_t m = 0; m < 16; ++m) {
      sum += score[row * 16 + m];
    }
    EXPECT_NEAR(sum, 1.0f, 1e-6f);  // 16 roundings of at most 2^-25 each
  }
}

TEST(SoftmaxAttention, ABatchOfTwoIsTwoBatches) {
  const auto op = made_with<SoftmaxAttention>({{"heads", 2.0}});
  const Shape shape = tbnc(1, 2, 16, 32);
  expect_batch_of_two_is_two_batches(
      op, {random_dense(shape, 1), random_dense(shape, 2), random_dense(shape, 3)});
}

TEST(SoftmaxAttention, PermutingQueriesPermutesOutputs) {
  const auto op = made_with<SoftmaxAttention>({{"heads", 2.0}});
  const Shape shape = tbnc(2, 1, 5, 32);
  const std::vector<Value> in{random_dense(shape, 1), random_dense(shape, 2), random_dense(shape, 3)};
  const std::vector<Index> order{3, 0, 4, 1, 2};
  const auto moved = run_first(op, std::vector<Value>{permuted(in[0], order), in[1], in[2]});
  EXPECT_TRUE(same(moved[0], permuted(run_first(op, in)[0], order)));
}

TEST(SoftmaxAttention, WantsRealNumbers) {
  const auto op = made_with<SoftmaxAttention>({{"heads", 1.0}});
  const Shape shape = tbnc(1, 1, 2, 4);
  const std::vector<ValueSpec> in{dense_spec(shape), spike_spec(shape, binary_code()), dense_spec(shape)};
  EXPECT_EQ(op.wanted_form(1, in), Form::dense);
  expect_refused(op, in, "k is binary, wanted dense f32");
  expect_refused(op, {dense_spec(shape, Dtype::i32), dense_spec(shape), dense_spec(shape)},
                 "q is i32, wanted dense f32");
}

TEST(SoftmaxAttention, TheScaleIsOneOverTheRootOfD) {
  EXPECT_EQ(made_with<SoftmaxAttention>({{"heads", 1.0}}).scale(16), 0.25f);
  EXPECT_EQ(made_with<SoftmaxAttention>({{"heads", 1.0}, {"scale", 0.5}}).scale(16), 0.5f);
}

}  // namespace
}  // namespace volley::test
