// DSSA against loops, its scales, and its products.
#include "attention/dual_spike_attention.hpp"

#include "tests/reference/product_ref.hpp"
#include "tests/unit/attention/family_case.hpp"

namespace volley::test {
namespace {

constexpr Index trained_tokens = 9;

// A rate for each head, all different.
std::vector<float> rates_of(Index heads) {
  std::vector<float> rates;
  for (Index h = 0; h < heads; ++h) {
    rates.push_back(0.1f + 0.05f * static_cast<float>(h));
  }
  return rates;
}

std::vector<float> scales_of(Index heads, Index terms) {
  std::vector<float> scales;
  for (const float rate : rates_of(heads)) {
    scales.push_back(1.0f / std::sqrt(rate * static_cast<float>(terms)));
  }
  return scales;
}

DssaScores scores_with(Index heads, const std::vector<float>& rates) {
  auto op = made_with<DssaScores>({{"heads", static_cast<double>(heads)}});
  op.set_weight("firing_rate_x", {1, 1, heads, 1, 1}, rates);
  return op;
}

DssaValues values_with(Index heads, const std::vector<float>& rates, Index tokens = trained_tokens) {
  auto op =
      made_with<DssaValues>({{"heads", static_cast<double>(heads)}, {"tokens", static_cast<double>(tokens)}});
  op.set_weight("firing_rate_attn", {1, 1, heads, 1, 1}, rates);
  return op;
}

struct Inputs {
  explicit Inputs(const Case& entry)
      : heads(entry.integer("heads")),
        y(random_dense(
            tbnc(entry.integer("T"), entry.integer("B"), entry.integer("M"), 2 * entry.integer("C")),
            static_cast<std::uint64_t>(entry.integer("seed")))),
        s(spikes_of(entry, entry.shape("TBNC"), 1)),
        a(spikes_of(entry,
                    {{Axis::T, entry.integer("T")},
                     {Axis::B, entry.integer("B")},
                     {Axis::H, heads},
                     {Axis::M, entry.integer("M")},
                     {Axis::N, entry.integer("N")}},
                    2)) {}

  Index heads;
  Value y, s, a;
};

TEST(DssaScores, KernelsAndCostEqualTheLoop) {
  for (const Case& entry : family_cases("attention.dssa")) {
    SCOPED_TRACE(entry.line);
    const Inputs in(entry);
    CountingTally tally;
    const auto wanted = dssa_scores_reference(token_numbers(in.y), token_numbers(in.s),
                                              scales_of(in.heads, entry.integer("C") / in.heads), tally);
    expect_reference(scores_with(in.heads, rates_of(in.heads)), {in.y, in.s}, wanted, tally);
  }
}

TEST(DssaValues, KernelsAndCostEqualTheLoop) {
  for (const Case& entry : family_cases("attention.dssa")) {
    SCOPED_TRACE(entry.line);
    const Inputs in(entry);
    CountingTally tally;
    const auto wanted = dssa_values_reference(token_numbers(in.y), token_numbers(in.a),
                                              scales_of(in.heads, trained_tokens), tally);
    expect_reference(values_with(in.heads, rates_of(in.heads)), {in.y, in.a}, wanted, tally);
  }
}

TEST(DssaScores, ATokenThatIsSilentScoresZeroWhateverYIs) {
  const float infinite = std::numeric_limits<float>::infinity();
  const Value y = tensor_of(tbnc(1, 1, 1, 4), std::vector<float>{infinite, 1, 5, 6});
  const Value s = pack(tensor_of(tbnc(1, 1, 2, 2), std::vector<float>{0, 0, 0, 1}), binary_code());
  const DssaScores op = scores_with(1, {0.5f});
  for (const std::string_view kernel : {"events", "reference"}) {
    expect_numbers(run_kernel(op, kernel, std::vector<Value>{y, s})[0], {0, 1});
  }
}

TEST(Dssa, RefusesRatesThatAreMissingOrNotAboveZero) {
  const ValueSpec y = dense_spec(tbnc(1, 1, 3, 8));
  const ValueSpec s = spike_spec(tbnc(1, 1, 5, 4), binary_code());
  const ValueSpec a =
      spike_spec({{Axis::T, 1}, {Axis::B, 1}, {Axis::H, 2}, {Axis::M, 3}, {Axis::N, 5}}, binary_code());
  const auto nan = std::numeric_limits<float>::quiet_NaN();
  expect_refused(made_with<DssaScores>({{"heads", 2.0}}), {y, s},
                 "firing_rate_x is missing: the scale of the product is made of it");
  expect_refused(made_with<DssaValues>({{"heads", 2.0}, {"tokens", 3.0}}), {y, a},
                 "firing_rate_attn is missing: the scale of the product is made of it");
  expect_refused(scores_with(2, {0.5f, 0.0f}), {y, s},
                 "firing_rate_x of head 1 is 0, wanted a number above 0: the model may be untrained");
  expect_refused(values_with(2, {-0.5f, 0.5f}), {y, a},
                 "firing_rate_attn of head 0 is -0.5, wanted a number above 0: the model may be untrained");
  expect_refused(scores_with(2, {nan, 0.5f}), {y, s},
                 "firing_rate_x of head 0 is nan, wanted a number above 0: the model may be untrained");
  expect_refused(scores_with(2, {0.5f}), {y, s}, "firing_rate_x has 1 numbers, wanted 2, one for each head");
  EXPECT_EQ(DssaScores().weight_slots()[0].need, Need::required);
  EXPECT_EQ(DssaValues().weight_slots()[0].name, "firing_rate_attn");
}

TEST(Dssa, RefusesShapesThatDoNotFit) {
  const auto rates = rates_of(2);
  const ValueSpec y = dense_spec(tbnc(1, 1, 3, 8));
  const ValueSpec s = spike_spec(tbnc(1, 1, 5, 4), binary_code());
  const Shape map{{Axis::T, 1}, {Axis::B, 1}, {Axis::H, 2}, {Axis::M, 3}, {Axis::N, 5}};
  expect_refused(scores_with(2, rates), {y, spike_spec(tbnc(1, 1, 5, 8), binary_code())},
                 "C of s is 8, wanted 4, half of that of y");
  expect_refused(scores_with(2, rates), {y, spike_spec(tbnc(2, 1, 5, 4), binary_code())},
                 "T of s is 2, wanted 1 as in y");
  expect_refused(scores_with(2, rates), {y, dense_spec(s.shape)},
                 "s is f32, wanted binary spikes: put a neuron before it");
  expect_refused(scores_with(2, rates), {s, s}, "y is binary, wanted dense f32");
  expect_refused(scores_with(0, {}), {y, s}, "heads is 0, wanted at least 1");
  expect_refused(scores_with(3, rates_of(3)), {y, s},
                 "C of y is 8, wanted a multiple of 2 for each of 3 heads");
  expect_refused(values_with(2, rates), {y, spike_spec(map.with(Axis::M, 4), binary_code())},
                 "A is binary [T=1 B=1 H=2 M=4 N=5], wanted [T=1 B=1 H=2 M=3 N=5] with any N, as dssa_scores "
                 "gives it");
  expect_refused(values_with(2, rates), {y, spike_spec(map.with(Axis::N, 0), binary_code())},
                 "N of A is 0, wanted at least 1");
  expect_refused(values_with(2, rates), {y, dense_spec(map)},
                 "A is f32, wanted binary spikes: put a neuron before it");
  expect_refused(values_with(2, rates, 0), {y, spike_spec(map, binary_code())},
                 "tokens is 0, wanted at least 1");
  EXPECT_THROW(made_with<DssaValues>({{"heads", 2.0}}), Error);
  EXPECT_EQ(scores_with(2, rates).wanted_form(0, std::vector{s, s}), Form::dense);
  EXPECT_EQ(scores_with(2, rates).wanted_form(1, std::vector{y, s}), Form::spikes);
}

TEST(Dssa, EachProductHasOneBinaryOperandThatDrivesIt) {
  for (const Case& entry : family_cases("attention.dssa")) {
    SCOPED_TRACE(entry.line);
    if (entry.integer("T") != 1 || entry.integer("B") != 1) {
      continue;
    }
    const Inputs in(entry);
    const TokenNumbers y = token_numbers(in.y);
    const TokenNumbers s = token_numbers(in.s);
    const TokenNumbers a = token_numbers(in.a);
    const Index width = s.channels / in.heads;
    const DssaScores scores = scores_with(in.heads, rates_of(in.heads));
    const DssaValues values = values_with(in.heads, rates_of(in.heads));
    const std::vector<Value> scores_in{in.y, in.s};
    const std::vector<Value> values_in{in.y, in.a};
    const auto of_scores = scores.products(scores_in);
    const auto of_values = values.products(values_in);
    ASSERT_EQ(static_cast<Index>(of_scores.size()), in.heads);
    ASSERT_EQ(static_cast<Index>(of_values.size()), in.heads);
    Index ac_scores = 0;
    Index ac_values = 0;
    for (Index h = 0; h < in.heads; ++h) {
      const Product& first = of_scores[static_cast<std::size_t>(h)];
      const Product& second = of_values[static_cast<std::size_t>(h)];
      PairTally wanted_first, wanted_second;
      for (Index m = 0; m < y.tokens; ++m) {
        for (Index n = 0; n < s.tokens; ++n) {
          for (Index c = 0; c < width; ++c) {
            wanted_first.pair(y(0, m, 2 * h * width + c), s(0, n, h * width + c));
            wanted_second.pair(a(0, h * y.tokens + m, n), y(0, m, (2 * h + 1) * width + c));
          }
        }
      }
      expect_product(first, wanted_first);
      expect_product(second, wanted_second);
      EXPECT_EQ(first.driven, Driven::b);
      EXPECT_EQ(second.driven, Driven::a);
      EXPECT_EQ(first.b.numbers, Numbers::binary);
      EXPECT_EQ(second.a.numbers, Numbers::binary);
      EXPECT_EQ(first.head, h);
      ac_scores += first.units_b;
      ac_values += second.units_a;
    }
    EXPECT_EQ(ac_scores, cost_of(scores, scores_in, run_first(scores, scores_in)).ac);
    EXPECT_EQ(ac_values, cost_of(values, values_in, run_first(values, values_in)).ac);
    EXPECT_EQ(scores.dense_mac(specs_of(scores_in)), in.heads * of_scores[0].dense);
    EXPECT_EQ(values.dense_mac(specs_of(values_in)), in.heads * of_values[0].dense);
  }
}

}  // namespace
}  // namespace volley::test
