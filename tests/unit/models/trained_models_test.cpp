// The shipped models against what the trained PyTorch modules gave: every spike and every logit.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "sim/graph/passes.hpp"
#include "sim/io/dataset.hpp"
#include "sim/io/npz.hpp"
#include "tests/support/models.hpp"
#include "tests/support/spike_checksum.hpp"

namespace volley {
namespace {

const std::string source = VOLLEY_SOURCE_DIR;
const std::string fashion_folder = "/usr/share/datasets/fashion-mnist/";

struct Shipped {
  std::string graph, data, golden;  // of one line of tests/golden/models.txt
};

void PrintTo(const Shipped& shipped, std::ostream* out) {
  *out << shipped.graph;
}

std::vector<Shipped> all_shipped() {
  std::ifstream file(source + "/tests/golden/models.txt");
  std::vector<Shipped> all;
  for (std::string line; std::getline(file, line);) {
    Shipped shipped;
    if (!line.starts_with('#') &&
        std::istringstream(line) >> shipped.graph >> shipped.data >> shipped.golden) {
      all.push_back(shipped);
    }
  }
  return all;
}

// The first samples of an image array.
Array first(Array images, Index samples) {
  const std::size_t image_bytes = images.bytes.size() / static_cast<std::size_t>(images.sizes[0]);
  images.bytes.resize(image_bytes * static_cast<std::size_t>(samples));
  images.sizes[0] = samples;
  return images;
}

Array images_of(const std::string& data, Index samples) {
  if (data == "digits") {
    const Array pixels = first(NpzFile(source + "/examples/data/digits.npz").read("test_image"), samples);
    std::vector<float> numbers = as_floats(pixels);
    for (float& number : numbers) {
      number /= 16.0f;  // exact
    }
    return array_of(pixels.sizes, numbers);
  }
  const std::string spec = data == "fashion" ? "idx:" + fashion_folder + "t10k-images-idx3-ubyte.gz," +
                                                   fashion_folder + "t10k-labels-idx1-ubyte.gz"
                                             : source + "/" + data;
  return first(read_dataset(spec).arrays.at("image"), samples);
}

bool is_windowed(const Graph& graph) {
  return std::ranges::any_of(graph.order(),
                             [&](NodeId node) { return graph.op(node).time_use() == TimeUse::window; });
}

void check_logits(std::span<const float> got, std::span<const float> wanted, bool is_exact) {
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (is_exact) {
      ASSERT_EQ(got[i], wanted[i]) << "logit " << i;
    } else {
      ASSERT_NEAR(got[i], wanted[i], 1e-4f) << "logit " << i;  // float32 against float64
    }
  }
}

// Each node that fires by a threshold must be in the golden, and whatever else sends spikes may be.
void check_spikes(const Model& model, const NpzFile& golden, const test::Result& result) {
  const auto specs = infer_specs(model.graph, 1, 4);
  for (const NodeId node : model.graph.order()) {
    const std::string& node_name = model.graph.node_name(node);
    if (!golden.has("crc/" + node_name)) {
      const std::string_view kind = model.graph.op(node).kind();
      ASSERT_FALSE(kind.starts_with("neuron.") || kind == "attention.primal_scores") << node_name;
      continue;
    }
    const auto checksums = as_integers(golden.read("crc/" + node_name));
    const auto counts = as_integers(golden.read("count/" + node_name));
    const Tensor& spikes = result.values.at({node, 0});
    const std::vector<int> levels = test::levels_of(specs[static_cast<std::size_t>(node)][0].code);
    ASSERT_EQ(static_cast<Index>(checksums.size()), spikes.shape()[Axis::T]) << node_name;
    for (std::size_t t = 0; t < checksums.size(); ++t) {
      if (levels.back() <= 1) {  // a graded spike counts by its value
        ASSERT_EQ(result.spikes.at(node)[t], counts[t]) << node_name << " step " << t;
      }
      ASSERT_EQ(test::spike_checksum(spikes, static_cast<Index>(t), levels), checksums[t])
          << node_name << " step " << t;
    }
  }
}

class TrainedModels : public testing::TestWithParam<Shipped> {};

TEST_P(TrainedModels, GiveTheRecordedSpikesAndLogitsInEveryExecutorAndBatch) {
  const Shipped& shipped = GetParam();
  if (shipped.data == "fashion" && !std::filesystem::exists(fashion_folder)) {
    GTEST_SKIP() << "the Debian package dataset-fashion-mnist is not installed";
  }
  const Model model = load_model(test::runtime(), source + "/" + shipped.graph);
  const NpzFile golden(source + "/" + shipped.golden);
  const Array logits = golden.read("logits");
  const bool is_exact = golden.names().size() > 1;  // spikes were recorded: no sum is rounded
  Arrays arrays;
  arrays["image"] = images_of(shipped.data, logits.sizes[0]);
  const InputData data(model.graph, std::move(arrays), {}, shipped.data);
  for (const auto& [order, batch] :
       {std::pair<Order, Index>{Order::layered, 64}, {Order::stepped, 33}, {Order::event_driven, 7}}) {
    SCOPED_TRACE(std::string(name(order)));
    RunSettings settings;
    settings.order = order;
    settings.batch = batch;
    if (order != Order::layered && is_windowed(model.graph)) {
      EXPECT_THROW(test::run_all(model, data, settings, test::Watch::spikes), Error);
      continue;
    }
    // Everything takes too much memory there.
    const auto watch = shipped.data == "fashion" ? test::Watch::spikes : test::Watch::everything;
    const test::Result result = test::run_all(model, data, settings, watch);
    check_logits(result.values.at(model.graph.outputs().front().from).as<float>(), as_floats(logits),
                 is_exact);
    if (is_exact) {
      check_spikes(model, golden, result);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shipped, TrainedModels, testing::ValuesIn(all_shipped()), [](const auto& shipped) {
  const std::filesystem::path path = shipped.param.graph;
  return path.parent_path().filename().string() + "_" + path.stem().string();
});

TEST(TrainedModelsList, HasModels) {
  EXPECT_GE(all_shipped().size(), 19u);
}

}  // namespace
}  // namespace volley
