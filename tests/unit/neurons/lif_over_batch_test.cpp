// A membrane that passes from sample to sample: against a plain loop, and against neuron.lif.
#include "neurons/lif_over_batch.hpp"

#include <gtest/gtest.h>

#include "neurons/neurons.hpp"
#include "sim/op/registry.hpp"
#include "tests/support/random_values.hpp"
#include "tests/support/run_op.hpp"

namespace volley::test {
namespace {

const KernelTable& kernels() {
  static const KernelTable table = table_of<LifOverBatch>();
  return table;
}

LifOverBatch op_with(const Attributes& attributes) {
  LifOverBatch op;
  parse_params(op, "proj_lif", attributes);
  return op;
}

TEST(LifOverBatch, FollowsAPlainLoopOverStepsAndSamples) {
  for (const Index neurons : {1, 63, 64, 65, 130}) {
    for (const Index batch : {1, 2, 3}) {
      const LifOverBatch op = op_with({{"tau", 2.0}, {"threshold", 0.25}});
      const Index steps = 5, rows = 2;
      const Shape shape{{Axis::T, steps}, {Axis::B, batch}, {Axis::N, rows}, {Axis::C, neurons}};
      const std::vector<Value> x{random_dense(shape, 3)};
      expect_parity(kernels(), op, x);
      const auto out = run_op(op, kernels().all(op.kind()).back(), x);
      const auto in = std::get<Tensor>(x[0]).as<float>();
      const auto v_out = std::get<Tensor>(out[1]).as<float>();
      const auto& spikes = std::get<SpikeTensor>(out[0]);
      for (Index r = 0; r < rows; ++r) {
        for (Index c = 0; c < neurons; ++c) {
          float v = 0;
          for (Index t = 0; t < steps; ++t) {
            for (Index b = 0; b < batch; ++b) {
              const Index row = (t * batch + b) * rows + r;
              const auto place = static_cast<std::size_t>(row * neurons + c);
              v = v + (in[place] - v) / 2.0f;
              const bool fires = v >= 0.25f;
              v = fires ? 0.0f : v;
              ASSERT_EQ(spikes.at(row, c) != 0, fires) << "step " << t << " sample " << b;
              ASSERT_EQ(v_out[place], v);
            }
          }
        }
      }
      EXPECT_EQ(cost_of(op, x, out), (Cost{.neuron = steps * batch * rows * neurons}));
    }
  }
}

TEST(LifOverBatch, IsTheOrdinaryNeuronForASampleAlone) {
  LifOp ordinary;
  const KernelTable ordinary_kernels = table_of<LifOp>();
  const LifOverBatch op;
  const auto run_both = [&](Index batch) {
    const std::vector<Value> x{random_dense({{Axis::T, 6}, {Axis::B, batch}, {Axis::C, 70}}, 5, 4)};
    return std::pair(run_op(op, kernels().all(op.kind()).back(), x),
                     run_op(ordinary, ordinary_kernels.all("neuron.lif").back(), x));
  };
  const auto [alone, alone_wanted] = run_both(1);
  EXPECT_TRUE(same(alone[0], alone_wanted[0]));
  EXPECT_TRUE(same(alone[1], alone_wanted[1]));
  const auto [two, two_apart] = run_both(2);
  EXPECT_FALSE(same(two[1], two_apart[1]));
}

TEST(LifOverBatch, RefusesWhatHasNoBatch) {
  const LifOverBatch op;
  const auto why = [&](const Operator& neuron, const Shape& shape) -> std::string {
    try {
      (void)neuron.infer(std::vector{dense_spec(shape)}, 1);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(why(op, {{Axis::T, 2}, {Axis::C, 3}}).find("wanted [T B ...]"), std::string::npos);
  EXPECT_NE(why(op_with({{"tau", 0.5}}), {{Axis::T, 2}, {Axis::B, 1}, {Axis::C, 3}}).find("tau is 0.5"),
            std::string::npos);
  const std::vector<ValueSpec> spikes{spike_spec({{Axis::T, 2}, {Axis::B, 1}, {Axis::C, 3}}, binary_code())};
  EXPECT_THROW((void)op.infer(spikes, 1), Error);
}

}  // namespace
}  // namespace volley::test
