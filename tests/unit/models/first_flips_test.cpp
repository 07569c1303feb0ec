// Weights that are not dyadic: fed the recorded spikes node by node, only neurons at the threshold may
// differ.
#include <gtest/gtest.h>

#include "sim/io/graph_proto.hpp"
#include "sim/io/npz.hpp"
#include "tests/support/models.hpp"
#include "tests/support/run_op.hpp"

namespace volley {
namespace {

const std::string source = VOLLEY_SOURCE_DIR;
constexpr Index images = 16;
constexpr float factor = 0.9973f;  // as in examples/train/first_flips.py
constexpr float margin = 1e-5f;

// The bits of the golden file, [planes T S N bytes], as spikes of this spec.
SpikeTensor recorded(const Array& array, const ValueSpec& spec) {
  const Index row = spec.shape.row();
  const Index row_bytes = (row + 7) / 8;
  SpikeTensor spikes(spec.code, spec.shape);
  for (int p = 0; p < spec.code.planes; ++p) {
    const auto plane = spikes.plane_mutable(p);
    for (Index r = 0; r < spikes.rows(); ++r) {
      for (Index byte = 0; byte < row_bytes; ++byte) {
        const auto at = static_cast<std::size_t>((p * spikes.rows() + r) * row_bytes + byte);
        const auto value = std::to_integer<std::uint64_t>(array.bytes[at]);
        plane[static_cast<std::size_t>(r * spikes.words_per_row() + byte / 8)] |= value << (byte % 8 * 8);
      }
    }
  }
  return spikes;
}

struct Neuron {
  bool is_ternary;
  float threshold;
};

Neuron neuron_of(Operator& op) {
  const Attributes attributes = print_params(op);
  return {op.kind() == "neuron.ternary", static_cast<float>(std::get<double>(attributes.at("threshold")))};
}

// For each neuron: the steps up to the first that differs. Returns how many neurons differ, and expects each
// of them at the threshold. The currents are those of the simulator; up to the first difference both sides
// have the same state.
Index count_first_flips(const Neuron& neuron, const Tensor& currents, const SpikeTensor& got,
                        const SpikeTensor& wanted) {
  const Index steps = currents.shape()[Axis::T];
  const Index cells = currents.shape().stride(Axis::T);
  const Tensor a = unpack(got);
  const Tensor b = unpack(wanted);
  Index flips = 0;
  for (Index cell = 0; cell < cells; ++cell) {
    float v = 0;
    for (Index t = 0; t < steps; ++t) {
      const auto at = static_cast<std::size_t>(t * cells + cell);
      const float x = currents.as<float>()[at];
      const float h = neuron.is_ternary ? v + x : v + (x - v) / 2.0f;
      if (a.as<float>()[at] != b.as<float>()[at]) {
        EXPECT_LT(std::abs(std::abs(h) - neuron.threshold), margin);
        ++flips;
        break;
      }
      v = a.as<float>()[at] != 0.0f ? 0.0f : neuron.is_ternary ? 0.5f * h : h;
    }
  }
  return flips;
}

class FirstFlips : public testing::TestWithParam<const char*> {};

TEST_P(FirstFlips, OnlyNeuronsAtTheThresholdMayDiffer) {
  const std::string twin = GetParam();
  const std::string path = source + "/examples/digits/" + twin + ".txtpb";
  const Description description = read_graph(path);
  Weights weights = read_weights_of(path, description);
  for (auto& [name, tensor] : weights) {
    for (float& number : tensor.numbers.own()) {
      number *= factor;
    }
  }
  Model model = make_model(test::runtime(), {description, weights});
  const NpzFile golden(source + "/tests/golden/twins/digits_" + twin + "_not_dyadic.npz");
  const Array pixels = NpzFile(source + "/examples/data/digits.npz").read("test_image");
  std::vector<float> numbers = as_floats(pixels);
  for (float& number : numbers) {
    number /= 16.0f;
  }
  const InputData data(model.graph, {{"image", array_of(pixels.sizes, numbers)}}, {}, "digits");

  // Values by node: of a neuron what was recorded, of anything else what follows from that.
  std::map<Port, Value> values;
  for (auto& [node, value] : data.batch(0, images, 4)) {
    values[{node, 0}] = value;
  }
  Index neurons = 0;
  Index flips = 0;
  for (const NodeId node : model.graph.order()) {
    Operator& op = model.graph.op(node);
    if (op.kind() == InputOp::op_kind) {
      continue;
    }
    SCOPED_TRACE(model.graph.node_name(node));
    std::vector<Value> in;
    for (const InEdge& edge : model.graph.in_edges(node)) {
      in.push_back(values.at(edge.from));
    }
    const Kernel& kernel = *test::runtime().kernels.choose(op, test::specs_of(in), Device::cpu).kernel;
    const std::vector<Value> out = test::run_op(op, kernel, in, 4);
    values[{node, 0}] = out[0];
    const std::string key = "spikes/" + model.graph.node_name(node);
    if (golden.has(key)) {
      const SpikeTensor wanted = recorded(golden.read(key), spec_of(out[0]));
      flips +=
          count_first_flips(neuron_of(op), std::get<Tensor>(in[0]), std::get<SpikeTensor>(out[0]), wanted);
      values[{node, 0}] = wanted;
      neurons += wanted.shape().stride(Axis::T);
    }
  }
  EXPECT_EQ(golden.names().size(), twin == "ssa" ? 15u : 13u);  // neurons, and the logits
  EXPECT_GT(neurons, 0);
  EXPECT_LT(flips, neurons / 1000);
  const auto wanted = as_floats(golden.read("logits"));
  const Tensor logits = std::get<Tensor>(values.at(model.graph.outputs().front().from));
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_NEAR(logits.as<float>()[i], wanted[i], 1e-4f);
  }
  RecordProperty("first_flips", static_cast<int>(flips));
  std::printf("%s: %lld first flips of %lld neurons\n", twin.c_str(), static_cast<long long>(flips),
              static_cast<long long>(neurons));
}

INSTANTIATE_TEST_SUITE_P(Digits, FirstFlips, testing::Values("ssa", "bsa"),
                         [](const auto& twin) { return std::string(twin.param); });

}  // namespace
}  // namespace volley
