// IF: sums of its input, ties.
#include "neurons/if.hpp"

#include <algorithm>

#include "tests/unit/neurons/neuron_runs.hpp"

namespace volley::test {
namespace {

TEST(If, MembraneIsTheSumOfTheInput) {
  const auto trace = trace_of("neuron.if", {{"threshold", 100.0}}, {0.5f, -0.25f, 2.0f, 0.125f});
  EXPECT_EQ(trace.v, (std::vector<float>{0.5f, 0.25f, 2.25f, 2.375f}));
}

TEST(If, SoftResetLosesNothing) {
  // 5/16 a step is exact, so 64 steps give 20 spikes and an empty membrane; hard reset drops what is above.
  const std::vector<float> x(64, 0.3125f);
  const auto soft = trace_of("neuron.if", {{"reset", "soft"}}, x);
  EXPECT_EQ(std::count(soft.spikes.begin(), soft.spikes.end(), 1), 20);
  EXPECT_EQ(soft.v.back(), 0.0f);
  const auto hard = trace_of("neuron.if", {}, x);
  EXPECT_EQ(std::count(hard.spikes.begin(), hard.spikes.end(), 1), 16);
}

TEST(If, ThresholdTieFiresWithGeAndNotWithGt) {
  EXPECT_EQ(first_spike(trace_of("neuron.if", {}, {0.5f, 0.5f, 0.5f})), 2);
  EXPECT_EQ(first_spike(trace_of("neuron.if", {{"fire", "gt"}}, {0.5f, 0.5f, 0.5f})), 3);
}

TEST(If, WrongParametersAreRefused) {
  EXPECT_EQ(infer_error("neuron.if", {{"threshold", -1.0}}), "threshold is -1, wanted above 0");
  EXPECT_EQ(infer_error("neuron.if", {{"reset", "soft"}, {"reset_value", 1.0}}),
            "reset_value is 1, wanted 0 with reset soft");
}

}  // namespace
}  // namespace volley::test
