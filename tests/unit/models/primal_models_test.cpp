// The committed primal models against their PyTorch modules: every spike and logit.
#include <gtest/gtest.h>
#include <zlib.h>

#include "sim/io/npz.hpp"
#include "tests/support/models.hpp"

namespace volley {
namespace {

const std::string source = VOLLEY_SOURCE_DIR;

struct Shipped {
  std::string name;
  bool is_spiking;
};

void PrintTo(const Shipped& shipped, std::ostream* out) {
  *out << shipped.name;
}

// Pixels are k / 16: exact.
InputData digits(const Graph& graph, Index samples) {
  Array pixels = NpzFile(source + "/examples/data/digits.npz").read("test_image");
  std::vector<float> numbers = as_floats(pixels);
  numbers.resize(numbers.size() / static_cast<std::size_t>(pixels.sizes[0]) *
                 static_cast<std::size_t>(samples));
  for (float& number : numbers) {
    number /= 16.0f;
  }
  pixels.sizes[0] = samples;
  Arrays arrays;
  arrays["image"] = array_of(pixels.sizes, numbers);
  return {graph, std::move(arrays), {}, "digits"};
}

// CRC32 of one step of ternary or binary spikes, as the exporter computes it: the places of +1, then, of
// ternary ones, those of -1, as rows of bits padded to bytes.
std::uint32_t checksum(const Tensor& spikes, Index step, bool is_ternary) {
  const auto numbers = spikes.steps(step, 1).as<std::int8_t>();
  const auto row = static_cast<std::size_t>(spikes.shape().row());
  std::vector<unsigned char> bytes;
  for (const int level : is_ternary ? std::vector<int>{1, -1} : std::vector<int>{1}) {
    for (std::size_t begin = 0; begin < numbers.size(); begin += row) {
      const std::size_t first = bytes.size();
      bytes.resize(first + (row + 7) / 8, 0);
      for (std::size_t i = 0; i < row; ++i) {
        const unsigned bit = numbers[begin + i] == level ? 1u << (i % 8) : 0u;
        bytes[first + i / 8] = static_cast<unsigned char>(bytes[first + i / 8] | bit);
      }
    }
  }
  return static_cast<std::uint32_t>(crc32(0, bytes.data(), static_cast<uInt>(bytes.size())));
}

// Nodes whose spikes were held to the golden.
Index check_spikes(const Model& model, const NpzFile& golden, const test::Result& result) {
  Index checked = 0;
  for (const NodeId node : model.graph.order()) {
    const std::string& name = model.graph.node_name(node);
    if (!golden.has("crc/" + name)) {
      continue;
    }
    const std::string_view kind = model.graph.op(node).kind();
    const bool is_ternary = kind == "neuron.ternary" || kind.starts_with("attention.");
    const auto checksums = as_integers(golden.read("crc/" + name));
    for (std::size_t t = 0; t < checksums.size(); ++t) {
      EXPECT_EQ(checksum(result.values.at({node, 0}), static_cast<Index>(t), is_ternary), checksums[t])
          << name << " step " << t;
    }
    checked += kind == "attention.primal_scores" ? 1 : 0;
  }
  return checked;
}

class PrimalModels : public testing::TestWithParam<Shipped> {};

TEST_P(PrimalModels, GiveTheRecordedSpikesAndLogitsInEveryOrderAndBatch) {
  const Shipped& shipped = GetParam();
  const Model model = load_model(test::runtime(), source + "/examples/primal/" + shipped.name + ".txtpb");
  const NpzFile golden(source + "/tests/golden/primal/digits_" + shipped.name + ".npz");
  const Array logits = golden.read("logits");
  const auto wanted = as_floats(logits);
  const InputData data = digits(model.graph, logits.sizes[0]);
  for (const auto& [order, batch] : {std::pair<Order, Index>{Order::layered, 64}, {Order::stepped, 33}}) {
    SCOPED_TRACE(std::string(name(order)));
    RunSettings settings;
    settings.order = order;
    settings.batch = batch;
    const test::Result result = test::run_all(model, data, settings);
    const auto got = result.values.at(model.graph.outputs().front().from).as<float>();
    ASSERT_EQ(got.size(), wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (shipped.is_spiking) {
        ASSERT_EQ(got[i], wanted[i]) << "logit " << i;
      } else {
        ASSERT_NEAR(got[i], wanted[i], 1e-4f) << "logit " << i;  // float32 against float64
      }
    }
    EXPECT_EQ(check_spikes(model, golden, result), shipped.is_spiking ? 2 : 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Digits, PrimalModels,
                         testing::Values(Shipped{"primal", false}, Shipped{"softmax_primal", false},
                                         Shipped{"spiking_primal", true},
                                         Shipped{"causal_spiking_primal", true}),
                         [](const auto& shipped) { return shipped.param.name; });

}  // namespace
}  // namespace volley
