// SDSA-1 and the column mask against loops, and what the paper promises of them.
#include "attention/spike_driven_attention.hpp"

#include "tests/unit/attention/family_case.hpp"

namespace volley::test {
namespace {

TEST(SpikeDrivenAttention, KernelsAndCostEqualTheLoop) {
  for (const Case& entry : family_cases(SpikeDrivenAttention::op_kind)) {
    SCOPED_TRACE(entry.line);
    const SpikeDrivenAttention op;
    const std::vector<Value> in{spikes_of(entry, entry.shape("TBNC"), 0),
                                spikes_of(entry, entry.shape("TBNC"), 1)};
    CountingTally tally;
    const auto wanted = sdsa1_reference(token_numbers(in[0]), token_numbers(in[1]), tally);
    expect_reference(op, in, wanted, tally);
    expect_score_is_optional(op, in);
  }
}

TEST(SpikeDrivenAttention, ShowsWhereKeyAndValueFireTogether) {
  const Shape shape = tbnc(2, 2, 7, 65);
  const std::vector<Value> in{random_spikes(shape, binary_code(), 0.5, 1),
                              random_spikes(shape, binary_code(), 0.5, 2)};
  auto wanted = numbers_of(in[0]);
  const auto v = numbers_of(in[1]);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    wanted[i] *= v[i];
  }
  expect_numbers(run_first(SpikeDrivenAttention(), in)[1], wanted);
}

TEST(SpikeDrivenAttention, DoesNotDependOnTheOrderOfTokens) {
  const Shape shape = tbnc(1, 2, 5, 64);
  const std::vector<Value> in{random_spikes(shape, binary_code(), 0.5, 1),
                              random_spikes(shape, binary_code(), 0.5, 2)};
  const std::vector<Index> order{3, 0, 4, 1, 2};
  const std::vector<Value> moved{permuted(in[0], order), permuted(in[1], order)};
  EXPECT_TRUE(same(run_first(SpikeDrivenAttention(), moved)[0], run_first(SpikeDrivenAttention(), in)[0]));
}

TEST(SpikeDrivenAttention, RefusesWhatIsNotBinaryAndWhatDoesNotFit) {
  const SpikeDrivenAttention op;
  const ValueSpec k = spike_spec(tbnc(1, 1, 2, 4), binary_code());
  expect_refused(op, {k, dense_spec(k.shape)}, "v is f32, wanted binary spikes: put a neuron before it");
  expect_refused(op, {spike_spec(k.shape, bipolar_code()), k},
                 "k is bipolar, wanted binary spikes: put a neuron before it");
  expect_refused(op, {k, spike_spec(tbnc(1, 1, 3, 4), binary_code())}, "N of v is 3, wanted 2 as in k");
  expect_refused(op, {k, spike_spec({{Axis::T, 1}, {Axis::B, 1}}, binary_code())},
                 "v is binary [T=1 B=1], wanted the axes T B N C");
  ValueSpec events = k;
  events.form = Form::events;
  EXPECT_EQ(op.wanted_form(0, std::vector{events, k}), Form::spikes);
  EXPECT_EQ(op.wanted_form(1, std::vector{k, dense_spec(k.shape)}), Form::dense);
}

TEST(ColumnMask, KernelsAndCostEqualTheLoop) {
  for (const Case& entry : family_cases(ColumnMask::op_kind)) {
    SCOPED_TRACE(entry.line);
    const std::vector<Value> in{spikes_of(entry, entry.shape("TBNC"), 0),
                                spikes_of(entry, entry.shape("TBNC").with(Axis::N, 1), 1)};
    const TokenNumbers g = token_numbers(in[1]);
    CountingTally tally;
    const auto wanted = mask_reference(
        token_numbers(in[0]), [&](Index sample, Index, Index c) { return g(sample, 0, c); }, tally);
    expect_reference(ColumnMask(), in, wanted, tally);
  }
}

TEST(ColumnMask, PermutingTokensPermutesOutputs) {
  const std::vector<Value> in{random_spikes(tbnc(2, 1, 5, 65), binary_code(), 0.5, 1),
                              random_spikes(tbnc(2, 1, 1, 65), binary_code(), 0.5, 2)};
  const std::vector<Index> order{3, 0, 4, 1, 2};
  const auto moved = run_first(ColumnMask(), std::vector<Value>{permuted(in[0], order), in[1]});
  EXPECT_TRUE(same(moved[0], permuted(run_first(ColumnMask(), in)[0], order)));
}

TEST(ColumnMask, RefusesMasksThatDoNotFit) {
  const ValueSpec q = spike_spec(tbnc(2, 1, 2, 4), binary_code());
  const ValueSpec g = spike_spec(tbnc(2, 1, 1, 4), binary_code());
  expect_refused(ColumnMask(), {q, q}, "N of g is 2, wanted 1: one mask for all tokens");
  expect_refused(ColumnMask(), {q, spike_spec(tbnc(2, 1, 1, 5), binary_code())},
                 "C of g is 5, wanted 4 as in q");
  expect_refused(ColumnMask(), {q, dense_spec(g.shape)},
                 "g is f32, wanted binary spikes: put a neuron before it");
  expect_refused(ColumnMask(), {spike_spec(q.shape, graded_code(4)), g},
                 "q is graded 4, wanted binary spikes: put a neuron before it");
  ValueSpec events = q;
  events.form = Form::events;
  EXPECT_EQ(ColumnMask().wanted_form(0, std::vector{events, g}), Form::spikes);
}

}  // namespace
}  // namespace volley::test
