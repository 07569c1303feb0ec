// Masks of softmax attention against plain loops; nothing leaks through them.
#include <algorithm>
#include <cmath>
#include <limits>

#include "attention/softmax_attention.hpp"
#include "tests/reference/masked_softmax_ref.hpp"
#include "tests/reference/product_ref.hpp"
#include "tests/unit/attention/attention_case.hpp"

namespace volley::test {
namespace {

// 0 at this share of the keys, else 1.
Value random_key_mask(const Shape& keys, double dead, std::uint64_t seed) {
  return unpack(random_spikes(keys.with(Axis::C, 1), binary_code(), 1.0 - dead, seed));
}

Value key_mask_of(const std::vector<float>& numbers) {
  return tensor_of(tbnc(1, 1, static_cast<Index>(numbers.size()), 1), numbers);
}

struct MaskedCase {
  explicit MaskedCase(const Case& entry)
      : op(made_with<SoftmaxAttention>(entry.attributes())), in(attention_inputs(entry)) {
    mask.is_causal = op.is_causal();
    mask.group = entry.integer_or("attr.group", 0);
    if (entry.has("dead")) {
      const auto seed = static_cast<std::uint64_t>(entry.integer("seed"));
      in.push_back(random_key_mask(spec_of(in[1]).shape, entry.real_or("dead", 0), seed + 300));
      mask.keys = numbers_of(in[3]);
    }
  }

  SoftmaxAttention op;
  std::vector<Value> in;
  MaskNumbers mask;
};

std::vector<Case> mask_cases() {
  return read_cases("attention_masks.txt");
}

TEST(AttentionMask, KernelsAndCostEqualThePlainLoops) {
  ASSERT_FALSE(mask_cases().empty());
  for (const Case& entry : mask_cases()) {
    SCOPED_TRACE(entry.line);
    const MaskedCase masked(entry);
    const auto numbers = attention_numbers(masked.in, masked.op.heads());
    CountingTally tally;
    const auto wanted = masked_softmax_reference(numbers, masked.op.scale(numbers.width), masked.mask, tally);
    expect_parity(table_of<SoftmaxAttention>(), masked.op, masked.in);
    const auto out = run_kernel(masked.op, "reference", masked.in);
    expect_numbers(out[0], wanted.out);
    expect_numbers(out[1], wanted.score);
    EXPECT_EQ(cost_of(masked.op, masked.in, out), tally.cost);
    expect_score_is_optional(masked.op, masked.in);

    CountingTally dense;  // from shapes alone: key_mask lets all keys through
    masked_softmax_reference(numbers, 1.0f, {masked.mask.is_causal, masked.mask.group, {}}, dense);
    EXPECT_EQ(masked.op.dense_mac(specs_of(masked.in)), dense.cost.mac);
  }
}

TEST(AttentionMask, ProductsHoldThePairsThatAreAllowed) {
  for (const Case& entry : mask_cases()) {
    SCOPED_TRACE(entry.line);
    const MaskedCase masked(entry);
    std::vector<Value> sample;
    for (const Value& value : masked.in) {
      sample.push_back(sample_of(steps_of(value, 0, 1), 0));
    }
    const auto in = attention_numbers(sample, masked.op.heads());
    const auto score = numbers_of(run_kernel(masked.op, "reference", sample)[1]);
    const auto products = masked.op.products(sample);
    ASSERT_EQ(static_cast<Index>(products.size()), 2 * in.heads);
    for (Index h = 0; h < in.heads; ++h) {
      PairTally first{};
      PairTally second{};
      for (Index n = 0; n < in.queries; ++n) {
        for (Index m = 0; m < in.keys; ++m) {
          for (Index c = 0; c < in.width && masked.mask.lets(in, 0, n, m); ++c) {
            const auto number = [](float x) { return static_cast<double>(x); };
            first.pair(number(in.q[in.query(0, n, h, c)]), number(in.k[in.key(0, m, h, c)]));
            second.pair(number(score[in.pair(0, h, n, m)]), number(in.v[in.key(0, m, h, c)]));
          }
        }
      }
      const auto at = static_cast<std::size_t>(2 * h);
      for (const auto& [product, tally] : {std::pair(products[at], first), {products[at + 1], second}}) {
        EXPECT_EQ(product.dense, tally.dense);
        EXPECT_EQ(product.dense_padded, in.queries * in.keys * in.width);
        EXPECT_EQ(product.event_a, tally.event_a);
        EXPECT_EQ(product.event_b, tally.event_b);
        EXPECT_EQ(product.coincidence, tally.coincidence);
      }
    }
  }
}

TEST(AttentionMask, ChangingAMaskedKeyChangesNothing) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto op = made_with<SoftmaxAttention>({{"heads", 2.0}});
  const Shape shape = tbnc(1, 1, 5, 4);
  std::vector<Value> in{random_dense(shape, 1), random_dense(shape, 2), random_dense(shape, 3),
                        key_mask_of({1, 0, 1, 1, 0})};
  const auto wanted = run_first(op, in);
  for (const std::size_t slot : {std::size_t{1}, std::size_t{2}}) {
    const auto numbers = std::get<Tensor>(in[slot]).as_mutable<float>();
    for (std::size_t c = 0; c < 4; ++c) {
      numbers[1 * 4 + c] = nan;
      numbers[4 * 4 + c] = std::numeric_limits<float>::infinity();
    }
  }
  for (const std::string_view kernel : {"rows", "reference"}) {
    const auto out = run_kernel(op, kernel, in);
    EXPECT_TRUE(same(out[0], wanted[0])) << kernel;
    EXPECT_TRUE(same(out[1], wanted[1])) << kernel;
  }
}

TEST(AttentionMask, TheFutureDoesNotReachThePast) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto op = made_with<SoftmaxAttention>({{"heads", 1.0}, {"mask", std::string("causal")}});
  const Shape shape = tbnc(1, 1, 6, 8);
  std::vector<Value> in{random_dense(shape, 1), random_dense(shape, 2), random_dense(shape, 3)};
  const auto wanted = numbers_of(run_first(op, in)[0]);
  for (const Value& value : in) {
    const auto numbers = std::get<Tensor>(value).as_mutable<float>();
    std::fill(numbers.begin() + 4 * 8, numbers.end(), nan);
  }
  for (const std::string_view kernel : {"rows", "reference"}) {
    const auto out = numbers_of(run_kernel(op, kernel, in)[0]);
    EXPECT_TRUE(std::equal(out.begin(), out.begin() + 4 * 8, wanted.begin())) << kernel;
    EXPECT_TRUE(std::isnan(out.back())) << kernel;
  }
}

TEST(AttentionMask, TheFutureDoesNotReachThePastOfABlock) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto op = made_with<SoftmaxAttention>({{"heads", 1.0}, {"mask", std::string("causal")}});
  const Shape shape = tbnc(1, 1, 40, 8);
  std::vector<Value> in{random_dense(shape, 1), random_dense(shape, 2), random_dense(shape, 3)};
  const auto wanted = numbers_of(run_kernel(op, "blocks", in)[0]);
  for (const Value& value : in) {
    const auto numbers = std::get<Tensor>(value).as_mutable<float>();
    std::fill(numbers.begin() + 10 * 8, numbers.end(), nan);
  }
  const auto out = numbers_of(run_kernel(op, "blocks", in)[0]);
  EXPECT_TRUE(std::equal(out.begin(), out.begin() + 10 * 8, wanted.begin()));
  EXPECT_TRUE(std::isnan(out[10 * 8]));
  EXPECT_TRUE(std::isnan(out.back()));
}

TEST(AttentionMask, TheFirstQueryOfACausalMaskIsTheFirstValue) {
  const auto op = made_with<SoftmaxAttention>({{"heads", 1.0}, {"mask", std::string("causal")}});
  const Shape shape = tbnc(1, 1, 3, 4);
  const std::vector<Value> in{random_dense(shape, 1), random_dense(shape, 2), random_dense(shape, 3)};
  const auto out = numbers_of(run_first(op, in)[0]);
  const auto v = numbers_of(in[2]);
  EXPECT_TRUE(std::equal(out.begin(), out.begin() + 4, v.begin()));
}

TEST(AttentionMask, WithoutAnyAllowedKeyTheOutputIsZero) {
  const Shape shape = tbnc(1, 1, 3, 4);
  const std::vector<Value> in{random_dense(shape, 1), random_dense(shape, 2), random_dense(shape, 3),
                              key_mask_of({0, 1, 1})};
  const auto causal = made_with<SoftmaxAttention>({{"heads", 1.0}, {"mask", std::string("causal")}});
  for (const std::string_view kernel : {"rows", "reference"}) {
    const auto out = run_kernel(causal, kernel, in);
    const auto numbers = numbers_of(out[0]);
    const auto score = numbers_of(out[1]);
    EXPECT_EQ(std::vector<float>(numbers.begin(), numbers.begin() + 4), std::vector<float>(4, 0.0f));
    EXPECT_EQ(std::vector<float>(score.begin(), score.begin() + 3), std::vector<float>(3, 0.0f));
    EXPECT_NE(numbers[4], 0.0f);
  }
}

// Buffers are used again and again: a masked entry is written too.
TEST(AttentionMask, OutputsDoNotDependOnWhatTheBuffersHeld) {
  const auto op = made_with<SoftmaxAttention>({{"heads", 1.0}, {"mask", std::string("causal")}});
  const Shape shape = tbnc(1, 1, 3, 4);
  const std::vector<Value> in{random_dense(shape, 1), random_dense(shape, 2), random_dense(shape, 3),
                              key_mask_of({0, 1, 1})};
  const KernelTable table = table_of<SoftmaxAttention>();
  for (const Kernel& kernel : table.all(op.kind())) {
    std::vector<Value> out;
    for (const ValueSpec& spec : op.infer(specs_of(in), 1)) {
      const Storage storage{host_memory().allocate(spec.bytes()), 0};
      std::fill_n(storage.data(), spec.bytes(), std::byte{0xff});
      out.push_back(make_value(spec, storage));
    }
    kernel.run({op, in, out, op.constants(), nullptr, {0, 1, 1}, cpu_backend(), 0, 1, 0});
    const auto wanted = run_op(op, kernel, in);
    EXPECT_TRUE(same(out[0], wanted[0])) << kernel.name;
    EXPECT_TRUE(same(out[1], wanted[1])) << kernel.name;
  }
}

TEST(AttentionMask, AnOpenKeyMaskIsNoMask) {
  const auto op = made_with<SoftmaxAttention>({{"heads", 2.0}});
  const Shape shape = tbnc(1, 1, 16, 32);
  std::vector<Value> in{random_dense(shape, 1), random_dense(shape, 2), random_dense(shape, 3)};
  const auto wanted = run_first(op, in);
  in.push_back(key_mask_of(std::vector<float>(16, 1.0f)));
  EXPECT_TRUE(same(run_first(op, in)[0], wanted[0]));
  EXPECT_TRUE(same(run_first(op, in)[1], wanted[1]));
}

TEST(AttentionMask, GroupsAreAttentionsOfTheirOwn) {
  const auto grouped = made_with<SoftmaxAttention>({{"heads", 2.0}, {"group", 3.0}});
  const auto plain = made_with<SoftmaxAttention>({{"heads", 2.0}});
  const Shape whole = tbnc(1, 1, 12, 8);
  const Shape part = tbnc(1, 4, 3, 8);  // the same numbers, groups as samples
  std::vector<Value> in;
  std::vector<Value> parts;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    in.push_back(random_dense(whole, seed));
    parts.push_back(tensor_of(part, std::get<Tensor>(in.back()).as<float>()));
  }
  EXPECT_EQ(numbers_of(run_first(grouped, in)[0]), numbers_of(run_first(plain, parts)[0]));
}

TEST(AttentionMask, ABatchOfTwoIsTwoBatches) {
  const auto op = made_with<SoftmaxAttention>({{"heads", 2.0}});
  const Shape shape = tbnc(1, 2, 16, 32);
  expect_batch_of_two_is_two_batches(op, {random_dense(shape, 1), random_dense(shape, 2),
                                          random_dense(shape, 3), random_key_mask(shape, 0.5, 4)});
}

TEST(AttentionMask, RefusesWhatDoesNotFit) {
  const auto op = made_with<SoftmaxAttention>({{"heads", 1.0}});
  const auto causal = made_with<SoftmaxAttention>({{"heads", 1.0}, {"mask", std::string("causal")}});
  const ValueSpec q = dense_spec(tbnc(1, 1, 2, 4));
  const ValueSpec k = dense_spec(tbnc(1, 1, 3, 4));
  EXPECT_EQ(op.arity().least, 3u);
  EXPECT_EQ(op.arity().most, 4u);
  EXPECT_EQ(op.wanted_form(3, std::vector{q, k, k, spike_spec(tbnc(1, 1, 3, 1), binary_code())}),
            Form::dense);
  EXPECT_EQ(op.infer(std::vector{q, k, k, dense_spec(tbnc(1, 1, 3, 1))}, 1)[0], q);
  const std::string wanted = ", wanted f32 [T=1 B=1 N=3 C=1]";
  expect_refused(op, {q, k, k, dense_spec(tbnc(1, 1, 2, 1))}, "key_mask is f32 [T=1 B=1 N=2 C=1]" + wanted);
  expect_refused(op, {q, k, k, k}, "key_mask is f32 [T=1 B=1 N=3 C=4]" + wanted);
  expect_refused(op, {q, k, k, dense_spec(tbnc(1, 1, 3, 1), Dtype::i32)},
                 "key_mask is i32 [T=1 B=1 N=3 C=1]" + wanted);
  const auto in_threes = made_with<SoftmaxAttention>({{"heads", 1.0}, {"group", 3.0}});
  const auto negative = made_with<SoftmaxAttention>({{"heads", 1.0}, {"group", -1.0}});
  expect_refused(in_threes, {q, k, k}, "N of q and k are 2 and 3, wanted the same multiple of group 3");
  expect_refused(in_threes, {q, q, q}, "N of q and k are 2 and 2, wanted the same multiple of group 3");
  expect_refused(negative, {q, q, q}, "group is -1, wanted 0 or more");
  expect_refused(causal, {q, k, k}, "N of k is 3, wanted 2 as in q: the mask is causal");
}

}  // namespace
}  // namespace volley::test
