// CUBA-LIF: impulse response, reset.
#include "neurons/cuba_lif.hpp"

#include <cmath>

#include "tests/unit/neurons/neuron_runs.hpp"

namespace volley::test {
namespace {

TEST(CubaLif, ImpulseResponseIsTheDifferenceOfTwoExponentials) {
  const double c = 0.5;
  const double v = 0.75;
  std::vector<float> x(20, 0.0f);
  x[0] = 1.0f;
  const auto trace = trace_of("neuron.cuba_lif", {{"threshold", 1e6}}, x);
  for (std::size_t t = 0; t < x.size(); ++t) {
    const auto n = static_cast<double>(t + 1);
    const double wanted = (std::pow(v, n) - std::pow(c, n)) / (v - c);
    ASSERT_NEAR(trace.v[t], wanted, 1e-6) << "step " << t;  // f32 sums against double
  }
}

TEST(CubaLif, CurrentOutlivesTheReset) {
  const auto trace = trace_of("neuron.cuba_lif", {}, {1.0f, 0.0f, 0.0f});
  EXPECT_EQ(trace.spikes, (std::vector<int>{1, 1, 0}));  // c = 1, 0.5 (a tie), 0.25
  EXPECT_EQ(trace.v, (std::vector<float>{0.0f, 0.0f, 0.25f}));
  EXPECT_EQ(trace_of("neuron.cuba_lif", {{"fire", "gt"}}, {1.0f, 0.0f, 0.0f}).spikes,
            (std::vector<int>{1, 0, 1}));
  EXPECT_EQ(trace_of("neuron.cuba_lif", {{"reset", "soft"}}, {1.0f}).v[0], 0.5f);
}

TEST(CubaLif, WrongParametersAreRefused) {
  EXPECT_EQ(infer_error("neuron.cuba_lif", {{"c_decay", 1.5}}), "c_decay is 1.5, wanted 0 to 1");
  EXPECT_EQ(infer_error("neuron.cuba_lif", {{"v_decay", -0.5}}), "v_decay is -0.5, wanted 0 to 1");
  EXPECT_EQ(infer_error("neuron.cuba_lif", {{"threshold", 0.0}}), "threshold is 0, wanted above 0");
}

}  // namespace
}  // namespace volley::test
