// Circulant attention against the matrix written out, and its properties.
#include "attention/cat.hpp"

#include <algorithm>

#include "tests/unit/attention/cat_case.hpp"

namespace volley::test {
namespace {

constexpr double rounding = 1e-6;  // sums of a few hundred floats below 1

TEST(Cat, KernelsAndCostEqualTheMatrixWrittenOut) {
  const auto cases = cat_cases(CatAttention::op_kind);
  ASSERT_FALSE(cases.empty());
  for (const Case& entry : cases) {
    SCOPED_TRACE(entry.line);
    const auto op = made_with<CatAttention>(entry.attributes());
    const auto in = cat_inputs(entry);
    CountingTally tally;
    const auto wanted = cat_reference(cat_numbers(in), which_matrix(op), tally);
    expect_parity(table_of<CatAttention>(), op, in);
    const auto out = run_kernel(op, "reference", in);
    expect_numbers(out[0], wanted.out);
    expect_numbers(out[1], wanted.weights);
    EXPECT_EQ(cost_of(op, in, out), tally.cost);
    CountingTally dense;
    CatNumbers numbers = cat_numbers(in);
    numbers.v_is_spikes = false;
    numbers.key_mask.clear();  // from the shapes alone
    cat_reference(numbers, which_matrix(op), dense);
    EXPECT_EQ(op.dense_mac(specs_of(in)), dense.cost.mac);
    expect_score_is_optional(op, in);
  }
}

TEST(Cat, RollsTheExampleOfFourTokensAsItsDirectionSays) {
  const std::vector<float> z{0, 1, 2, 3};
  const std::vector<Value> in{tensor_of(tbnc(1, 1, 4, 1), z), identity(4)};
  CountingTally tally;
  const auto w = softmax_of(z, tally);
  const float a = w[0], b = w[1], c = w[2], d = w[3];
  const std::vector<float> corr{a, b, c, d, d, a, b, c, c, d, a, b, b, c, d, a};
  const std::vector<float> conv{a, d, c, b, b, a, d, c, c, b, a, d, d, c, b, a};
  for (const std::string kernel : {"gather", "reference"}) {
    expect_numbers(run_kernel(cat_of(1, "corr"), kernel, in)[0], corr);
    expect_numbers(run_kernel(cat_of(1, "conv"), kernel, in)[0], conv);
    expect_numbers(run_kernel(cat_of(1, "corr"), kernel, in)[1], w);
    expect_numbers(run_kernel(cat_of(1, "conv"), kernel, in)[1], w);
  }
}

TEST(Cat, CorrDoesNotSeeARollOfTheTokensAndConvRollsTwice) {
  const std::vector<Value> in{random_logits(tbnc(1, 1, 9, 2), 1), random_dense(tbnc(1, 1, 9, 6), 2)};
  const std::vector<Value> moved{rolled(in[0], 2), rolled(in[1], 2)};
  for (const std::string direction : {"corr", "conv"}) {
    const auto op = cat_of(2, direction);
    const Value out = run_kernel(op, "gather", in)[0];
    const Value wanted = direction == "corr" ? out : rolled(out, 4);
    const auto got = numbers_of(run_kernel(op, "gather", moved)[0]);
    EXPECT_LE(relative_distance(got, numbers_of(wanted)), rounding) << direction;
    EXPECT_GT(relative_distance(got, numbers_of(rolled(out, 2))), 0.01) << direction;  // not equivariant
  }
}

TEST(Cat, KeepsTheMeanOverTokensAndDoesNotExpand) {
  constexpr std::size_t tokens = 65, channels = 6;
  const std::vector<Value> in{random_logits(tbnc(1, 1, 65, 2), 1), random_dense(tbnc(1, 1, 65, 6), 2)};
  const auto v = numbers_of(in[1]);
  for (const std::string direction : {"corr", "conv"}) {
    const auto y = numbers_of(run_kernel(cat_of(2, direction), "gather", in)[0]);
    for (std::size_t c = 0; c < channels; ++c) {
      double sum_y = 0, sum_v = 0, norm_y = 0, norm_v = 0;
      for (std::size_t at = c; at < tokens * channels; at += channels) {
        sum_y += static_cast<double>(y[at]);
        sum_v += static_cast<double>(v[at]);
        norm_y += static_cast<double>(y[at]) * static_cast<double>(y[at]);
        norm_v += static_cast<double>(v[at]) * static_cast<double>(v[at]);
      }
      EXPECT_NEAR(sum_y, sum_v, 1e-4);  // 65 sums, each right to 1e-6
      EXPECT_LE(norm_y, norm_v);
    }
  }
}

TEST(Cat, OfCorrIsSoftmaxPoolingAtTheFirstToken) {
  const std::vector<Value> in{random_logits(tbnc(1, 1, 7, 1), 1), random_dense(tbnc(1, 1, 7, 5), 2)};
  const auto v = numbers_of(in[1]);
  CountingTally tally;
  const auto w = softmax_of(numbers_of(in[0]), tally);
  const auto y = numbers_of(run_first(cat_of(1, "corr"), in)[0]);
  for (std::size_t c = 0; c < 5; ++c) {
    float sum = 0;
    for (std::size_t j = 0; j < 7; ++j) {
      sum += w[j] * v[j * 5 + c];
    }
    EXPECT_EQ(y[c], sum);
  }
}

TEST(Cat, OfEqualLogitsIsTheMeanAndOfOneGreatLogitARoll) {
  const Value v = random_dense(tbnc(1, 1, 7, 3), 2);
  const auto numbers = numbers_of(v);
  std::vector<float> great(7, 0.0f);
  great[2] = 500;  // exp(-500) is 0 in float
  for (const std::string direction : {"corr", "conv"}) {
    const auto op = cat_of(1, direction);
    const std::vector<Value> equal{tensor_of(tbnc(1, 1, 7, 1), std::vector<float>(7, 3.0f)), v};
    const auto mean = numbers_of(run_first(op, equal)[0]);
    for (std::size_t c = 0; c < 3; ++c) {
      double sum = 0;
      for (std::size_t n = 0; n < 7; ++n) {
        sum += static_cast<double>(numbers[n * 3 + c]) / 7;
      }
      for (std::size_t n = 0; n < 7; ++n) {
        EXPECT_NEAR(static_cast<double>(mean[n * 3 + c]), sum, rounding);
      }
    }
    const std::vector<Value> one{tensor_of(tbnc(1, 1, 7, 1), great), v};
    expect_numbers(run_first(op, one)[0], numbers_of(rolled(v, direction == "corr" ? -2 : 2)));
  }
}

// Tokens whose output changes when the last one does. out: of a run with these inputs.
template <class Run>
Index tokens_changed_by_the_last(const Run& run, Index tokens) {
  auto z = numbers_of(random_logits(tbnc(1, 1, tokens, 1), 1));
  auto v = numbers_of(random_dense(tbnc(1, 1, tokens, 4), 2));
  const auto before = run(z, v);
  z.back() += 5;  // above all others: the maximum changes too
  for (std::size_t c = v.size() - 4; c < v.size(); ++c) {
    v[c] += 1;
  }
  const auto after = run(z, v);
  Index changed = 0;
  for (std::size_t n = 0; n + 1 < static_cast<std::size_t>(tokens); ++n) {
    changed += std::equal(before.begin() + static_cast<std::ptrdiff_t>(4 * n),
                          before.begin() + static_cast<std::ptrdiff_t>(4 * n + 4),
                          after.begin() + static_cast<std::ptrdiff_t>(4 * n))
                   ? 0
                   : 1;
  }
  return changed;
}

TEST(Cat, CausalDoesNotSeeTheFuture) {
  for (const std::string causal : {"rel", "abs"}) {
    for (const std::string kernel : {"gather", "reference", "scan"}) {
      if (causal == "rel" && kernel == "scan") {
        continue;
      }
      const auto run = [&](const std::vector<float>& z, const std::vector<float>& v) {
        const std::vector<Value> in{tensor_of(tbnc(1, 1, 20, 1), z), tensor_of(tbnc(1, 1, 20, 4), v)};
        return numbers_of(run_kernel(cat_of(1, "corr", causal), kernel, in)[0]);
      };
      EXPECT_EQ(tokens_changed_by_the_last(run, 20), 0) << causal << " " << kernel;
    }
  }
}

TEST(Cat, TheLowerTriangleOfCorrWouldSeeTheFuture) {
  const auto run = [](const std::vector<float>& z, const std::vector<float>& v) {
    CountingTally tally;
    const Rows rows = rolled_right(softmax_of(z, tally));
    std::vector<float> out(v.size(), 0.0f);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        for (std::size_t c = 0; c < 4; ++c) {
          out[i * 4 + c] += rows[i][j] * v[j * 4 + c];
        }
      }
    }
    return out;
  };
  EXPECT_EQ(tokens_changed_by_the_last(run, 20), 19);
}

TEST(Cat, CausalRowsStayRightWhenALateLogitIsMuchLarger) {
  const std::vector<float> z{0, 1, 400, 399};
  const std::vector<Value> in{tensor_of(tbnc(1, 1, 4, 1), z), identity(4)};
  for (const std::string kernel : {"gather", "reference"}) {
    const auto a = numbers_of(run_kernel(cat_of(1, "corr", "rel"), kernel, in)[0]);
    const double share = 1 / (1 + std::exp(-1.0));  // of the larger of two logits 1 apart
    EXPECT_EQ(a[0], 1.0f);
    EXPECT_NEAR(static_cast<double>(a[4]), share, rounding);
    EXPECT_NEAR(static_cast<double>(a[12 + 1]), share, rounding);  // z[2] at distance 2
    EXPECT_NEAR(static_cast<double>(a[12]), 1 - share, rounding);
    EXPECT_EQ(a[1], 0.0f);
  }
}

TEST(Cat, ABatchOfTwoIsTwoBatches) {
  const Shape v = tbnc(1, 2, 256, 6);
  for (const std::string causal : {"none", "rel", "abs"}) {
    expect_batch_of_two_is_two_batches(cat_of(2, "corr", causal),
                                       {random_logits(v.with(Axis::C, 2), 1), random_dense(v, 2)});
  }
}

TEST(Cat, RefusesWhatDoesNotFit) {
  const auto op = cat_of(2, "corr");
  const Shape z = tbnc(1, 2, 5, 2);
  const Shape v = tbnc(1, 2, 5, 6);
  const auto refused = [&](const ValueSpec& bad_z, const ValueSpec& bad_v, const std::string& text) {
    expect_refused(op, {bad_z, bad_v}, text);
  };
  refused(dense_spec(z), dense_spec(v.with(Axis::N, 6)), "N of v is 6, wanted 5 as in z");
  refused(dense_spec(z), dense_spec(v.with(Axis::T, 2)), "T of v is 2, wanted 1 as in z");
  refused(dense_spec(z), dense_spec(v.with(Axis::B, 1)), "B of v is 1, wanted 2 as in z");
  refused(dense_spec(z.with(Axis::C, 3)), dense_spec(v), "C of z is 3, wanted heads 2: one logit for each");
  refused(dense_spec(z), dense_spec(v.with(Axis::C, 5)), "C of v is 5, wanted a multiple of heads 2");
  refused(dense_spec(z.with(Axis::N, 0)), dense_spec(v), "N of z is 0, wanted at least 1");
  refused(dense_spec(z), dense_spec(v.without(Axis::B)), "v is f32 [T=1 N=5 C=6], wanted the axes T B N C");
  refused(spike_spec(z, binary_code()), dense_spec(v), "z is binary, wanted dense f32");
  refused(dense_spec(z), dense_spec(v, Dtype::i32), "v is i32, wanted dense f32 or spikes");
  expect_refused(op, {dense_spec(z), dense_spec(v), dense_spec(z)},
                 "key_mask is f32 [T=1 B=2 N=5 C=2], wanted f32 [T=1 B=2 N=5 C=1]");
  expect_refused(cat_of(0, "corr"), {dense_spec(z), dense_spec(v)}, "heads is 0, wanted at least 1");
}

TEST(Cat, AMaskedTokenLosesItsLogitButNotItsValue) {
  std::vector<float> z{0, 1, 1000, 2};
  const auto out = [&](const std::string& direction, const std::string& causal,
                       const std::vector<float>& mask) {
    const std::vector<Value> in{tensor_of(tbnc(1, 1, 4, 1), z), identity(4),
                                tensor_of(tbnc(1, 1, 4, 1), mask)};
    return numbers_of(run_first(cat_of(1, direction, causal), in)[0]);
  };
  const auto corr = out("corr", "none", {1, 1, 0, 1});
  EXPECT_EQ(corr[2], 0.0f);      // A_02 is w_2
  EXPECT_GT(corr[4 + 2], 0.0f);  // A_12 is w_1: the value of token 2 is added all the same
  EXPECT_EQ(corr[4 + 3], 0.0f);
  z[2] = -1000;  // what stands at a masked place does not matter
  EXPECT_EQ(out("corr", "none", {1, 1, 0, 1}), corr);
  for (const std::string causal : {"none", "rel", "abs"}) {
    EXPECT_EQ(out("conv", causal, {0, 0, 0, 0}), std::vector<float>(16, 0.0f)) << causal;
  }
  const auto rel = out("corr", "rel", {0, 1, 1, 1});
  EXPECT_EQ(std::vector<float>(rel.begin(), rel.begin() + 4), std::vector<float>(4, 0.0f));  // no logit left
  EXPECT_EQ(rel[4], 1.0f);
  const auto abs = out("corr", "abs", {0, 1, 1, 1});
  EXPECT_EQ(abs[4 + 1], 1.0f);
}

TEST(Cat, TakesSpikesAsTheyCome) {
  const auto op = cat_of(2, "corr");
  const Shape v = tbnc(1, 1, 5, 6);
  const std::vector<ValueSpec> in{spike_spec(v.with(Axis::C, 2), binary_code()),
                                  spike_spec(v, binary_code())};
  EXPECT_EQ(op.wanted_form(0, in), Form::dense);
  EXPECT_EQ(op.wanted_form(1, in), Form::spikes);
  EXPECT_EQ(op.wanted_form(1, std::vector<ValueSpec>{in[0], dense_spec(v)}), Form::dense);
}

}  // namespace
}  // namespace volley::test
