// BSA against plain loops with big integers, and the properties of Shiftmax.
#include "attention/bipolar_attention.hpp"

#include "attention/shiftmax.hpp"
#include "tests/unit/attention/attention_case.hpp"

namespace volley::test {
namespace {

std::vector<Value> bipolar_inputs(const Shape& shape, double rate, std::uint64_t seed, double grid = 0) {
  return {random_spikes(shape, bipolar_code(), rate, seed),
          random_spikes(shape, bipolar_code(), rate, seed + 1), random_dense(shape, seed + 2, grid)};
}

BipolarSettings settings_of(const Case& entry) {
  return {entry.word_or("attr.normalise", "shiftmax"), entry.word_or("attr.arithmetic", "exact"),
          entry.integer_or("attr.max_shift", -1), entry.integer_or("attr.frac_bits", 0)};
}

TEST(BipolarAttention, KernelsAndCostEqualThePlainLoops) {
  const auto cases = attention_cases(BipolarAttention::op_kind);
  ASSERT_FALSE(cases.empty());
  for (const Case& entry : cases) {
    SCOPED_TRACE(entry.line);
    const auto op = made_with<BipolarAttention>(entry.attributes());
    const auto in = attention_inputs(entry);
    CountingTally tally;
    const auto wanted = bipolar_reference(attention_numbers(in, op.heads()), settings_of(entry), tally);
    expect_parity(table_of<BipolarAttention>(), op, in);
    const auto out = run_kernel(op, "reference", in);
    expect_numbers(out[0], wanted.out);
    expect_numbers(out[1], wanted.score);
    EXPECT_EQ(cost_of(op, in, out), tally.cost);
    EXPECT_EQ(op.cost_needs_output(1), entry.integer_or("attr.max_shift", -1) >= 0);
    expect_score_is_optional(op, in);
  }
}

TEST(BipolarAttention, EntriesAreExactPowersOfTwoAndRowsSumToMoreThanHalf) {
  const auto op = made_with<BipolarAttention>({{"heads", 2.0}});
  const Index tokens = 49;
  for (const double rate : {0.0, 0.05, 0.3, 1.0}) {
    const auto score = numbers_of(run_first(op, bipolar_inputs(tbnc(2, 1, tokens, 64), rate, 3))[1]);
    for (std::size_t row = 0; row < score.size(); row += tokens) {
      double sum = 0;
      for (std::size_t m = row; m < row + tokens; ++m) {
        int exponent = 0;
        ASSERT_EQ(std::frexp(score[m], &exponent), 0.5f);
        sum += static_cast<double>(score[m]);
      }
      ASSERT_GT(sum, 0.5);
      ASSERT_LE(sum, 1.0);
    }
  }
}

TEST(BipolarAttention, ASilentQueryLooksAtAllKeysAlike) {
  const auto op = made_with<BipolarAttention>({{"heads", 1.0}});
  for (const Index tokens : {1, 7, 16, 49}) {
    auto in = bipolar_inputs(tbnc(1, 1, tokens, 16), 0.4, 4);
    in[0] = SpikeTensor(bipolar_code(), tbnc(1, 1, tokens, 16));
    const auto n = static_cast<Index>(std::ceil(std::log2(static_cast<double>(tokens))));
    for (const float entry : numbers_of(run_first(op, in)[1])) {
      EXPECT_EQ(entry, power_of_two(n));
    }
  }
}

TEST(BipolarAttention, AChannelThatAllKeysShareChangesNothing) {
  const auto op = made_with<BipolarAttention>({{"heads", 1.0}});
  auto in = bipolar_inputs(tbnc(1, 1, 9, 65), 0.4, 5);
  auto q = numbers_of(in[0]);
  auto k = numbers_of(in[1]);
  const auto with_channel = [&](float query) {
    for (std::size_t n = 0; n < 9; ++n) {
      q[n * 65 + 64] = query;
      k[n * 65 + 64] = 1;
    }
    in[0] = pack(tensor_of(tbnc(1, 1, 9, 65), q), bipolar_code());
    in[1] = pack(tensor_of(tbnc(1, 1, 9, 65), k), bipolar_code());
    return run_first(op, in);
  };
  const auto without = with_channel(0);
  const auto plus = with_channel(1);
  const auto minus = with_channel(-1);
  for (const std::size_t output : {std::size_t{0}, std::size_t{1}}) {
    EXPECT_TRUE(same(plus[output], without[output]));
    EXPECT_TRUE(same(minus[output], without[output]));
  }
}

TEST(BipolarAttention, PermutingTokensPermutesOutputs) {
  const auto op = made_with<BipolarAttention>({{"heads", 2.0}});
  const auto in = bipolar_inputs(tbnc(2, 1, 5, 32), 0.1, 6, 16);  // a grid: the sum is exact in any order
  const std::vector<Index> order{3, 0, 4, 1, 2};
  const auto moved = run_first(
      op, std::vector<Value>{permuted(in[0], order), permuted(in[1], order), permuted(in[2], order)});
  EXPECT_TRUE(same(moved[0], permuted(run_first(op, in)[0], order)));
}

TEST(BipolarAttention, BipolarWithoutMinusIsBinary) {
  const auto op = made_with<BipolarAttention>({{"heads", 2.0}});
  const Shape shape = tbnc(1, 1, 16, 64);
  const SpikeTensor q = random_spikes(shape, binary_code(), 0.3, 7);
  const SpikeTensor k = random_spikes(shape, binary_code(), 0.3, 8);
  const Value v = random_dense(shape, 9);
  const auto binary = run_first(op, std::vector<Value>{q, k, v});
  const auto bipolar =
      run_first(op, std::vector<Value>{pack(unpack(q), bipolar_code()), pack(unpack(k), bipolar_code()), v});
  EXPECT_TRUE(same(bipolar[0], binary[0]));
  EXPECT_TRUE(same(bipolar[1], binary[1]));
}

TEST(BipolarAttention, FixedPointWithEnoughBitsIsExact) {
  const auto in = bipolar_inputs(tbnc(1, 1, 16, 32), 0.2, 10, 8);
  const auto exact = run_first(made_with<BipolarAttention>({{"heads", 2.0}}), in);
  float smallest = 1;
  for (const float entry : numbers_of(exact[1])) {
    smallest = std::min(smallest, entry);
  }
  ASSERT_GE(smallest, 0x1p-20f);  // 3 places of v and 20 shifts are 23
  const auto enough = made_with<BipolarAttention>(
      {{"heads", 2.0}, {"arithmetic", "qmn"}, {"frac_bits", 23.0}, {"max_shift", 20.0}});
  const auto few = made_with<BipolarAttention>(
      {{"heads", 2.0}, {"arithmetic", "qmn"}, {"frac_bits", 3.0}, {"max_shift", 20.0}});
  EXPECT_TRUE(same(run_first(enough, in)[0], exact[0]));
  EXPECT_FALSE(same(run_first(few, in)[0], exact[0]));
}

// One key of score 1, one of score -1: gamma is 2, the shifts are 1 and 3.
TEST(BipolarAttention, FixedPointFloorsAndCutsToZero) {
  const std::vector<Value> in{
      pack(tensor_of(tbnc(1, 1, 1, 1), std::vector<float>{1.0f}), bipolar_code()),
      pack(tensor_of(tbnc(1, 1, 2, 1), std::vector<float>{1.0f, -1.0f}), bipolar_code()),
      tensor_of(tbnc(1, 1, 2, 1), std::vector<float>{2.0f, -1.0f})};
  const auto out = [&](Attributes attributes) {
    attributes["heads"] = 1.0;
    return numbers_of(run_first(made_with<BipolarAttention>(attributes), in)[0])[0];
  };
  EXPECT_EQ(out({}), 1.0f - 0.125f);
  EXPECT_EQ(out({{"max_shift", 2.0}}), 1.0f);
  EXPECT_EQ(out({{"arithmetic", "qmn"}, {"frac_bits", 0.0}}), 0.0f);  // -1 >> 3 is -1
  EXPECT_EQ(out({{"arithmetic", "qmn"}, {"frac_bits", 0.0}, {"max_shift", 2.0}}), 1.0f);
  EXPECT_EQ(out({{"arithmetic", "qmn"}, {"frac_bits", 2.0}}), 0.75f);
}

TEST(BipolarAttention, FixedPointRoundsHalfToEvenAndSaturates) {
  const auto op = made_with<BipolarAttention>({{"heads", 1.0}, {"arithmetic", "qmn"}, {"frac_bits", 1.0}});
  const Value spike = random_spikes(tbnc(1, 1, 1, 5), binary_code(), 1, 1);
  const std::vector<float> v{0.25f, 0.75f, -0.25f, 3.0e38f, -3.0e38f};  // one key: the shift is 0
  const auto out =
      numbers_of(run_first(op, std::vector<Value>{spike, spike, tensor_of(tbnc(1, 1, 1, 5), v)})[0]);
  EXPECT_EQ(out, (std::vector<float>{0.0f, 1.0f, 0.0f, 0x1p61f, -0x1p61f}));
}

TEST(BipolarAttention, ABatchOfTwoIsTwoBatches) {
  expect_batch_of_two_is_two_batches(made_with<BipolarAttention>({{"heads", 2.0}}),
                                     bipolar_inputs(tbnc(1, 2, 16, 32), 0.2, 11));
}

// A shift beyond the smallest float32 still moves a large value into view.
TEST(BipolarAttention, ShiftsBelowFloatRangeAreExact) {
  std::vector<float> k(2 * 100, 1.0f);
  std::fill(k.begin() + 100, k.end(), -1.0f);
  std::vector<float> v(2 * 100, 0.0f);
  std::fill(v.begin() + 100, v.end(), 0x1p127f);
  const std::vector<Value> in{random_spikes(tbnc(1, 1, 1, 100), binary_code(), 1, 1),
                              pack(tensor_of(tbnc(1, 1, 2, 100), k), bipolar_code()),
                              tensor_of(tbnc(1, 1, 2, 100), v)};
  const auto out = run_first(made_with<BipolarAttention>({{"heads", 1.0}}), in);
  EXPECT_EQ(numbers_of(out[0])[0], 0x1p-74f);  // shift 1 + 200
  EXPECT_EQ(numbers_of(out[1]), (std::vector<float>{0.5f, 0.0f}));
}

// Blocks give up where a fused product would round otherwise, or a cut entry is not finite.
TEST(BipolarAttention, TinyAndInfiniteValuesKeepTheirBits) {
  for (const float odd : {0x1p-149f, 0x1p-126f, std::numeric_limits<float>::infinity()}) {
    auto in = bipolar_inputs(tbnc(1, 1, 40, 64), 0.5, 12);
    const auto v = std::get<Tensor>(in[2]).as_mutable<float>();
    for (std::size_t i = 0; i < v.size(); i += 3) {
      v[i] *= 0x1p-126f;
    }
    v[0] = odd;
    const auto op = made_with<BipolarAttention>({{"heads", 1.0}, {"max_shift", 5.0}});
    EXPECT_TRUE(same(run_kernel(op, "blocks", in)[0], run_kernel(op, "reference", in)[0])) << odd;
  }
}

TEST(BipolarAttention, InputsOfTheWrongFormAreRefused) {
  const auto op = made_with<BipolarAttention>({{"heads", 1.0}});
  const Shape shape = tbnc(1, 1, 2, 4);
  const ValueSpec spikes = spike_spec(shape, bipolar_code());
  const ValueSpec real = dense_spec(shape);
  EXPECT_EQ(op.wanted_form(2, std::vector{spikes, spikes, spikes}), Form::dense);
  EXPECT_EQ(op.wanted_form(0, std::vector{real, spikes, real}), Form::dense);
  EXPECT_EQ(op.wanted_form(0, std::vector{spikes, spikes, real}), Form::spikes);
  expect_refused(op, {spikes, real, real}, "k is f32, wanted spikes: put a neuron before it");
  expect_refused(op, {spike_spec(shape, graded_code(4)), spikes, real},
                 "q is graded 4, wanted binary or bipolar spikes");
  expect_refused(op, {spikes, spikes, spikes}, "v is bipolar, wanted dense f32");
}

TEST(BipolarAttention, ParametersThatDontFitAreRefused) {
  const Shape shape = tbnc(1, 1, 2, 4);
  const ValueSpec spikes = spike_spec(shape, bipolar_code());
  const std::vector<ValueSpec> in{spikes, spikes, dense_spec(shape)};
  const auto refused = [&](Attributes attributes, const std::string& wanted) {
    attributes["heads"] = 1.0;
    expect_refused(made_with<BipolarAttention>(attributes), in, wanted);
  };
  refused({{"max_shift", -2.0}}, "max_shift is -2, wanted -1 (no cut) to 149");
  refused({{"max_shift", 150.0}}, "max_shift is 150, wanted -1 (no cut) to 149");
  refused({{"max_shift", 4.0}, {"normalise", "softmax"}},
          "max_shift is 4, wanted only with normalise shiftmax");
  refused({{"arithmetic", "qmn"}, {"normalise", "none"}},
          "arithmetic is qmn, wanted only with normalise shiftmax");
  refused({{"arithmetic", "qmn"}}, "frac_bits is -1, wanted 0 to 30: arithmetic qmn needs it");
  refused({{"arithmetic", "qmn"}, {"frac_bits", 31.0}},
          "frac_bits is 31, wanted 0 to 30: arithmetic qmn needs it");
}

TEST(BipolarAttention, DenseWorkIsTwoProducts) {
  const ValueSpec q = spike_spec(tbnc(2, 3, 5, 16), bipolar_code());
  const ValueSpec k = spike_spec(tbnc(2, 3, 7, 16), bipolar_code());
  EXPECT_EQ(made_with<BipolarAttention>({{"heads", 4.0}}).dense_mac(std::vector{q, k, dense_spec(k.shape)}),
            2 * 3 * 4 * (2 * 5 * 7 * 4));
}

}  // namespace
}  // namespace volley::test
