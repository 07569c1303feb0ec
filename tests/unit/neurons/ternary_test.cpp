// Ternary neurons: both forms by hand.
#include "neurons/ternary.hpp"

#include "tests/unit/neurons/neuron_runs.hpp"

namespace volley::test {
namespace {

TEST(Ternary, TsnDecaysAfterTheTestAndResetsBySign) {
  const auto trace = trace_of("neuron.ternary", {{"tau", 0.5}, {"threshold", 1.0}, {"reset_value", 0.25}},
                              {0.5f, 0.75f, -1.5f, -0.25f, 0.125f});
  EXPECT_EQ(trace.spikes, (std::vector<int>{0, 1, -1, 0, 0}));  // |u| = 0.5, 1, 1.25, 0.5, 0.125
  EXPECT_EQ(trace.v, (std::vector<float>{0.25f, 0.25f, -0.25f, -0.25f, -0.0625f}));
}

TEST(Ternary, TernarySpikeDecaysBeforeTheInputComes) {
  const auto trace =
      trace_of("neuron.ternary", {{"form", "ternary_spike"}, {"tau", 0.25}, {"threshold", 0.5}},
               {0.25f, 0.25f, 0.4375f, -0.75f, -0.25f});
  EXPECT_EQ(trace.spikes, (std::vector<int>{0, 0, 1, -1, 0}));  // u = 0.25, 0.3125, 0.515625, -0.75, -0.25
  EXPECT_EQ(trace.v, (std::vector<float>{0.25f, 0.3125f, 0.0f, 0.0f, -0.25f}));
}

TEST(Ternary, TiesOfBothSignsFireWithGeAndNotWithGt) {
  for (const char* form : {"tsn", "ternary_spike"}) {
    const Attributes ge{{"form", form}, {"tau", 0.5}, {"threshold", 0.5}};
    Attributes gt = ge;
    gt.emplace("fire", "gt");
    EXPECT_EQ(trace_of("neuron.ternary", ge, {0.5f}).spikes[0], 1);
    EXPECT_EQ(trace_of("neuron.ternary", ge, {-0.5f}).spikes[0], -1);
    EXPECT_EQ(trace_of("neuron.ternary", gt, {0.5f}).spikes[0], 0);
    EXPECT_EQ(trace_of("neuron.ternary", gt, {-0.5f}).spikes[0], 0);
  }
}

TEST(Ternary, NegativeInputGivesTheNegativeSpikes) {
  std::vector<float> x = random_numbers(100, 9);
  for (const char* form : {"tsn", "ternary_spike"}) {
    const Attributes attributes{{"form", form}, {"tau", 0.7}, {"threshold", 0.4}};
    const auto plus = trace_of("neuron.ternary", attributes, x);
    for (float& number : x) {
      number = -number;
    }
    const auto minus = trace_of("neuron.ternary", attributes, x);
    EXPECT_NE(first_spike(plus), 0);
    for (std::size_t t = 0; t < x.size(); ++t) {
      ASSERT_EQ(minus.spikes[t], -plus.spikes[t]);
    }
  }
}

TEST(Ternary, WrongParametersAreRefused) {
  EXPECT_EQ(infer_error("neuron.ternary", {{"tau", 0.0}, {"threshold", 1.0}}),
            "tau is 0, wanted above 0 and at most 1");
  EXPECT_EQ(infer_error("neuron.ternary", {{"tau", 2.0}, {"threshold", 1.0}}),
            "tau is 2, wanted above 0 and at most 1");
  EXPECT_EQ(infer_error("neuron.ternary", {{"tau", 1.0}, {"threshold", 0.0}}),
            "threshold is 0, wanted above 0");
  EXPECT_EQ(infer_error("neuron.ternary",
                        {{"form", "ternary_spike"}, {"tau", 1.0}, {"threshold", 1.0}, {"reset_value", 1.0}}),
            "reset_value is 1, wanted 0 with form ternary_spike");
  TernaryOp op;
  op.params().tau = op.params().threshold = 1.0f;
  op.params().reset_value = std::nanf("");
  const std::vector<ValueSpec> in{dense_spec({{Axis::T, 2}, {Axis::B, 1}})};
  EXPECT_EQ(error_of([&] { op.infer(in, 2); }), "reset_value is nan, wanted a number");
  EXPECT_EQ(infer_error("neuron.ternary", {{"threshold", 1.0}}),
            "neuron.ternary 'lif1': attribute 'tau' is missing, wanted a number");
  EXPECT_EQ(infer_error("neuron.ternary", {{"tau", 1.0}}),
            "neuron.ternary 'lif1': attribute 'threshold' is missing, wanted a number");
}

}  // namespace
}  // namespace volley::test
