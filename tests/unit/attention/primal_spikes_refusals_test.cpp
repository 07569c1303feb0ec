// What spiking primal attention refuses.
#include "attention/primal_mix.hpp"
#include "attention/primal_scores.hpp"
#include "tests/unit/attention/attention_case.hpp"

namespace volley::test {
namespace {

const Shape tokens = tbnc(1, 1, 5, 6);
const ValueSpec good = spike_spec(tokens, bipolar_code());

PrimalScores scores_with(Attributes attributes, Index rows = 4) {
  attributes.try_emplace("heads", 2.0);
  attributes.try_emplace("rank_multi", 2.0);
  auto op = made_with<PrimalScores>(attributes);
  op.set_weight("we", {2, rows, 2}, random_numbers(4 * rows, 1));
  op.set_weight("wr", {2, rows, 2}, random_numbers(4 * rows, 2));
  op.set_weight("lambda", {2, 2}, random_numbers(4, 3));
  return op;
}

// set_weight throws an Error with exactly this text.
void expect_weight_refused(Operator& op, std::string_view slot, const std::vector<Index>& sizes,
                           const std::string& text) {
  try {
    op.set_weight(slot, sizes, {});
    ADD_FAILURE() << "accepted, wanted: " << text;
  } catch (const Error& error) {
    EXPECT_EQ(error.what(), text);
    EXPECT_EQ(error.fault(), Fault::model);
  }
}

TEST(PrimalScores, RefuseInputsThatDoNotFit) {
  const auto op = scores_with({});
  EXPECT_EQ(op.infer(std::vector<ValueSpec>{good, good, good}, 1)[0],
            spike_spec(tokens.with(Axis::C, 8), bipolar_code()));
  expect_refused(op, {good, good}, "there are 2 inputs, wanted q, k and x");
  expect_refused(scores_with({{"causal", true}}, 3), {good, good, good},
                 "there are 3 inputs, wanted q and k: it is causal");
  expect_refused(op, {good, good, spike_spec(tokens.with(Axis::N, 4), bipolar_code())},
                 "x is [T=1 B=1 N=4 C=6], wanted [T=1 B=1 N=5 C=6] as q");
  expect_refused(op, {good, dense_spec(tokens), good}, "k is f32, wanted binary or bipolar spikes");
  expect_refused(op, {spike_spec(tokens, graded_code(4)), good, good},
                 "q is graded 4, wanted binary or bipolar spikes");
  expect_refused(op, {good, good, dense_spec(tokens)}, "x is f32, wanted spikes");
  expect_refused(op, {spike_spec(tokens.with(Axis::N, 0), bipolar_code()), good, good},
                 "N of q is 0, wanted at least 1");
  const ValueSpec seven = spike_spec(tokens.with(Axis::C, 7), bipolar_code());
  expect_refused(op, {seven, seven, seven}, "C of q is 7, wanted a multiple of heads 2");
}

TEST(PrimalScores, RefuseParametersThatDoNotFit) {
  const std::vector<ValueSpec> in{good, good, good};
  expect_refused(scores_with({{"heads", 0.0}}), in, "heads is 0, wanted at least 1");
  expect_refused(scores_with({{"threshold", 0.0}}), in, "threshold is 0, wanted above 0");
  expect_refused(scores_with({{"rank_multi", 3.0}}), in, "we has 4 rows, wanted 6 by n_rule fixed");
  expect_refused(scores_with({{"indices", std::vector<double>{0, 1, 2, -1}}}), in,
                 "index -1 is no token, wanted 0 to 4");
  expect_refused(scores_with({{"causal", true}, {"trace", "data"}}, 3), {good, good},
                 "trace is data, wanted raw: causal weights don't depend on x");
}

TEST(PrimalScores, RefuseWeightsThatDoNotFit) {
  const std::vector<ValueSpec> in{good, good, good};
  auto op = scores_with({});
  op.set_weight("lambda", {2, 1}, random_numbers(2, 1));
  expect_refused(op, in, "lambda is [2 1], wanted [2 2]");
  expect_refused(scores_with({{"causal", true}}), {good, good}, "we is [2 4 2], wanted [2 3 2]");
  PrimalScores bare = made_with<PrimalScores>({{"heads", 2.0}});
  expect_refused(bare, in, "we is missing");
  expect_weight_refused(bare, "we", {2, 4}, "we has 2 axes, wanted 3");
  expect_weight_refused(bare, "wr", {2, 0, 2}, "wr is [2 0 2], wanted no empty axis");
}

PrimalMix mix_with(Index rows, Index columns, Index bias, double heads = 2) {
  auto op = made_with<PrimalMix>({{"heads", heads}});
  op.set_weight("concate_weight", {rows, columns}, random_numbers(rows * columns, 1));
  op.set_weight("concate_bias", {bias}, random_numbers(bias, 2));
  return op;
}

TEST(PrimalMix, RefusesWhatDoesNotFit) {
  EXPECT_EQ(mix_with(4, 3, 4).infer(std::vector<ValueSpec>{good}, 1)[0], dense_spec(tokens.with(Axis::C, 8)));
  expect_refused(mix_with(4, 3, 4), {dense_spec(tokens)}, "[e r] is f32, wanted spikes");
  expect_refused(mix_with(4, 3, 4), {spike_spec(tokens.without(Axis::B), bipolar_code())},
                 "[e r] is bipolar [T=1 N=5 C=6], wanted the axes T B N C");
  expect_refused(mix_with(4, 3, 4, 0), {good}, "heads is 0, wanted at least 1");
  expect_refused(mix_with(4, 2, 4), {good},
                 "C of [e r] is 6, wanted 4: 2 columns of concate_weight for each of 2 heads");
  expect_refused(mix_with(4, 3, 5), {good}, "concate_bias is [5], wanted [4] as the rows of concate_weight");
  PrimalMix bare = made_with<PrimalMix>({{"heads", 2.0}});
  expect_refused(bare, {good}, "concate_weight is missing");
  expect_weight_refused(bare, "concate_weight", {4}, "concate_weight has 1 axes, wanted 2");
  expect_weight_refused(bare, "concate_bias", {0}, "concate_bias is [0], wanted no empty axis");
  bare.set_weight("concate_weight", {4, 3}, random_numbers(12, 1));
  expect_refused(bare, {good}, "concate_bias is missing");
}

TEST(RunningSpikes, RefuseWhatDoesNotFit) {
  const auto op = made_with<RunningSpikes>({});
  expect_refused(op, {good}, "x is bipolar, wanted dense f32");
  expect_refused(op, {dense_spec(tokens.without(Axis::B))},
                 "x is f32 [T=1 N=5 C=6], wanted the axes T B N C");
  expect_refused(made_with<RunningSpikes>({{"decay", 0.0}}), {dense_spec(tokens)},
                 "decay is 0, wanted above 0 and at most 1");
  expect_refused(made_with<RunningSpikes>({{"decay", 1.5}}), {dense_spec(tokens)},
                 "decay is 1.5, wanted above 0 and at most 1");
  expect_refused(made_with<RunningSpikes>({{"threshold", 0.0}}), {dense_spec(tokens)},
                 "threshold is 0, wanted above 0");
}

}  // namespace
}  // namespace volley::test
