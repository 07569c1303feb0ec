// ALIF: each spike makes the next one harder.
#include "neurons/adaptive.hpp"

#include "tests/unit/neurons/neuron_runs.hpp"

namespace volley::test {
namespace {

TEST(Adaptive, ThresholdRisesByBetaAndFallsByRho) {
  // h: 1, 1.25, 2.5, 2; threshold: 1, 1.5, 1.25, 1.625. All exact.
  const auto trace =
      trace_of("neuron.adaptive", {{"alpha", 1.0}, {"beta", 0.5}, {"rho", 0.5}}, {1.0f, 1.25f, 1.25f, 0.75f});
  EXPECT_EQ(trace.spikes, (std::vector<int>{1, 0, 1, 1}));
  EXPECT_EQ(trace.v, (std::vector<float>{0.0f, 1.25f, 1.25f, 0.375f}));
}

TEST(Adaptive, GapsBetweenSpikesGrowUnderConstantInput) {
  const auto trace = trace_of("neuron.adaptive", {{"alpha", 1.0}, {"beta", 0.5}, {"rho", 1.0}},
                              std::vector<float>(200, 0.5f));
  std::vector<std::size_t> at;
  for (std::size_t t = 0; t < trace.spikes.size(); ++t) {
    if (trace.spikes[t] != 0) {
      at.push_back(t);
    }
  }
  ASSERT_GE(at.size(), 8u);
  for (std::size_t i = 2; i < at.size(); ++i) {
    EXPECT_EQ(at[i] - at[i - 1],
              at[i - 1] - at[i - 2] + 1);  // the threshold grows by one step of input a spike
  }
}

TEST(Adaptive, WithoutAdaptationIsLifWithSoftReset) {
  const auto x = random_numbers(200, 6);
  const auto adaptive = trace_of("neuron.adaptive", {{"alpha", 0.75}, {"beta", 0.0}, {"rho", 0.5}}, x);
  const auto lif = trace_of("neuron.lif", {{"tau", 4.0}, {"decay_input", false}, {"reset", "soft"}}, x);
  EXPECT_EQ(adaptive.spikes, lif.spikes);
  EXPECT_EQ(adaptive.v, lif.v);
}

TEST(Adaptive, TieFiresWithGeAndNotWithGt) {
  const Attributes ge{{"alpha", 0.5}, {"beta", 0.5}, {"rho", 0.5}};
  Attributes gt = ge;
  gt.emplace("fire", "gt");
  EXPECT_EQ(trace_of("neuron.adaptive", ge, {1.0f}).spikes[0], 1);
  EXPECT_EQ(trace_of("neuron.adaptive", gt, {1.0f}).spikes[0], 0);
}

TEST(Adaptive, WrongParametersAreRefused) {
  const auto refusal = [](const std::string& name, double value) {
    Attributes attributes{{"alpha", 0.5}, {"beta", 0.5}, {"rho", 0.5}};
    attributes[name] = value;
    return infer_error("neuron.adaptive", attributes);
  };
  EXPECT_EQ(refusal("alpha", 1.5), "alpha is 1.5, wanted 0 to 1");
  EXPECT_EQ(refusal("beta", -0.5), "beta is -0.5, wanted at least 0");
  EXPECT_EQ(refusal("rho", -0.5), "rho is -0.5, wanted 0 to 1");
  EXPECT_EQ(refusal("threshold", 0.0), "threshold is 0, wanted above 0");
  EXPECT_EQ(infer_error("neuron.adaptive", {{"alpha", 0.5}, {"beta", 0.5}}),
            "neuron.adaptive 'lif1': attribute 'rho' is missing, wanted a number");
}

}  // namespace
}  // namespace volley::test
