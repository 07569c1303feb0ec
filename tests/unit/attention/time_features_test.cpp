// Features of time against long double, and the kernels that their inner products are.
#include "attention/time_features.hpp"

#include <cmath>

#include "tests/reference/time_ref.hpp"
#include "tests/unit/attention/attention_case.hpp"

namespace volley::test {
namespace {

// Rounding of a float32 feature, of a sum of a few numbers below 1, and 2^-53 of phases below 10^9.
constexpr float feature_tolerance = 1e-6f;

Value stamps_of(const Shape& shape, const std::vector<double>& numbers, Dtype dtype = Dtype::i32) {
  const Tensor tensor(dtype, shape);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (dtype == Dtype::i32) {
      tensor.as_mutable<std::int32_t>()[i] = static_cast<std::int32_t>(numbers[i]);
    } else {
      tensor.as_mutable<float>()[i] = static_cast<float>(numbers[i]);
    }
  }
  return tensor;
}

Value line_of(const std::vector<double>& numbers, Dtype dtype = Dtype::i32) {
  return stamps_of(tbnc(1, 1, static_cast<Index>(numbers.size()), 1), numbers, dtype);
}

std::vector<double> whole_numbers(Index count, double span, std::uint64_t seed) {
  std::vector<double> numbers;
  for (const float x : random_numbers(count, seed)) {
    numbers.push_back(std::floor((static_cast<double>(x) + 1) / 2 * span));
  }
  return numbers;
}

// Uniform in [low, high).
std::vector<float> numbers_in(Index count, float low, float high, std::uint64_t seed) {
  auto numbers = random_numbers(count, seed);
  for (float& x : numbers) {
    x = low + (x + 1) / 2 * (high - low);
  }
  return numbers;
}

template <class Op>
void set(Op& op, TimeWeights& weights, const std::string& slot, const std::vector<Index>& sizes,
         std::vector<float> numbers) {
  op.set_weight(slot, sizes, numbers);
  weights[slot] = std::move(numbers);
}

template <class Op>
void set_random_weights(Op& op, TimeNumbers& in, bool has_bias, std::uint64_t seed) {
  const Index k = in.bases;
  const Index d = in.degree;
  if (in.form == "textbook") {
    set(op, in.weights, "omega", {k}, numbers_in(k, -2, 2, seed));
  }
  if (in.form == "nonparametric") {
    set(op, in.weights, "sin_exponent", {k}, numbers_in(k, 0, 8, seed));
    set(op, in.weights, "cos_exponent", {k}, numbers_in(k, 0, 8, seed + 1));
    if (has_bias) {
      set(op, in.weights, "beta", {2 * k}, numbers_in(2 * k, -1, 1, seed + 2));
    }
    return;
  }
  if (in.kind == "time.bochner") {
    return;
  }
  if (in.form == "summed") {
    set(op, in.weights, "exponent", {k}, numbers_in(k, 0, 8, seed));
  } else if (in.form == "flex") {
    set(op, in.weights, "period", {k, d}, numbers_in(k * d, 1, 100, seed));
  }
  const Index columns = 2 * d + (in.form == "textbook" ? 1 : 0);
  const float low = in.form == "textbook" ? 0.0f : -1.0f;
  set(op, in.weights, "coefficient", {k, columns},
      numbers_in(k * columns, low, 1.0f / static_cast<float>(d), seed + 3));
  if (has_bias) {
    set(op, in.weights, "bias", {k}, numbers_in(k, -1, 1, seed + 4));
  }
}

template <class Op>
void check_case(const Case& entry, const std::string& default_form) {
  auto op = made_with<Op>(entry.attributes());
  const auto seed = static_cast<std::uint64_t>(entry.integer("seed"));
  const Dtype dtype = entry.word_or("dtype", "f32") == "i32" ? Dtype::i32 : Dtype::f32;
  const Shape shape = entry.shape("TBN");
  const Shape stamps = tbnc(shape[Axis::T], shape[Axis::B], shape[Axis::N], 1);
  TimeNumbers numbers;
  numbers.kind = entry.kind;
  numbers.form = entry.word_or("attr.form", default_form);
  numbers.ref = entry.word_or("attr.time_ref", "none");
  numbers.tokens = shape[Axis::N];
  numbers.bases = entry.integer("K");
  numbers.degree = entry.integer_or("D", 0);
  numbers.stamps = whole_numbers(stamps.count(), entry.real_or("span", 1), seed);
  set_random_weights(op, numbers, entry.has("bias"), seed + 10);
  std::vector<Value> in{stamps_of(stamps, numbers.stamps, dtype)};
  if (numbers.ref == "target_span") {
    const Shape targets = stamps.with(Axis::N, 1);
    numbers.targets = whole_numbers(targets.count(), entry.real_or("span", 1), seed + 20);
    in.push_back(stamps_of(targets, numbers.targets, dtype));
  }
  CountingTally tally;
  const auto wanted = time_reference(numbers, tally);
  const auto out = run_kernel(op, "reference", in);
  const auto got = numbers_of(out[0]);
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    ASSERT_NEAR(got[i], wanted[i], feature_tolerance) << "at " << i;
  }
  expect_parity(table_of<Op>(), op, in, 1, feature_tolerance);
  EXPECT_EQ(cost_of(op, in, out), tally.cost);
  EXPECT_EQ(op.dense_mac(specs_of(in)), tally.cost.mac);
}

TEST(TimeFeatures, AgreeWithLongDoubleInNumbersAndCost) {
  const auto cases = read_cases("time.txt");
  ASSERT_FALSE(cases.empty());
  for (const Case& entry : cases) {
    SCOPED_TRACE(entry.line);
    if (entry.kind == TimeBochner::op_kind) {
      check_case<TimeBochner>(entry, "nonparametric");
    } else {
      ASSERT_EQ(entry.kind, TimeMercer::op_kind);
      check_case<TimeMercer>(entry, "summed");
    }
  }
}

using Words = std::map<std::string, std::string>;

template <class Op>
Op time_op(const Words& words, const std::vector<std::pair<std::string, Tensor>>& weights) {
  Attributes attributes;
  for (const auto& [attribute, word] : words) {
    attributes[attribute] = word;
  }
  Op op = made_with<Op>(attributes);
  for (const auto& weight : weights) {
    const Tensor& tensor = weight.second;
    std::vector<Index> sizes;
    for (const Extent& extent : tensor.shape().extents) {
      sizes.push_back(extent.size);
    }
    op.set_weight(weight.first, sizes, tensor.as<float>());
  }
  return op;
}

Tensor vector_of(const std::vector<float>& numbers) {
  return tensor_of({{Axis::C, std::ssize(numbers)}}, numbers);
}
Tensor matrix_of(Index rows, const std::vector<float>& numbers) {
  return tensor_of({{Axis::N, rows}, {Axis::C, std::ssize(numbers) / rows}}, numbers);
}

// Inner products of the features of all tokens, [N N].
std::vector<double> gram_of(const TimeFeatures& op, const KernelTable& table, const std::vector<Value>& in) {
  const auto out = run_op(op, *table.choose(op, specs_of(in), Device::cpu).kernel, in);
  const auto phi = numbers_of(out[0]);
  const auto width = static_cast<std::size_t>(spec_of(out[0]).shape[Axis::C]);
  const std::size_t tokens = phi.size() / width;
  std::vector<double> gram;
  for (std::size_t n = 0; n < tokens; ++n) {
    for (std::size_t m = 0; m < tokens; ++m) {
      double sum = 0;
      for (std::size_t c = 0; c < width; ++c) {
        sum += static_cast<double>(phi[n * width + c]) * static_cast<double>(phi[m * width + c]);
      }
      gram.push_back(sum);
    }
  }
  return gram;
}

// Multiples of 2^-8: with whole stamps below 2^31 each phase is exact in float64.
const std::vector<float> dyadic_omega{1.0f, 0.5f, 1.25f, 0.00390625f, 0.75f};

// Its kernel is psi(difference) at all stamps, and no quadratic form of it is negative.
template <class Psi>
void expect_kernel(const TimeFeatures& op, const KernelTable& table, const std::vector<double>& stamps,
                   const Psi& psi) {
  const auto gram = gram_of(op, table, {line_of(stamps)});
  const std::size_t tokens = stamps.size();
  for (std::size_t n = 0; n < tokens; ++n) {
    for (std::size_t m = 0; m < tokens; ++m) {
      ASSERT_NEAR(gram[n * tokens + m], psi(stamps[n] - stamps[m]), 1e-6) << stamps[n] << ", " << stamps[m];
    }
  }
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const auto x = random_numbers(std::ssize(stamps), seed);
    double form = 0;
    for (std::size_t i = 0; i < gram.size(); ++i) {
      form += static_cast<double>(x[i / tokens]) * static_cast<double>(x[i % tokens]) *
              psi(stamps[i / tokens] - stamps[i % tokens]);
    }
    EXPECT_GE(form, -1e-9);
  }
}

const std::vector<double> far_stamps{0, 1, 7, 1000, 1000, 2.6e7, 2.6e7 + 3, 1e8, 1e8 + 1, 2e9};

TEST(TimeBochner, IsAKernelOfTheDifferenceAtSpansOfYears) {
  const auto op = time_op<TimeBochner>({{"form", "textbook"}}, {{"omega", vector_of(dyadic_omega)}});
  expect_kernel(op, table_of<TimeBochner>(), far_stamps, [](double difference) {
    double sum = 0;
    for (const float w : dyadic_omega) {
      sum += std::cos(static_cast<double>(w) * difference);
    }
    return sum / static_cast<double>(dyadic_omega.size());
  });
}

TEST(TimeMercer, WithEqualCoefficientsOfAHarmonicIsAKernelOfTheDifference) {
  const std::vector<float> c{0.25f, 0.125f, 0.125f, 0.0625f, 0.0625f, 0.5f, 0.0f, 0.0f, 0.25f, 0.25f};
  const auto op = time_op<TimeMercer>(
      {{"form", "textbook"}}, {{"omega", vector_of({0.5f, 0.00390625f})}, {"coefficient", matrix_of(2, c)}});
  expect_kernel(op, table_of<TimeMercer>(), far_stamps, [](double difference) {
    return 0.25 + 0.125 * std::cos(0.5 * difference) + 0.0625 * std::cos(difference) + 0.5 +
           0.25 * std::cos(0.0078125 * difference);
  });
}

TEST(TimeMercer, UnequalCoefficientsBreakTheInvariance) {
  const auto op = time_op<TimeMercer>(
      {{"form", "textbook"}}, {{"omega", vector_of({1.0f})}, {"coefficient", matrix_of(1, {0, 1, 0})}});
  const KernelTable table = table_of<TimeMercer>();
  EXPECT_GT(std::abs(gram_of(op, table, {line_of({0, 1})})[1] - gram_of(op, table, {line_of({1, 2})})[1]),
            0.1);
}

TEST(TimeFeatures, AtZeroAreSinesOfZeroAndCosinesOfOne) {
  const std::vector<Value> zero{line_of({0})};
  const auto free = time_op<TimeBochner>({}, {{"sin_exponent", vector_of({0, 4})},
                                              {"cos_exponent", vector_of({1, 3})},
                                              {"beta", vector_of({2, 3, 5, 7})}});
  EXPECT_EQ(numbers_of(run_first(free, zero)[0]), (std::vector<float>{0, 0, 5, 7}));
  const auto textbook = time_op<TimeBochner>({{"form", "textbook"}}, {{"omega", vector_of({1, 2, 3, 4})}});
  EXPECT_EQ(numbers_of(run_first(textbook, zero)[0]),
            (std::vector<float>{0.5f, 0, 0.5f, 0, 0.5f, 0, 0.5f, 0}));
  const auto summed = time_op<TimeMercer>({}, {{"exponent", vector_of({0, 4})},
                                               {"coefficient", matrix_of(2, {9, 9, 1, 2, 9, 9, 3, 4})},
                                               {"bias", vector_of({0.5f, 0.25f})}});
  EXPECT_EQ(numbers_of(run_first(summed, zero)[0]), (std::vector<float>{3.5f, 7.25f}));
  const auto all = time_op<TimeMercer>({{"form", "textbook"}},
                                       {{"omega", vector_of({1})}, {"coefficient", matrix_of(1, {4, 9, 1})}});
  EXPECT_EQ(numbers_of(run_first(all, zero)[0]), (std::vector<float>{2, 3, 0}));
}

TEST(TimeFeatures, OfAQuarterPeriodAreOneInTheSine) {
  const float quarter = std::acos(0.0f);
  const auto op = time_op<TimeBochner>({{"form", "textbook"}}, {{"omega", vector_of({quarter})}});
  const auto out = numbers_of(run_first(op, std::vector<Value>{line_of({1, 2, 3, 4})})[0]);
  const std::vector<float> wanted{0, 1, -1, 0, 0, -1, 1, 0};
  for (std::size_t i = 0; i < out.size(); ++i) {
    EXPECT_NEAR(out[i], wanted[i], 1e-6f);  // four times the rounding of pi / 2
  }
}

TEST(TimeMercer, TheSummedFormIsAProjectionOfTheTextbookForm) {
  const std::vector<float> a{0.5f, -0.25f, 0.125f, 1.0f, 0.75f, -0.5f};  // 3 sines, 3 cosines
  const auto summed =
      time_op<TimeMercer>({}, {{"exponent", vector_of({0.0f})}, {"coefficient", matrix_of(1, a)}});
  const auto terms = time_op<TimeMercer>(
      {{"form", "textbook"}},
      {{"omega", vector_of({1.0f})}, {"coefficient", matrix_of(1, std::vector<float>(7, 1.0f))}});
  const std::vector<Value> in{line_of({0, 1, 5, 123456})};
  const auto sum = numbers_of(run_first(summed, in)[0]);
  const auto phi = numbers_of(run_first(terms, in)[0]);
  for (std::size_t n = 0; n < 4; ++n) {
    float projected = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      projected += a[j] * phi[n * 7 + 2 * j + 2] + a[3 + j] * phi[n * 7 + 2 * j + 1];
    }
    EXPECT_NEAR(sum[n], projected, feature_tolerance);
  }
}

TEST(TimeFeatures, ShiftingAllStampsChangesNothing) {
  for (const std::string ref : {"since_first", "target_span"}) {
    const auto op = time_op<TimeBochner>(
        {{"time_ref", ref}}, {{"sin_exponent", vector_of({0, 2})}, {"cos_exponent", vector_of({1, 3})}});
    const auto features_at = [&](double origin) {
      std::vector<Value> in{line_of({origin, origin + 5, origin + 5, origin + 1000})};
      if (ref == "target_span") {
        in.push_back(line_of({origin + 1234}));
      }
      return run_first(op, in)[0];
    };
    EXPECT_TRUE(same(features_at(1e9), features_at(0))) << ref;
    EXPECT_FALSE(
        same(features_at(0), run_first(time_op<TimeBochner>({}, {{"sin_exponent", vector_of({0, 2})},
                                                                 {"cos_exponent", vector_of({1, 3})}}),
                                       std::vector<Value>{line_of({9, 14, 14, 1009})})[0]));
  }
}

TEST(TimeFeatures, PermutingEventsPermutesRowsAndEqualStampsHaveEqualRows) {
  const auto op = time_op<TimeBochner>({{"time_ref", "target_span"}, {"form", "textbook"}},
                                       {{"omega", vector_of(dyadic_omega)}});
  const auto out = run_first(op, std::vector<Value>{line_of({1, 5, 9, 5}), line_of({20})})[0];
  const auto moved = run_first(op, std::vector<Value>{line_of({5, 1, 5, 9}), line_of({20})})[0];
  EXPECT_TRUE(same(moved, permuted(out, {1, 0, 3, 2})));
  const auto numbers = numbers_of(out);
  EXPECT_TRUE(std::equal(numbers.begin() + 10, numbers.begin() + 20, numbers.begin() + 30));
}

TEST(TimeFeatures, OfAnEmptySequenceAreEmptyAtNoCost) {
  for (const std::string ref : {"none", "since_first", "target_span"}) {
    const auto op =
        time_op<TimeBochner>({{"time_ref", ref}, {"form", "textbook"}}, {{"omega", vector_of(dyadic_omega)}});
    std::vector<Value> in{line_of({})};
    if (ref == "target_span") {
      in.push_back(line_of({20}));
    }
    const auto out = run_first(op, in);
    EXPECT_EQ(spec_of(out[0]), dense_spec(tbnc(1, 1, 0, 10)));
    EXPECT_EQ(cost_of(op, in, out), Cost());
  }
}

// Stamps need no order: cosines are even, sines odd.
TEST(TimeFeatures, OfAnEventAfterTheTargetAreThoseOfItsNegativeSpan) {
  const auto op = time_op<TimeBochner>({{"time_ref", "target_span"}, {"form", "textbook"}},
                                       {{"omega", vector_of({0.5f})}});
  const auto out = numbers_of(run_first(op, std::vector<Value>{line_of({9, 5, 1}), line_of({5})})[0]);
  EXPECT_EQ(out[0], out[4]);
  EXPECT_EQ(out[1], -out[5]);
}

TEST(TimeFeatures, OfFloatsAndTicksAreTheSameWhereBothAreExact) {
  const auto op = time_op<TimeBochner>({{"form", "textbook"}}, {{"omega", vector_of(dyadic_omega)}});
  const std::vector<double> stamps{0, -3, 1000, 16777216};
  EXPECT_TRUE(same(run_first(op, std::vector<Value>{line_of(stamps, Dtype::f32)})[0],
                   run_first(op, std::vector<Value>{line_of(stamps)})[0]));
}

TEST(TimeFeatures, RefuseStampsThatDoNotFit) {
  const auto op = time_op<TimeBochner>({{"form", "textbook"}}, {{"omega", vector_of({1, 2})}});
  const auto span = time_op<TimeBochner>({{"form", "textbook"}, {"time_ref", "target_span"}},
                                         {{"omega", vector_of({1, 2})}});
  EXPECT_EQ(op.arity().most, 1u);
  EXPECT_EQ(span.arity().least, 2u);
  const ValueSpec stamps = dense_spec(tbnc(1, 2, 3, 1));
  EXPECT_EQ(op.infer(std::vector{stamps}, 1)[0], dense_spec(tbnc(1, 2, 3, 4)));
  EXPECT_EQ(op.wanted_form(0, std::vector{spike_spec(tbnc(1, 2, 3, 1), binary_code())}), Form::dense);
  expect_refused(op, {dense_spec(tbnc(1, 2, 3, 2))}, "stamps is f32 [T=1 B=2 N=3 C=2], wanted [T B N C=1]");
  expect_refused(op, {dense_spec({{Axis::T, 1}, {Axis::B, 1}, {Axis::C, 1}})},
                 "stamps is f32 [T=1 B=1 C=1], wanted [T B N C=1]");
  expect_refused(op, {dense_spec(tbnc(1, 2, 3, 1), Dtype::i8)},
                 "stamps is i8 [T=1 B=2 N=3 C=1], wanted f32 or i32");
  expect_refused(span, {stamps, dense_spec(tbnc(1, 2, 1, 1), Dtype::i32)},
                 "target is i32 [T=1 B=2 N=1 C=1], wanted f32 [T=1 B=2 N=1 C=1]");
  expect_refused(span, {stamps, stamps}, "target is f32 [T=1 B=2 N=3 C=1], wanted f32 [T=1 B=2 N=1 C=1]");
}

TEST(TimeFeatures, RefuseWeightsThatDoNotFit) {
  const std::vector<ValueSpec> in{dense_spec(tbnc(1, 1, 2, 1))};
  const auto one = vector_of({1});
  const auto two = vector_of({1, 2});
  using Bochner = TimeBochner;
  using Mercer = TimeMercer;
  const Words textbook{{"form", "textbook"}};
  expect_refused(time_op<Bochner>({}, {}), in, "sin_exponent is missing");
  expect_refused(time_op<Bochner>({}, {{"sin_exponent", one}}), in, "cos_exponent is missing");
  expect_refused(time_op<Bochner>({}, {{"sin_exponent", one}, {"cos_exponent", two}}), in,
                 "cos_exponent is [2], wanted [1]");
  expect_refused(time_op<Bochner>({}, {{"sin_exponent", one}, {"cos_exponent", one}, {"beta", one}}), in,
                 "beta is [1], wanted [2]");
  expect_refused(time_op<Bochner>(textbook, {}), in, "omega is missing");
  expect_refused(time_op<Bochner>(textbook, {{"omega", matrix_of(1, {1})}}), in,
                 "omega has 2 axes and 1 numbers, wanted 1 axes and no empty one");
  expect_refused(time_op<Mercer>({}, {{"coefficient", matrix_of(1, {1, 2})}}), in, "exponent is missing");
  expect_refused(time_op<Mercer>({}, {{"exponent", one}}), in, "coefficient is missing");
  expect_refused(time_op<Mercer>({}, {{"exponent", one}, {"coefficient", matrix_of(2, {1, 2, 3, 4})}}), in,
                 "coefficient is [2 2], wanted [1 2]");
  expect_refused(time_op<Mercer>({}, {{"exponent", one}, {"coefficient", matrix_of(1, {1, 2, 3})}}), in,
                 "coefficient is [1 3], wanted [1 2]");
  expect_refused(
      time_op<Mercer>({}, {{"exponent", one}, {"coefficient", matrix_of(1, {1, 2})}, {"bias", two}}), in,
      "bias is [2], wanted [1]");
  expect_refused(time_op<Mercer>({{"form", "flex"}},
                                 {{"period", matrix_of(1, {1, 2})}, {"coefficient", matrix_of(1, {1, 2})}}),
                 in, "coefficient is [1 2], wanted [1 4]");
  expect_refused(time_op<Mercer>({{"form", "flex"}},
                                 {{"period", matrix_of(1, {0})}, {"coefficient", matrix_of(1, {1, 2})}}),
                 in, "period holds a 0");
  expect_refused(time_op<Mercer>(textbook, {{"omega", one}, {"coefficient", matrix_of(1, {1})}}), in,
                 "coefficient is [1 1], wanted [1 3]");
  expect_refused(time_op<Mercer>(textbook, {{"omega", one}, {"coefficient", matrix_of(1, {1, -1, 1})}}), in,
                 "coefficient holds a number below 0, wanted none: it is rooted");
  Bochner op;
  EXPECT_THROW(op.set_weight("beta", {1}, std::vector<float>{INFINITY}), Error);
}

TEST(TimeFeatures, NameTheWeightsOfTheirForm) {
  const auto first_slot = [](const Operator& op) { return op.weight_slots()[0].name; };
  EXPECT_EQ(first_slot(time_op<TimeBochner>({}, {})), "sin_exponent");
  EXPECT_EQ(first_slot(time_op<TimeBochner>({{"form", "textbook"}}, {})), "omega");
  EXPECT_EQ(first_slot(time_op<TimeMercer>({}, {})), "exponent");
  EXPECT_EQ(first_slot(time_op<TimeMercer>({{"form", "flex"}}, {})), "period");
  EXPECT_EQ(time_op<TimeMercer>({{"form", "textbook"}}, {}).weight_slots().size(), 2u);
}

}  // namespace
}  // namespace volley::test
