// LIF: closed forms, ties, conventions of other simulators, and the vector kernel.
#include "neurons/lif.hpp"

#include <cmath>

#include "tests/unit/neurons/neuron_runs.hpp"

namespace volley::test {
namespace {

constexpr double never = 1e6;  // a threshold that is not reached

std::vector<float> constant(float x, std::size_t steps) {
  return std::vector<float>(steps, x);
}

TEST(Lif, ConstantCurrentFollowsTheClosedForm) {
  for (const double tau : {1.0, 1.5, 2.0, 7.0, 20.0}) {
    for (const bool decay_input : {true, false}) {
      const auto trace =
          trace_of("neuron.lif", {{"tau", tau}, {"decay_input", decay_input}, {"threshold", never}},
                   constant(0.8f, 60));
      for (std::size_t t = 0; t < trace.v.size(); ++t) {
        const double risen = 1.0 - std::pow(1.0 - 1.0 / tau, static_cast<double>(t + 1));
        const double wanted = 0.8 * (decay_input ? 1.0 : tau) * risen;
        // 60 steps of half an ulp, each held down by the leak.
        ASSERT_NEAR(trace.v[t], wanted, 2e-6 * (decay_input ? 1.0 : tau)) << "tau " << tau << ", step " << t;
      }
    }
  }
}

TEST(Lif, FirstSpikeUnderConstantCurrentIsTheAnalyticStepAndThenPeriodic) {
  for (const double tau : {1.5, 2.0, 5.0, 10.0}) {
    for (const double x : {1.1, 1.37, 2.0, 3.3}) {
      const double exact = std::log(1.0 - 0.9 / x) / std::log(1.0 - 1.0 / tau);
      const auto period = static_cast<Index>(std::ceil(exact));
      const Attributes attributes{{"tau", tau}, {"threshold", 0.9}};
      const auto input = constant(static_cast<float>(x), 100);
      const auto trace = trace_of("neuron.lif", attributes, input);
      ASSERT_EQ(first_spike(trace), period) << "tau " << tau << ", x " << x << ", exactly " << exact;
      ASSERT_EQ(first_spike(neuron_ref<double>("neuron.lif", attributes, 0, input)), period);
      for (std::size_t t = 0; t < trace.spikes.size(); ++t) {
        ASSERT_EQ(trace.spikes[t], (static_cast<Index>(t) + 1) % period == 0 ? 1 : 0) << "step " << t;
      }
    }
  }
}

TEST(Lif, ThresholdTieFiresWithGeAndNotWithGt) {
  EXPECT_EQ(trace_of("neuron.lif", {{"threshold", 0.5}}, {1.0f}).spikes[0], 1);
  EXPECT_EQ(trace_of("neuron.lif", {{"threshold", 0.5}, {"fire", "gt"}}, {1.0f}).spikes[0], 0);
  const float above = std::nextafter(0.5f, 1.0f);
  EXPECT_EQ(trace_of("neuron.lif", {{"threshold", 0.5}, {"fire", "gt"}, {"tau", 1.0}}, {above}).spikes[0], 1);
}

TEST(Lif, LimitThatOnlyFloatReachesFiresAfterTwentyFourSteps) {
  // h = 1 - 2^-n rounds to 1 in float32 and not (yet) in float64.
  const auto input = constant(1.0f, 40);
  const auto trace = trace_of("neuron.lif", {}, input);
  EXPECT_EQ(first_spike(trace), 25);
  EXPECT_EQ(trace.v[23], 1.0f - 0x1p-24f);
  EXPECT_EQ(first_spike(neuron_ref<double>("neuron.lif", {}, 0, input)), 0);
}

TEST(Lif, SoftResetTakesTheThresholdOffAndHardGoesToTheResetValue) {
  EXPECT_EQ(trace_of("neuron.lif", {{"reset", "soft"}}, {5.0f}).v[0], 1.5f);
  EXPECT_EQ(trace_of("neuron.lif", {{"reset_value", -0.5}}, {5.0f}).v[0], -0.5f);
  EXPECT_EQ(trace_of("neuron.lif", {}, {5.0f}).v[0], 0.0f);
}

TEST(Lif, MembraneRestsAtTheResetValue) {
  for (const bool decay_input : {true, false}) {
    const auto trace =
        trace_of("neuron.lif", {{"reset_value", 0.375}, {"tau", 3.0}, {"decay_input", decay_input}},
                 constant(0.0f, 5));
    EXPECT_EQ(trace.v, constant(0.375f, 5));
  }
}

TEST(Lif, SnnTorchFormSubtractsTheThresholdOneStepLater) {
  // v = 0.5 v + 0.75 - (spike of the step before), by hand.
  const Attributes snn_torch{
      {"decay_input", false}, {"reset", "soft"}, {"fire", "gt"}, {"reset_time", "next"}, {"tau", 2.0}};
  const auto trace = trace_of("neuron.lif", snn_torch, constant(0.75f, 6));
  EXPECT_EQ(trace.v, (std::vector<float>{0.75f, 1.125f, 0.3125f, 0.90625f, 1.203125f, 0.3515625f}));
  EXPECT_EQ(trace.spikes, (std::vector<int>{0, 1, 0, 0, 1, 0}));
}

TEST(Lif, HardResetAtTheNextStepLetsTheMembraneBeSeen) {
  const auto trace = trace_of("neuron.lif", {{"reset_time", "next"}}, {4.0f, 0.5f, 0.5f});
  EXPECT_EQ(trace.v, (std::vector<float>{2.0f, 0.25f, 0.375f}));
}

TEST(Lif, WrongParametersAreRefused) {
  EXPECT_EQ(infer_error("neuron.lif", {{"tau", 0.5}}), "tau is 0.5, wanted at least 1");
  EXPECT_EQ(infer_error("neuron.lif", {{"threshold", 0.0}}), "threshold is 0, wanted above 0");
  EXPECT_EQ(infer_error("neuron.lif", {{"reset", "soft"}, {"reset_value", 0.25}}),
            "reset_value is 0.25, wanted 0 with reset soft");
  EXPECT_EQ(infer_error("neuron.lif", {{"tau", 1.0}}), "");
  const std::vector<ValueSpec> in{dense_spec({{Axis::T, 2}, {Axis::B, 1}})};
  LifOp op;  // a program may set what no file can
  op.params().tau = std::nanf("");
  EXPECT_EQ(error_of([&] { op.infer(in, 2); }), "tau is nan, wanted at least 1");
  op.params() = {};
  op.params().firing.reset_value = std::nanf("");
  EXPECT_EQ(error_of([&] { op.infer(in, 2); }), "reset_value is nan, wanted a number");
}

TEST(LifHwy, IsChosenAndSaysWhyNot) {
  const std::vector<ValueSpec> in{dense_spec({{Axis::T, 2}, {Axis::B, 1}, {Axis::C, 3}})};
  const auto choice = [&](const Attributes& attributes) {
    return neuron_kernels().choose(*make_neuron("neuron.lif", attributes), in, Device::cpu);
  };
  EXPECT_EQ(choice({}).kernel->name, "hwy");
  EXPECT_EQ(choice({{"reset", "soft"}, {"decay_input", false}}).kernel->name, "hwy");
  EXPECT_EQ(choice({{"reset_time", "next"}}).kernel->name, "fused");
  EXPECT_NE(choice({{"reset_time", "next"}}).refusals.at(0).find("reset_time is next"), std::string::npos);
  EXPECT_EQ(choice({{"reset_value", 0.5}}).kernel->name, "fused");
  EXPECT_NE(choice({{"reset_value", 0.5}}).refusals.at(0).find("reset_value is not 0"), std::string::npos);
}

TEST(LifHwy, HasTheBitsOfTheReferenceForAnySizeOfNumber) {
  const Shape shape{{Axis::T, 4}, {Axis::B, 1}, {Axis::N, 5}, {Axis::C, 203}};
  // From denormals (1e-40) to sums that overflow (3e38); thresholds in the middle of each, at least the
  // smallest denormal.
  for (const double scale : {1e-40, 1e-38, 1.0, 3e38}) {
    for (const double tau : {1.0, 1.5, 2.0, 3.0, 64.0, 1e6}) {
      for (const char* reset : {"hard", "soft"}) {
        for (const char* fire : {"ge", "gt"}) {
          for (const bool decay_input : {true, false}) {
            const auto op = make_neuron("neuron.lif", {{"tau", tau},
                                                       {"threshold", std::max(0.3 * scale / tau, 1.5e-45)},
                                                       {"reset", reset},
                                                       {"fire", fire},
                                                       {"decay_input", decay_input}});
            const Tensor x = random_dense(shape, 11);
            for (float& number : x.as_mutable<float>()) {
              number *= static_cast<float>(scale);
            }
            SCOPED_TRACE(fmt::format("scale {}, tau {}, {}, {}, decay_input {}", scale, tau, reset, fire,
                                     decay_input));
            if (scale < 1e38) {
              expect_parity(neuron_kernels(), *op, std::vector<Value>{x});
            } else {  // membranes may be infinite minus infinite: only spikes compare
              const auto wanted = run_op(*op, kernel_named(*op, "reference"), std::vector<Value>{x});
              const auto got = run_op(*op, kernel_named(*op, "hwy"), std::vector<Value>{x});
              EXPECT_TRUE(same(got[0], wanted[0]));
            }
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace volley::test
