// I-LIF: rounding, clipping, and nothing lost.
#include "neurons/graded.hpp"

#include <cmath>

#include "tests/unit/neurons/neuron_runs.hpp"

namespace volley::test {
namespace {

int spike_of(float x, const char* rounding, double levels = 4) {
  return trace_of("neuron.graded", {{"levels", levels}, {"rounding", rounding}}, {x}).spikes[0];
}

TEST(Graded, HalvesRoundToEvenOrUp) {
  const std::vector<float> halves{0.5f, 1.5f, 2.5f, 3.5f};
  const std::vector<int> even{0, 2, 2, 4};
  const std::vector<int> up{1, 2, 3, 4};
  for (std::size_t i = 0; i < halves.size(); ++i) {
    EXPECT_EQ(spike_of(halves[i], "half_even"), even[i]);
    EXPECT_EQ(spike_of(halves[i], "half_up"), up[i]);
    EXPECT_EQ(spike_of(std::nextafter(halves[i], 0.0f), "half_even"), static_cast<int>(i));
    EXPECT_EQ(spike_of(std::nextafter(halves[i], 9.0f), "half_even"), static_cast<int>(i) + 1);
  }
}

TEST(Graded, RoundingToEvenIsThatOfTheMachineOverAllLevels) {
  for (const float x : random_numbers(500, 4)) {
    const float h = 32.0f * (x + 1.0f);
    EXPECT_EQ(spike_of(h, "half_even", 64), static_cast<int>(std::nearbyint(h))) << h;
  }
}

TEST(Graded, SpikesAreClippedToTheLevels) {
  EXPECT_EQ(spike_of(-3.0f, "half_even"), 0);
  EXPECT_EQ(spike_of(9.0f, "half_even"), 4);
  EXPECT_EQ(spike_of(1e30f, "half_up", 64), 64);
  EXPECT_EQ(spike_of(5.0f, "half_up", 1), 1);
}

TEST(Graded, RestOfTheMembraneDecays) {
  const auto trace = trace_of("neuron.graded", {}, {5.5f, 0.0f, 2.25f});
  EXPECT_EQ(trace.spikes, (std::vector<int>{4, 0, 2}));  // h = 5.5, 0.375, 2.34375
  EXPECT_EQ(trace.v, (std::vector<float>{1.5f, 0.375f, 0.34375f}));
}

TEST(Graded, WithoutLeakSpikesAndRestAreTheSumOfTheInput) {
  const auto x = random_numbers(200, 8, 64);  // on a grid: sums are exact
  const auto trace = trace_of("neuron.graded", {{"beta", 1.0}, {"levels", 64.0}}, x);
  double in = 0;
  double out = 0;
  for (std::size_t t = 0; t < x.size(); ++t) {
    in += static_cast<double>(x[t]);
    out += trace.spikes[t];
    ASSERT_EQ(in, out + static_cast<double>(trace.v[t])) << "step " << t;
  }
}

TEST(Graded, WrongParametersAreRefused) {
  EXPECT_EQ(infer_error("neuron.graded", {{"levels", 0.0}}), "levels is 0, wanted 1 to 64");
  EXPECT_EQ(infer_error("neuron.graded", {{"levels", 65.0}}), "levels is 65, wanted 1 to 64");
  EXPECT_EQ(infer_error("neuron.graded", {{"levels", 64.0}}), "");
  EXPECT_EQ(infer_error("neuron.graded", {{"beta", -0.5}}), "beta is -0.5, wanted 0 to 1");
  EXPECT_EQ(infer_error("neuron.graded", {{"beta", 1.5}}), "beta is 1.5, wanted 0 to 1");
}

}  // namespace
}  // namespace volley::test
