// SSA against event-driven loops, in both orders.
#include "attention/spike_attention.hpp"

#include "tests/unit/attention/attention_case.hpp"

namespace volley::test {
namespace {

std::vector<Value> binary_inputs(const Shape& shape, std::uint64_t seed) {
  return {random_spikes(shape, binary_code(), 0.2, seed), random_spikes(shape, binary_code(), 0.2, seed + 1),
          random_spikes(shape, binary_code(), 0.2, seed + 2)};
}

TEST(SpikeAttention, KernelsAndCostEqualTheEventDrivenLoops) {
  const auto cases = attention_cases(SpikeAttention::op_kind);
  ASSERT_FALSE(cases.empty());
  int linear = 0;
  for (const Case& entry : cases) {
    SCOPED_TRACE(entry.line);
    const auto op = made_with<SpikeAttention>(entry.attributes());
    const auto in = attention_inputs(entry);
    CountingTally tally;
    const auto wanted = ssa_reference(attention_numbers(in, op.heads()), op.scale(),
                                      entry.word_or("attr.order", "qk_v"), tally);
    const KernelTable table = table_of<SpikeAttention>();
    linear += table.choose(op, specs_of(in), Device::cpu).kernel->name == "linear_i16" ? 1 : 0;
    expect_parity(table, op, in);
    const auto out = run_kernel(op, "reference", in);
    expect_numbers(out[0], wanted.out);
    expect_numbers(out[1], wanted.score);
    EXPECT_EQ(cost_of(op, in, out), tally.cost);
    expect_score_is_optional(op, in);
  }
  EXPECT_GE(linear, 8) << "too few cases reach the linear kernel";
}

TEST(SpikeAttention, BothOrdersGiveTheSameNumbersAndOtherCounts) {
  const auto in = binary_inputs(tbnc(2, 1, 49, 64), 5);
  const auto qk_v = made_with<SpikeAttention>({{"heads", 2.0}, {"order", "qk_v"}});
  const auto q_kv = made_with<SpikeAttention>({{"heads", 2.0}, {"order", "q_kv"}});
  const auto out = run_first(qk_v, in);
  EXPECT_TRUE(same(run_first(q_kv, in)[0], out[0]));
  const Index q = spike_count(std::get<SpikeTensor>(in[0]));
  const Index k = spike_count(std::get<SpikeTensor>(in[1]));
  const Index v = spike_count(std::get<SpikeTensor>(in[2]));
  EXPECT_EQ(cost_of(qk_v, in, out).ac, (q + v) * 49);
  EXPECT_EQ(cost_of(q_kv, in, out).ac, (k + q) * 32);
}

TEST(SpikeAttention, PermutingTokensPermutesOutputs) {
  const auto op = made_with<SpikeAttention>({{"heads", 2.0}});
  const auto in = binary_inputs(tbnc(2, 1, 5, 64), 6);
  const std::vector<Index> order{3, 0, 4, 1, 2};
  const auto moved = run_first(
      op, std::vector<Value>{permuted(in[0], order), permuted(in[1], order), permuted(in[2], order)});
  EXPECT_TRUE(same(moved[0], permuted(run_first(op, in)[0], order)));
}

TEST(SpikeAttention, ASumOfEightIsOne) {
  const auto op = made_with<SpikeAttention>({{"heads", 1.0}});
  const Value full = random_spikes(tbnc(1, 1, 1, 8), binary_code(), 1, 1);
  const auto out = run_first(op, std::vector<Value>{full, full, full});
  EXPECT_EQ(numbers_of(out[0]), std::vector<float>(8, 1.0f));
  EXPECT_EQ(numbers_of(out[1]), std::vector<float>(1, 8.0f));
}

TEST(SpikeAttention, ABipolarInputWithoutMinusIsTheBinaryOne) {
  const auto op = made_with<SpikeAttention>({{"heads", 2.0}});
  const auto in = binary_inputs(tbnc(1, 1, 49, 64), 7);
  std::vector<Value> bipolar;
  for (const Value& value : in) {
    bipolar.emplace_back(pack(as_dense(value), bipolar_code()));
  }
  EXPECT_TRUE(same(run_first(op, bipolar)[0], run_first(op, in)[0]));
}

TEST(SpikeAttention, ABatchOfTwoIsTwoBatches) {
  expect_batch_of_two_is_two_batches(made_with<SpikeAttention>({{"heads", 2.0}}),
                                     binary_inputs(tbnc(1, 2, 49, 32), 8));
}

TEST(SpikeAttention, RealInputsAreRefused) {
  const auto op = made_with<SpikeAttention>({{"heads", 1.0}});
  const Shape shape = tbnc(1, 1, 2, 4);
  const ValueSpec spikes = spike_spec(shape, binary_code());
  const std::vector<ValueSpec> in{spikes, spikes, dense_spec(shape)};
  EXPECT_EQ(op.wanted_form(2, in), Form::dense);
  expect_refused(op, in, "v is f32, wanted spikes: put a neuron before it");
  ValueSpec events = spikes;
  events.form = Form::events;
  EXPECT_EQ(op.wanted_form(0, std::vector{events, spikes, spikes}), Form::spikes);
}

TEST(SpikeAttention, ScoresThatNeedMoreThan32BitsAreRefused) {
  const auto op = made_with<SpikeAttention>({{"heads", 1.0}});
  const ValueSpec wide = spike_spec(tbnc(1, 1, 1, 1 << 20), graded_code(64));
  expect_refused(op, {wide, wide, wide},
                 "C of q is 1048576: a score may need more than 32 bits, wanted more heads or fewer levels");
}

TEST(SpikeAttention, SumsThatNeedMoreThan32BitsGoToTheReference) {
  const auto op = made_with<SpikeAttention>({{"heads", 1.0}});
  const std::vector<float> most(70 * 128, 64.0f);
  const Value q = pack(tensor_of(tbnc(1, 1, 1, 128), std::span(most).first(128)), graded_code(64));
  const Value k = pack(tensor_of(tbnc(1, 1, 70, 128), most), graded_code(64));
  const std::vector<Value> in{q, k, k};
  const KernelTable table = table_of<SpikeAttention>();
  const Choice choice = table.choose(op, specs_of(in), Device::cpu);
  EXPECT_EQ(choice.kernel->name, "reference");
  EXPECT_EQ(choice.refusals.back(), "bits: sums may need more than 32 bits");
  EXPECT_EQ(numbers_of(run_op(op, *choice.kernel, in)[0])[0],
            0.125f * 70.0f * 128.0f * 64.0f * 64.0f * 64.0f);
}

TEST(SpikeAttention, FewTokensGoToTheQuadraticKernel) {
  const auto op = made_with<SpikeAttention>({{"heads", 1.0}});
  const auto in = binary_inputs(tbnc(1, 1, 16, 64), 9);
  const KernelTable table = table_of<SpikeAttention>();
  const Choice choice = table.choose(op, specs_of(in), Device::cpu);
  EXPECT_EQ(choice.kernel->name, "bits");
  const std::string why = ": too few tokens: k^T v is larger than q k^T";
  EXPECT_EQ(choice.refusals, (std::vector<std::string>{"linear_i16" + why, "linear" + why}));
}

// 64 channels of 600 spikes each: the entries of k^T v fit 16 bits, the sum of a query does not.
TEST(SpikeAttention, SumsBeyondSixteenBitsAreExact) {
  const auto op = made_with<SpikeAttention>({{"heads", 1.0}, {"scale", 1.0}});
  const Value all = random_spikes(tbnc(1, 1, 600, 64), binary_code(), 1, 1);
  const std::vector<Value> in{all, all, all};
  EXPECT_EQ(numbers_of(run_kernel(op, "linear_i16", in)[0])[0], 600.0f * 64.0f);
}

TEST(SpikeAttention, DenseWorkFollowsTheOrder) {
  const ValueSpec q = spike_spec(tbnc(2, 3, 5, 16), binary_code());
  const ValueSpec k = spike_spec(tbnc(2, 3, 7, 16), binary_code());
  const std::vector<ValueSpec> in{q, k, k};
  EXPECT_EQ(made_with<SpikeAttention>({{"heads", 4.0}}).dense_mac(in), 2 * 3 * 4 * (2 * 5 * 7 * 4));
  EXPECT_EQ(made_with<SpikeAttention>({{"heads", 4.0}, {"order", "q_kv"}}).dense_mac(in),
            2 * 3 * 4 * (5 + 7) * 4 * 4);
}

}  // namespace
}  // namespace volley::test
