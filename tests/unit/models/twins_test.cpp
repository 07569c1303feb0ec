// The committed twins against what the trained PyTorch modules gave: every spike and every logit.
#include <gtest/gtest.h>
#include <zlib.h>

#include <filesystem>

#include "sim/io/dataset.hpp"
#include "sim/io/npz.hpp"
#include "tests/support/models.hpp"
#include "tests/support/run_op.hpp"

namespace volley {
namespace {

const std::string source = VOLLEY_SOURCE_DIR;

struct Twin {
  std::string dataset, name;
  bool is_spiking;
};

InputData test_images(const Twin& twin, const Graph& graph, Index samples) {
  Arrays arrays;
  if (twin.dataset == "digits") {
    const Array pixels = NpzFile(source + "/examples/data/digits.npz").read("test_image");
    std::vector<float> numbers = as_floats(pixels);
    for (float& number : numbers) {
      number /= 16.0f;
    }
    arrays["image"] = array_of(pixels.sizes, numbers);
    return {graph, std::move(arrays), {}, "digits"};
  }
  const std::string folder = "/usr/share/datasets/fashion-mnist/";
  Dataset all =
      read_dataset("idx:" + folder + "t10k-images-idx3-ubyte.gz," + folder + "t10k-labels-idx1-ubyte.gz");
  Array& images = all.arrays.at("image");
  const std::size_t image_bytes = images.bytes.size() / static_cast<std::size_t>(images.sizes[0]);
  images.bytes.resize(image_bytes * static_cast<std::size_t>(samples));
  images.sizes[0] = samples;
  return {graph, std::move(all.arrays), {}, "fashion"};
}

// As the exporter computes it: the bits of each row, little-endian, padded to bytes; for ternary first those
// of +1.
std::uint32_t checksum(const Tensor& spikes, Index step, bool is_ternary) {
  const auto step_tensor = spikes.steps(step, 1).as<std::int8_t>();
  const auto row = static_cast<std::size_t>(spikes.shape().row());
  std::vector<unsigned char> bytes;
  const auto append = [&](std::int8_t wanted) {
    for (std::size_t begin = 0; begin < step_tensor.size(); begin += row) {
      for (std::size_t byte = 0; byte < (row + 7) / 8; ++byte) {
        unsigned value = 0;
        for (std::size_t bit = 0; bit < 8 && byte * 8 + bit < row; ++bit) {
          value |= static_cast<unsigned>(step_tensor[begin + byte * 8 + bit] == wanted) << bit;
        }
        bytes.push_back(static_cast<unsigned char>(value));
      }
    }
  };
  append(1);
  if (is_ternary) {
    append(-1);
  }
  return static_cast<std::uint32_t>(crc32(0, bytes.data(), static_cast<uInt>(bytes.size())));
}

void PrintTo(const Twin& twin, std::ostream* out) {
  *out << twin.dataset << " " << twin.name;
}

class Twins : public testing::TestWithParam<Twin> {};

TEST_P(Twins, GiveTheRecordedSpikesAndLogitsInEveryExecutorAndBatch) {
  const Twin& twin = GetParam();
  if (twin.dataset == "fashion" && !std::filesystem::exists("/usr/share/datasets/fashion-mnist")) {
    GTEST_SKIP() << "the Debian package dataset-fashion-mnist is not installed";
  }
  const Model model =
      load_model(test::runtime(), source + "/examples/" + twin.dataset + "/" + twin.name + ".txtpb");
  const NpzFile golden(source + "/tests/golden/twins/" + twin.dataset + "_" + twin.name + ".npz");
  const Array logits = golden.read("logits");
  const InputData data = test_images(twin, model.graph, logits.sizes[0]);
  ASSERT_EQ(data.samples(), logits.sizes[0]);
  for (const auto& [order, batch] : {std::pair<Order, Index>{Order::layered, 64}, {Order::stepped, 33}}) {
    SCOPED_TRACE(std::string(name(order)));
    RunSettings settings;
    settings.order = order;
    settings.batch = batch;
    const test::Result result = test::run_all(model, data, settings, test::Watch::spikes);
    const auto got = result.values.at(model.graph.outputs().front().from).as<float>();
    const auto wanted = as_floats(logits);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (twin.is_spiking) {
        ASSERT_EQ(got[i], wanted[i]) << "logit " << i;
      } else {
        ASSERT_NEAR(got[i], wanted[i], 1e-4f) << "logit " << i;  // float32 against float64
      }
    }
    Index checked = 0;
    for (const NodeId node : model.graph.order()) {
      const std::string& node_name = model.graph.node_name(node);
      if (!golden.has("crc/" + node_name)) {
        continue;
      }
      const auto checksums = as_integers(golden.read("crc/" + node_name));
      const auto counts = as_integers(golden.read("count/" + node_name));
      const Tensor& spikes = result.values.at({node, 0});
      const bool is_ternary = model.graph.op(node).kind() == "neuron.ternary";
      for (std::size_t t = 0; t < checksums.size(); ++t) {
        ASSERT_EQ(result.spikes.at(node)[t], counts[t]) << node_name << " step " << t;
        ASSERT_EQ(checksum(spikes, static_cast<Index>(t), is_ternary), checksums[t])
            << node_name << " step " << t;
      }
      ++checked;
    }
    EXPECT_EQ(checked > 0, twin.is_spiking);
  }
}

INSTANTIATE_TEST_SUITE_P(Digits, Twins,
                         testing::Values(Twin{"digits", "dense", false}, Twin{"digits", "ssa", true},
                                         Twin{"digits", "bsa", true}),
                         [](const auto& twin) { return twin.param.name; });
INSTANTIATE_TEST_SUITE_P(Fashion, Twins,
                         testing::Values(Twin{"fashion", "dense", false}, Twin{"fashion", "ssa", true},
                                         Twin{"fashion", "bsa", true}),
                         [](const auto& twin) { return twin.param.name; });

}  // namespace
}  // namespace volley
