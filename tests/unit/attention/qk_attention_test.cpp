// Sums and masks of QKFormer against loops, and what the paper promises of them.
#include "attention/qk_attention.hpp"

#include "tests/unit/attention/family_case.hpp"

namespace volley::test {
namespace {

TEST(TokenSum, KernelsAndCostEqualTheLoop) {
  for (const Case& entry : family_cases(TokenSum::op_kind)) {
    SCOPED_TRACE(entry.line);
    const Index heads = entry.integer("heads");
    const std::vector<Value> in{spikes_of(entry, entry.shape("TBNC"), 0)};
    CountingTally tally;
    const auto wanted = token_sum_reference(token_numbers(in[0]), heads, tally);
    expect_reference(made_with<TokenSum>({{"heads", static_cast<double>(heads)}}), in, wanted, tally);
  }
}

TEST(TokenSum, RefusesHeadsThatDoNotFit) {
  const ValueSpec q = spike_spec(tbnc(1, 1, 2, 6), binary_code());
  expect_refused(made_with<TokenSum>({{"heads", 0.0}}), {q}, "heads is 0, wanted at least 1");
  expect_refused(made_with<TokenSum>({{"heads", 4.0}}), {q}, "C of q is 6, wanted a multiple of heads 4");
  expect_refused(made_with<TokenSum>({{"heads", 2.0}}), {dense_spec(q.shape)},
                 "q is f32, wanted binary spikes: put a neuron before it");
  EXPECT_THROW(made_with<TokenSum>({}), Error);
  ValueSpec events = q;
  events.form = Form::events;
  EXPECT_EQ(TokenSum().wanted_form(0, std::vector{events}), Form::spikes);
}

TEST(TokenMask, KernelsAndCostEqualTheLoop) {
  for (const Case& entry : family_cases(TokenMask::op_kind)) {
    SCOPED_TRACE(entry.line);
    const Index heads = entry.integer("heads");
    const std::vector<Value> in{spikes_of(entry, entry.shape("TBNC").with(Axis::C, heads), 0),
                                spikes_of(entry, entry.shape("TBNC"), 1)};
    const TokenNumbers a = token_numbers(in[0]);
    const Index width = entry.integer("C") / heads;
    CountingTally tally;
    const auto wanted = mask_reference(
        token_numbers(in[1]), [&](Index sample, Index n, Index c) { return a(sample, n, c / width); }, tally);
    expect_reference(TokenMask(), in, wanted, tally);
  }
}

TEST(TokenMask, CommutesWithPermutationsOfTokens) {
  const std::vector<Value> in{random_spikes(tbnc(2, 1, 5, 3), binary_code(), 0.5, 1),
                              random_spikes(tbnc(2, 1, 5, 66), binary_code(), 0.5, 2)};
  const std::vector<Index> order{3, 0, 4, 1, 2};
  const auto moved =
      run_first(TokenMask(), std::vector<Value>{permuted(in[0], order), permuted(in[1], order)});
  EXPECT_TRUE(same(moved[0], permuted(run_first(TokenMask(), in)[0], order)));
}

TEST(TokenMask, RefusesMasksThatDoNotFit) {
  const ValueSpec a = spike_spec(tbnc(1, 1, 2, 4), binary_code());
  const ValueSpec k = spike_spec(tbnc(1, 1, 2, 6), binary_code());
  expect_refused(TokenMask(), {a, k}, "C of k is 6, wanted a multiple of C of a, 4 heads");
  expect_refused(TokenMask(), {spike_spec(tbnc(1, 1, 3, 2), binary_code()), k},
                 "N of a is 3, wanted 2 as in k");
  expect_refused(TokenMask(), {dense_spec(a.shape), a},
                 "a is f32, wanted binary spikes: put a neuron before it");
  expect_refused(TokenMask(), {a, spike_spec(a.shape, bipolar_code())},
                 "k is bipolar, wanted binary spikes: put a neuron before it");
  ValueSpec events = k;
  events.form = Form::events;
  EXPECT_EQ(TokenMask().wanted_form(1, std::vector{a, events}), Form::spikes);
}

TEST(ChannelSum, KernelsAndCostEqualTheLoop) {
  for (const Case& entry : family_cases(ChannelSum::op_kind)) {
    SCOPED_TRACE(entry.line);
    const std::vector<Value> in{spikes_of(entry, entry.shape("TBNC"), 0)};
    CountingTally tally;
    const auto wanted = channel_sum_reference(token_numbers(in[0]), tally);
    expect_reference(ChannelSum(), in, wanted, tally);
  }
}

TEST(ChannelSum, RefusesWhatIsNotBinary) {
  const ValueSpec q = spike_spec(tbnc(1, 1, 2, 6), graded_code(4));
  expect_refused(ChannelSum(), {q}, "q is graded 4, wanted binary spikes: put a neuron before it");
  expect_refused(ChannelSum(), {spike_spec({{Axis::T, 1}, {Axis::B, 1}}, binary_code())},
                 "q is binary [T=1 B=1], wanted the axes T B N C");
  ValueSpec events = q;
  events.form = Form::events;
  EXPECT_EQ(ChannelSum().wanted_form(0, std::vector{events}), Form::spikes);
}

}  // namespace
}  // namespace volley::test
