// PLIF: LIF with a leak from a weight.
#include "neurons/plif.hpp"

#include <cmath>

#include "tests/unit/neurons/neuron_runs.hpp"

namespace volley::test {
namespace {

TEST(Plif, WeightZeroIsLifOfTwoSteps) {
  const std::vector<float> x = random_numbers(200, 3);
  for (const bool decay_input : {true, false}) {
    const Attributes attributes{{"threshold", 0.25}, {"decay_input", decay_input}};
    const auto plif = trace_of("neuron.plif", attributes, x, 0.0f);
    const auto lif = trace_of("neuron.lif", attributes, x);
    EXPECT_EQ(plif.spikes, lif.spikes);
    EXPECT_EQ(plif.v, lif.v);
  }
}

TEST(Plif, ConstantCurrentFollowsTheClosedForm) {
  for (const double tau : {1.25, 2.0, 5.0}) {
    const auto w = static_cast<float>(-std::log(tau - 1.0));
    const auto trace = trace_of("neuron.plif", {{"threshold", 1e6}}, std::vector<float>(30, 0.8f), w);
    for (std::size_t t = 0; t < trace.v.size(); ++t) {
      const double wanted = 0.8 * (1.0 - std::pow(1.0 - 1.0 / tau, static_cast<double>(t + 1)));
      ASSERT_NEAR(trace.v[t], wanted, 2e-6) << "tau " << tau << ", step " << t;  // sigmoid and sums in f32
    }
  }
}

TEST(Plif, WeightIsOneFiniteNumberOfAnyRank) {
  PlifOp op;
  ASSERT_EQ(op.weight_slots().size(), 1u);
  EXPECT_EQ(op.weight_slots()[0].name, "w");
  EXPECT_EQ(op.weight_slots()[0].need, Need::required);
  const std::vector<float> one{0.5f};
  op.set_weight("w", {}, one);
  EXPECT_EQ(op.params().weight, 0.5f);
  op.set_weight("w", {1}, std::vector<float>{-2.0f});
  EXPECT_EQ(op.params().weight, -2.0f);
  EXPECT_EQ(error_of([&] {
              op.set_weight("w", {2}, std::vector<float>{1.0f, 2.0f});
            }),
            "weight w has 2 numbers in 1 axes, wanted 1");
  EXPECT_EQ(error_of([&] { op.set_weight("w", {}, std::vector<float>{std::nanf("")}); }),
            "weight w is nan, wanted a finite number");
  EXPECT_TRUE(LifOp().weight_slots().empty());
}

TEST(Plif, WrongParametersAreRefused) {
  EXPECT_EQ(infer_error("neuron.plif", {{"threshold", 0.0}}), "threshold is 0, wanted above 0");
}

}  // namespace
}  // namespace volley::test
