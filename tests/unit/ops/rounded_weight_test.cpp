// Weights in 8 bits against sums in integers; layers that feed neurons against layers that write.
#include <cmath>

#include "sim/ops/byte_gather.hpp"
#include "sim/ops/conv2d.hpp"
#include "sim/ops/linear.hpp"
#include "tests/support/random_values.hpp"
#include "tests/support/run_op.hpp"

namespace volley::test {
namespace {

struct Layer {
  Index inputs, outputs;
  SpikeCode code;
  double rate;
  bool has_bias;
};

std::string text_of(const Layer& layer) {
  return fmt::format("{} -> {}, {} planes, rate {}", layer.inputs, layer.outputs, layer.code.planes,
                     layer.rate);
}

// More than 256 rows in a list, a last word that is not full, a dead input, one output.
const std::vector<Layer> layers{{1, 1, binary_code(), 1.0, false},     {63, 65, binary_code(), 0.3, true},
                                {600, 64, binary_code(), 1.0, true},   {130, 130, bipolar_code(), 0.5, true},
                                {700, 40, bipolar_code(), 1.0, false}, {90, 128, graded_code(5), 0.6, true},
                                {300, 33, graded_code(3), 1.0, true},  {64, 64, binary_code(), 0.0, true}};
const Index tokens = 7;

// What the header of Roundable says, output by output.
struct Rounded {
  std::vector<float> scale;
  std::vector<int> bytes;

  Rounded(std::span<const float> weight, Index outputs, Index depth) {
    for (Index o = 0; o < outputs; ++o) {
      const auto row = weight.subspan(static_cast<std::size_t>(o * depth), static_cast<std::size_t>(depth));
      float most = 0.0f;
      for (const float number : row) {
        most = std::max(most, std::fabs(number));
      }
      scale.push_back(most > 0.0f ? most / 127.0f : 1.0f);
      for (const float number : row) {
        bytes.push_back(static_cast<int>(std::lrint(number / scale.back())));
      }
    }
  }
};

Linear linear_of(const Layer& layer, const std::vector<float>& weight, const std::vector<float>& bias) {
  Linear op;
  op.set_weight("weight", {layer.outputs, layer.inputs}, weight);
  if (layer.has_bias) {
    op.set_weight("bias", {layer.outputs}, bias);
  }
  return op;
}

// Run with its output handed to a sink that writes it down.
Value run_fed(const Operator& op, const Kernel& kernel, const std::vector<Value>& in) {
  const Value out = make_value(op.infer(specs_of(in), 1)[0]);
  const Shape& shape = shape_of(out);
  const CurrentSink sink{std::get<Tensor>(out).as_mutable<float>().data(), shape.rows() / shape[Axis::T],
                         shape.row(), shape[Axis::T]};
  const Value none[1];
  kernel.run_into({op, in, none, op.constants(), nullptr, {0, 1, 1}, cpu_backend()}, sink.sink());
  return out;
}

TEST(RoundedWeights, AreSummedInIntegersAndScaledOnce) {
  const KernelTable table = table_of<Linear>();
  for (const Layer& layer : layers) {
    SCOPED_TRACE(text_of(layer));
    const Shape shape{{Axis::T, 2}, {Axis::B, 1}, {Axis::N, tokens}, {Axis::C, layer.inputs}};
    const SpikeTensor spikes = random_spikes(shape, layer.code, layer.rate, 5);
    const std::vector<float> weight = random_numbers(layer.outputs * layer.inputs, 6);
    const std::vector<float> bias = random_numbers(layer.outputs, 7);
    Linear op = linear_of(layer, weight, bias);
    ASSERT_TRUE(op.can_round());
    op.round_weights();
    const Rounded rounded(weight, layer.outputs, layer.inputs);
    Tensor wanted(Dtype::f32, shape.with(Axis::C, layer.outputs));
    for (Index row = 0; row < shape.rows(); ++row) {
      for (Index o = 0; o < layer.outputs; ++o) {
        Index sum = 0;
        for (Index c = 0; c < layer.inputs; ++c) {
          sum += spikes.at(row, c) * rounded.bytes[static_cast<std::size_t>(o * layer.inputs + c)];
        }
        const auto at = static_cast<std::size_t>(o);
        wanted.as_mutable<float>()[static_cast<std::size_t>(row * layer.outputs + o)] =
            rounded.scale[at] * static_cast<float>(sum) + (layer.has_bias ? bias[at] : 0.0f);
      }
    }
    const std::vector<Value> in{spikes};
    for (const Kernel& kernel : table.all(Linear::op_kind)) {
      if (kernel.accepts(op, specs_of(in)).ok) {
        EXPECT_TRUE(same(run_op(op, kernel, in)[0], wanted)) << kernel.name;
      }
    }
    EXPECT_EQ(table.choose(op, specs_of(in), Device::cpu).kernel->name, "gather_i8");
    expect_parity(table, op, in);
  }
}

// Both ways of summing, whatever the rule would choose.
TEST(RoundedWeights, GiveTheSameBitsInListsAndInBuckets) {
  for (const Layer& layer : layers) {
    if (layer.code != binary_code()) {
      continue;
    }
    for (const Index steps : {2, 3, 4}) {
      SCOPED_TRACE(text_of(layer) + fmt::format(", {} steps", steps));
      const Shape shape{{Axis::T, steps}, {Axis::B, 1}, {Axis::N, tokens}, {Axis::C, layer.inputs}};
      const SpikeTensor spikes = random_spikes(shape, layer.code, layer.rate, 5);
      std::vector<float> weight = random_numbers(layer.outputs * layer.inputs, 6);
      weight[0] = 8.0f;  // the rest is small, so that sums have 16 bits
      Linear op = linear_of(layer, weight, random_numbers(layer.outputs, 7));
      op.round_weights();
      ASSERT_TRUE(op.layout().fits_16);
      const Value lists = make_value(dense_spec(shape.with(Axis::C, layer.outputs)));
      const Value buckets = make_value(dense_spec(shape.with(Axis::C, layer.outputs)));
      const WeightView view(op.layout(), op.constants());
      const auto append = [&](auto& builder, int plane, Index token) {
        builder.append_plane(spikes, plane, token, 0, layer.inputs, 0);
      };
      const auto sink = [&](const Value& out) {
        return CurrentSink{std::get<Tensor>(out).as_mutable<float>().data(), tokens, layer.outputs, steps};
      };
      const CurrentSink list_sink = sink(lists);
      const CurrentSink bucket_sink = sink(buckets);
      const StripSink to_lists = list_sink.sink();
      const StripSink to_buckets = bucket_sink.sink();
      gather_byte_lists({view, spikes, tokens, steps, to_lists}, append);
      gather_byte_buckets({view, spikes, tokens, steps, to_buckets}, append);
      EXPECT_TRUE(same(buckets, lists));
    }
  }
}

TEST(RoundedWeights, AreSummedInBucketsWhenStepsShareInputs) {
  WeightLayout layout{.groups = 1, .outputs = 2048, .depth = 512, .fits_16 = true};
  const Shape one{{Axis::T, 1}, {Axis::B, 1}, {Axis::N, 9}, {Axis::C, 512}};
  const Shape four = one.with(Axis::T, 4);
  Tensor same_steps(Dtype::f32, four);  // the same inputs in all steps
  const Tensor step = as_dense(random_spikes(one, binary_code(), 0.3, 1));
  for (std::size_t i = 0; i < same_steps.as<float>().size(); ++i) {
    same_steps.as_mutable<float>()[i] = step.as<float>()[i % step.as<float>().size()];
  }
  EXPECT_TRUE(buckets_pay(pack(same_steps, binary_code()), 4, layout));
  EXPECT_FALSE(buckets_pay(random_spikes(four, binary_code(), 0.02, 2), 4, layout));
  EXPECT_FALSE(buckets_pay(random_spikes(one, binary_code(), 0.9, 2), 1, layout));
  EXPECT_FALSE(buckets_pay(random_spikes(four, graded_code(2), 0.9, 2), 4, layout));
  layout.fits_16 = false;
  EXPECT_FALSE(buckets_pay(pack(same_steps, binary_code()), 4, layout));
}

TEST(RoundedWeights, OfConvolutionsToo) {
  const KernelTable table = table_of<Conv2d>();
  for (const SpikeCode code : {binary_code(), bipolar_code(), graded_code(3)}) {
    for (const Index channels : {3, 64, 70}) {
      Conv2d op;
      parse_params(op, "conv", {{"stride", 2.0}, {"padding", 1.0}});
      op.set_weight("weight", {67, channels, 3, 3}, random_numbers(67 * channels * 9, 1));
      op.set_weight("bias", {67}, random_numbers(67, 2));
      op.round_weights();
      const Shape shape{{Axis::T, 2}, {Axis::B, 2}, {Axis::Y, 5}, {Axis::X, 4}, {Axis::C, channels}};
      expect_parity(table, op, std::vector<Value>{random_spikes(shape, code, 0.4, 3)});
    }
  }
}

TEST(RoundedWeights, LeaveGroupsAlone) {
  Conv2d op;
  parse_params(op, "conv", {{"groups", 4.0}});
  op.set_weight("weight", {4, 1, 3, 3}, random_numbers(36, 1));
  EXPECT_FALSE(op.can_round());
}

TEST(RoundedWeights, DifferFromTheRealOnesByHalfAStepAtMost) {
  Linear op;
  const std::vector<float> weight = random_numbers(40 * 50, 3);
  op.set_weight("weight", {40, 50}, weight);
  op.round_weights();
  const WeightView view(op.layout(), op.constants());
  for (Index o = 0; o < 40; ++o) {
    for (Index k = 0; k < 50; ++k) {
      EXPECT_LE(std::fabs(view.at(o, k) - weight[static_cast<std::size_t>(o * 50 + k)]),
                view.scale[o] * 0.50001f);
    }
  }
}

TEST(FedLayers, HandOverTheBitsThatTheyWouldWrite) {
  for (const Layer& layer : layers) {
    SCOPED_TRACE(text_of(layer));
    const Shape shape{{Axis::T, 3}, {Axis::B, 1}, {Axis::N, tokens}, {Axis::C, layer.inputs}};
    const std::vector<Value> in{random_spikes(shape, layer.code, layer.rate, 5)};
    Linear op =
        linear_of(layer, random_numbers(layer.outputs * layer.inputs, 6), random_numbers(layer.outputs, 7));
    const KernelTable table = table_of<Linear>();
    for (const bool rounds : {false, true}) {
      if (rounds) {
        op.round_weights();
      }
      const Kernel& kernel = *table.choose(op, specs_of(in), Device::cpu).kernel;
      ASSERT_NE(kernel.run_into, nullptr);
      EXPECT_TRUE(same(run_fed(op, kernel, in), run_op(op, kernel, in)[0])) << kernel.name;
    }
  }
}

}  // namespace
}  // namespace volley::test
