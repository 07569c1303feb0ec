// What primal attention refuses.
#include "tests/unit/attention/primal_case.hpp"

namespace volley::test {
namespace {

PrimalAttention op_with(Attributes attributes, const PrimalSizes& sizes = {2, 3, 4, 2}) {
  attributes.try_emplace("heads", 2.0);
  attributes.try_emplace("rank_multi", 2.0);
  auto op = made_with<PrimalAttention>(attributes);
  set_primal_weights(op, random_primal_weights(sizes, 1));
  return op;
}

const Shape tokens = tbnc(1, 1, 5, 6);
const ValueSpec good = dense_spec(tokens);

TEST(Primal, RefusesInputsThatDoNotFit) {
  const auto op = op_with({});
  EXPECT_EQ(op.infer(std::vector<ValueSpec>{good, good, good}, 1)[3],
            dense_spec({{Axis::T, 1}, {Axis::B, 1}, {Axis::C, 1}}));
  expect_refused(op, {good, good}, "there are 2 inputs, wanted q, k and x, and maybe mask");
  expect_refused(op_with({{"causal", true}}), {good, good, good, good},
                 "there are 4 inputs, wanted q and k: it is causal, and maybe mask");
  expect_refused(op, {good, good, good, good}, "mask is f32 [T=1 B=1 N=5 C=6], wanted f32 [T=1 B=1 N=5 C=1]");
  expect_refused(op, {good, good, dense_spec(tokens.with(Axis::N, 4))},
                 "x is [T=1 B=1 N=4 C=6], wanted [T=1 B=1 N=5 C=6] as q");
  expect_refused(op, {good, spike_spec(tokens, binary_code()), good}, "k is binary, wanted dense f32");
  expect_refused(op, {dense_spec(tokens.without(Axis::B)), good, good},
                 "q is f32 [T=1 N=5 C=6], wanted the axes T B N C");
  const ValueSpec seven = dense_spec(tokens.with(Axis::C, 7));
  expect_refused(op, {seven, seven, seven}, "C of q is 7, wanted a multiple of heads 2");
}

TEST(Primal, RefusesParametersThatDoNotFit) {
  const std::vector<ValueSpec> in{good, good, good};
  expect_refused(op_with({{"heads", 0.0}}), in, "heads is 0, wanted at least 1");
  expect_refused(op_with({{"eps", 0.0}}), in, "eps is 0, wanted more than 0");
  expect_refused(op_with({{"rank_multi", 0.0}}), in, "rank_multi is 0, wanted at least 1");
  expect_refused(op_with({{"rank_multi", 3.0}}), in, "we has 4 rows, wanted 6 by n_rule fixed");
  expect_refused(op_with({{"rank_multi", 3.0}, {"n_rule", "min"}}), in,
                 "we has 4 rows, wanted 5 by n_rule min");
  expect_refused(op_with({{"n_rule", "all"}}), in, "we has 4 rows, wanted 5 by n_rule all");
  expect_refused(op_with({{"indices", std::vector<double>{0, 1}}}), in,
                 "there are 2 indices, wanted 4 as rows of we");
  expect_refused(op_with({{"indices", std::vector<double>{0, 1, 2, 5}}}), in,
                 "index 5 is no token, wanted 0 to 4");
  expect_refused(op_with({{"causal", true}, {"trace", "data"}}, {2, 3, 3, 2}), {good, good},
                 "trace is data, wanted raw: causal weights don't depend on x");
}

TEST(Primal, RefusesWeightsThatDoNotFit) {
  auto op = op_with({});
  const std::vector<ValueSpec> in{good, good, good};
  op.set_weight("lambda", {2, 1}, random_numbers(2, 1));
  expect_refused(op, in, "lambda is [2 1], wanted [2 2]");
  expect_refused(op_with({{"causal", true}}), {good, good}, "we is [2 4 2], wanted [2 3 2]");
  PrimalAttention bare = made_with<PrimalAttention>({{"heads", 2.0}});
  expect_refused(bare, in, "we is missing");
  const auto refused = [&](const std::vector<Index>& sizes, const std::string& text) {
    try {
      bare.set_weight("we", sizes, {});
      ADD_FAILURE() << "accepted, wanted: " << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.what(), text);
    }
  };
  refused({2, 4}, "we has 2 axes, wanted 3");
  refused({2, 0, 2}, "we is [2 0 2], wanted no empty axis");
}

}  // namespace
}  // namespace volley::test
