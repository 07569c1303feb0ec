// The checks that all attention shares, and where heads stand.
#include "attention/heads.hpp"

#include "attention/softmax_attention.hpp"
#include "attention/spike_attention.hpp"
#include "tests/unit/attention/attention_case.hpp"

namespace volley::test {
namespace {

SoftmaxAttention with_heads(double heads) {
  return made_with<SoftmaxAttention>({{"heads", heads}});
}

std::vector<ValueSpec> dense(const Shape& q, const Shape& k, const Shape& v) {
  return {dense_spec(q), dense_spec(k), dense_spec(v)};
}

TEST(Heads, OutputsHaveTheShapesOfQAndOfThePairs) {
  const auto out = with_heads(2).infer(dense(tbnc(3, 2, 7, 64), tbnc(3, 2, 5, 64), tbnc(3, 2, 5, 64)), 3);
  EXPECT_EQ(text(out[0]), "f32 [T=3 B=2 N=7 C=64]");
  EXPECT_EQ(text(out[1]), "f32 [T=3 B=2 H=2 N=7 M=5]");
}

TEST(Heads, SlicesFollowStepSampleAndHead) {
  const AttentionShape shape{.steps = 2, .samples = 3, .heads = 4, .queries = 5, .keys = 6, .width = 8};
  const HeadSlice at(shape, (1 * 3 + 2) * 4 + 3);
  EXPECT_EQ(at.query_row, 5 * 5);
  EXPECT_EQ(at.key_row, 5 * 6);
  EXPECT_EQ(at.channel, 24);
  EXPECT_EQ(at.pair, 23 * 30);
}

TEST(Heads, ShapesThatDisagreeAreRefused) {
  const Shape q = tbnc(2, 2, 4, 64);
  const auto op = with_heads(2);
  expect_refused(op, dense(q, tbnc(2, 2, 4, 48), q), "C of k is 48, wanted 64 as in q");
  expect_refused(op, dense(q, q, tbnc(2, 2, 4, 48)), "C of v is 48, wanted 64 as in q");
  expect_refused(op, dense(q, tbnc(1, 2, 4, 64), q), "T of k is 1, wanted 2 as in q");
  expect_refused(op, dense(q, q, tbnc(2, 1, 4, 64)), "B of v is 1, wanted 2 as in q");
  expect_refused(op, dense(q, tbnc(2, 2, 5, 64), q), "N of v is 4, wanted 5 as in k");
}

TEST(Heads, HeadsThatDontDivideCAreRefused) {
  const Shape q = tbnc(1, 1, 4, 64);
  expect_refused(with_heads(3), dense(q, q, q), "C of q is 64, wanted a multiple of heads 3");
  expect_refused(with_heads(0), dense(q, q, q), "heads is 0, wanted at least 1");
}

TEST(Heads, OtherAxesAndEmptyInputsAreRefused) {
  const Shape q = tbnc(1, 1, 4, 64);
  const Shape image{{Axis::T, 1}, {Axis::B, 1}, {Axis::Y, 2}, {Axis::X, 2}, {Axis::C, 64}};
  expect_refused(with_heads(2), dense(image, q, q),
                 "q is f32 [T=1 B=1 Y=2 X=2 C=64], wanted the axes T B N C");
  const Shape swapped{{Axis::T, 1}, {Axis::B, 1}, {Axis::C, 64}, {Axis::N, 4}};
  expect_refused(with_heads(2), dense(q, q, swapped), "v is f32 [T=1 B=1 C=64 N=4], wanted the axes T B N C");
  const Shape empty = tbnc(1, 0, 4, 64);
  expect_refused(with_heads(2), dense(empty, empty, empty), "B of q is 0, wanted at least 1");
  const Shape no_keys = tbnc(1, 1, 0, 64);
  expect_refused(with_heads(2), dense(q, no_keys, no_keys), "N of k is 0, wanted at least 1");
}

TEST(Heads, AGraphWithoutHeadsIsRefused) {
  SpikeAttention op;
  EXPECT_THROW(parse_params(op, "attn", {}), Error);
}

}  // namespace
}  // namespace volley::test
