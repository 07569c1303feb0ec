// Neurons with constants of their own: against scalar loops, against the scalar operators.
#include "neurons/heterogeneous.hpp"

#include "neurons/neurons.hpp"
#include "tests/support/random_values.hpp"
#include "tests/support/run_op.hpp"
#include "tests/unit/neurons/neuron_runs.hpp"

namespace volley::test {
namespace {

using Numbers = std::vector<float>;

void set(Operator& op, std::string_view slot, const Numbers& numbers) {
  op.set_weight(slot, {static_cast<Index>(numbers.size())}, numbers);
}

Shape shape_of(Index steps, Index batch, Index neurons) {
  return {{Axis::T, steps}, {Axis::B, batch}, {Axis::C, neurons}};
}

Numbers each(Index neurons, std::uint64_t seed, float least, float most) {
  Numbers numbers = random_numbers(neurons, seed);
  for (float& x : numbers) {
    x = least + (x + 1) / 2 * (most - least);
  }
  return numbers;
}

TEST(HeterogeneousLif, FollowsAPlainLoopOfEachNeuron) {
  for (const Index neurons : {1, 63, 64, 130}) {
    for (const bool with_current : {false, true}) {
      HeterogeneousLif op;
      const Index steps = 7, batch = 3;
      const Numbers keep = each(neurons, 1, 0.5f, 1), gain = each(neurons, 2, 0.2f, 1),
                    offset = each(neurons, 3, -0.1f, 0.1f), threshold = each(neurons, 4, 0.1f, 0.5f),
                    rest = each(neurons, 5, -0.2f, 0.05f), syn = each(neurons, 6, 0, 1);
      set(op, "keep", keep), set(op, "gain", gain), set(op, "offset", offset);
      set(op, "threshold", threshold), set(op, "reset_value", rest);
      if (with_current) {
        set(op, "current_keep", syn), set(op, "current_gain", gain);
      }
      const Value x = random_dense(shape_of(steps, batch, neurons), 7);
      const KernelTable table = table_of<HeterogeneousLif>();
      expect_parity(table, op, std::vector<Value>{x});
      const auto out = run_op(op, table.all(op.kind()).back(), std::vector<Value>{x});
      const auto in = std::get<Tensor>(x).as<float>();
      const auto v_out = std::get<Tensor>(out[1]).as<float>();
      Index fired = 0;
      for (Index b = 0; b < batch; ++b) {
        for (Index n = 0; n < neurons; ++n) {
          const auto i = static_cast<std::size_t>(n);
          float v = rest[i], c = 0;
          for (Index t = 0; t < steps; ++t) {
            const auto place = static_cast<std::size_t>((t * batch + b) * neurons + n);
            c = with_current ? syn[i] * c + gain[i] * in[place] : in[place];
            v = (keep[i] * v + gain[i] * c) + offset[i];
            const bool spike = v >= threshold[i];
            v = spike ? rest[i] : v;
            fired += spike;
            ASSERT_EQ(v_out[place], v) << "neuron " << n << " step " << t;
            const auto words = std::get<SpikeTensor>(out[0]).plane(0);
            const auto word = static_cast<std::size_t>((t * batch + b) * ((neurons + 63) / 64) + n / 64);
            ASSERT_EQ((words[word] >> (n % 64) & 1) != 0, spike);
          }
        }
      }
      EXPECT_GT(fired, 0);
      EXPECT_EQ(cost_of(op, std::vector<Value>{x}, out), (Cost{.neuron = steps * batch * neurons}));
    }
  }
}

TEST(HeterogeneousLif, EqualsTheScalarLifWhereConstantsAreEqual) {
  HeterogeneousLif op;
  set(op, "keep", {0.5f}), set(op, "gain", {0.5f}), set(op, "offset", {0});
  set(op, "threshold", {0.25f}), set(op, "reset_value", {0});
  LifOp scalar;
  parse_params(scalar, "lif", {{"threshold", 0.25}});
  const std::vector<Value> x{random_dense(shape_of(9, 2, 70), 3, 1024)};  // dyadic: both orders are exact
  const auto wanted = run_op(scalar, table_of<LifOp>().all("neuron.lif").back(), x);
  const auto got = run_op(op, table_of<HeterogeneousLif>().all(op.kind()).back(), x);
  EXPECT_TRUE(same(got[0], wanted[0]));
  EXPECT_TRUE(same(got[1], wanted[1]));
}

TEST(HeterogeneousLeak, LeaksAndNeverFires) {
  HeterogeneousLeak op;
  set(op, "keep", {0.5f, 1}), set(op, "gain", {1, 2}), set(op, "offset", {0, 0.25f});
  const std::vector<Value> x{tensor_of(shape_of(3, 1, 2), Numbers{1, 1, 0, 0, 0, 1})};
  const KernelTable table = table_of<HeterogeneousLeak>();
  expect_parity(table, op, x);
  const auto out = run_op(op, table.all(op.kind()).back(), x);
  const auto v = std::get<Tensor>(out[0]).as<float>();
  EXPECT_EQ(Numbers(v.begin(), v.end()), (Numbers{1, 2.25f, 0.5f, 2.5f, 0.25f, 4.75f}));
}

TEST(HeterogeneousLif, RefusesConstantsThatDoNotFit) {
  const auto error = [](std::string_view slot, const Numbers& numbers) -> std::string {
    HeterogeneousLif op;
    set(op, "keep", {0.5f}), set(op, "gain", {1}), set(op, "offset", {0});
    set(op, "threshold", {1}), set(op, "reset_value", {0});
    try {
      set(op, slot, numbers);
      (void)op.infer(std::vector<ValueSpec>{dense_spec(shape_of(2, 1, 3))}, 2);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_EQ(error("keep", {1, 2, 3}), "");
  EXPECT_EQ(error("keep", {1, 2}), "weight keep has 2 numbers, wanted 1 or 3 as the input has neurons");
  EXPECT_EQ(error("keep", {}), "weight keep has no numbers");
  EXPECT_EQ(error("threshold", {1, 0, 1}), "threshold 1 is 0, wanted above 0");
  EXPECT_EQ(error("current_keep", {1}), "one of current_keep and current_gain is given, wanted both or none");
  EXPECT_EQ(error("gain", {1, std::numeric_limits<float>::infinity(), 1}),
            "weight gain holds inf at index 1");
}

}  // namespace
}  // namespace volley::test
