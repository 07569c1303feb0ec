// The committed attention mechanisms against their PyTorch modules: every spike and logit.
#include <gtest/gtest.h>
#include <zlib.h>

#include "sim/io/npz.hpp"
#include "tests/support/models.hpp"

namespace volley {
namespace {

const std::string source = VOLLEY_SOURCE_DIR;
constexpr int graded_levels = 4;

struct Member {
  std::string name;
  Index steps;
  bool is_windowed = false;  // refuses the stepped executor
  bool is_dense = false;
};

void PrintTo(const Member& member, std::ostream* out) {
  *out << member.name;
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

// CRC32 of one step, as the exporter computes it: for each level the places that have it, as rows of bits
// padded to bytes.
std::uint32_t checksum(const Tensor& spikes, Index step, int levels) {
  const auto numbers = spikes.steps(step, 1).as<std::int8_t>();
  const auto row = static_cast<std::size_t>(spikes.shape().row());
  std::vector<unsigned char> bytes;
  for (int level = 1; level <= levels; ++level) {
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

void check_spikes(const Model& model, const NpzFile& golden, const test::Result& result, Index steps) {
  Index neurons = 0;
  for (const NodeId node : model.graph.order()) {
    const std::string_view kind = model.graph.op(node).kind();
    if (!kind.starts_with("neuron.")) {
      continue;
    }
    const std::string& name = model.graph.node_name(node);
    ++neurons;
    ASSERT_TRUE(golden.has("crc/" + name)) << name;
    const auto checksums = as_integers(golden.read("crc/" + name));
    ASSERT_EQ(static_cast<Index>(checksums.size()), steps) << name;
    for (std::size_t t = 0; t < checksums.size(); ++t) {
      EXPECT_EQ(checksum(result.values.at({node, 0}), static_cast<Index>(t),
                         kind == "neuron.graded" ? graded_levels : 1),
                checksums[t])
          << name << " step " << t;
    }
  }
  EXPECT_GE(neurons, 10);  // of two blocks
}

class SpikingFamily : public testing::TestWithParam<Member> {};

TEST_P(SpikingFamily, GivesTheRecordedSpikesAndLogitsInEveryOrderAndBatch) {
  const Member& member = GetParam();
  const Model model =
      load_model(test::runtime(), source + "/examples/spiking_family/" + member.name + ".txtpb");
  const NpzFile golden(source + "/tests/golden/spiking_family/digits_" + member.name + ".npz");
  const Array logits = golden.read("logits");
  const auto wanted = as_floats(logits);
  const InputData data = digits(model.graph, logits.sizes[0]);
  for (const auto& [order, batch] : {std::pair<Order, Index>{Order::layered, 64}, {Order::stepped, 33}}) {
    SCOPED_TRACE(std::string(name(order)));
    RunSettings settings;
    settings.order = order;
    settings.batch = batch;
    if (order == Order::stepped && member.is_windowed) {
      EXPECT_THROW(test::run_all(model, data, settings), Error);
      continue;
    }
    const test::Result result = test::run_all(model, data, settings);
    const auto got = result.values.at(model.graph.outputs().front().from).as<float>();
    ASSERT_EQ(got.size(), wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (member.is_dense) {
        ASSERT_NEAR(got[i], wanted[i], 1e-4f) << "logit " << i;  // float32 against float64
      } else {
        ASSERT_EQ(got[i], wanted[i]) << "logit " << i;
      }
    }
    if (!member.is_dense) {
      check_spikes(model, golden, result, member.steps);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Digits, SpikingFamily,
                         testing::Values(Member{"spikformer", 4}, Member{"sdsa1", 4}, Member{"sdsa3", 4},
                                         Member{"efficient_sdsa", 1}, Member{"qk_token", 4},
                                         Member{"qk_channel", 4}, Member{"dssa", 4},
                                         Member{"statten", 4, true}, Member{"linear", 1, false, true}),
                         [](const auto& member) { return member.param.name; });

}  // namespace
}  // namespace volley
