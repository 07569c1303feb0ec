// The committed CAT models against their PyTorch modules.
#include <gtest/gtest.h>

#include "sim/io/npz.hpp"
#include "tests/support/models.hpp"

namespace volley {
namespace {

const std::string source = VOLLEY_SOURCE_DIR;

struct Shipped {
  std::string name;
  bool is_exact;  // every sum is exact in float32: spikes and logits to the last bit
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

class CatModels : public testing::TestWithParam<Shipped> {};

TEST_P(CatModels, GiveTheRecordedLogitsAndSpikeCountsInEveryOrderAndBatch) {
  const Shipped& shipped = GetParam();
  const Model model = load_model(test::runtime(), source + "/examples/cat/" + shipped.name + ".txtpb");
  const NpzFile golden(source + "/tests/golden/cat/digits_" + shipped.name + ".npz");
  const Array logits = golden.read("logits");
  const InputData data = digits(model.graph, logits.sizes[0]);
  for (const auto& [order, batch] : {std::pair<Order, Index>{Order::layered, 64}, {Order::stepped, 33}}) {
    SCOPED_TRACE(std::string(name(order)));
    RunSettings settings;
    settings.order = order;
    settings.batch = batch;
    const test::Result result = test::run_all(model, data, settings, test::Watch::spikes);
    const auto got = result.values.at(model.graph.outputs().front().from).as<float>();
    const auto wanted = as_floats(logits);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (shipped.is_exact) {
        ASSERT_EQ(got[i], wanted[i]) << "logit " << i;
      } else {
        ASSERT_NEAR(got[i], wanted[i], 1e-4f) << "logit " << i;  // float32 against float64
      }
    }
    Index checked = 0;
    for (const NodeId node : model.graph.order()) {
      const std::string key = "count/" + model.graph.node_name(node);
      if (golden.has(key)) {
        EXPECT_EQ(result.spikes.at(node), as_integers(golden.read(key))) << key;
        ++checked;
      }
    }
    EXPECT_EQ(checked > 0, shipped.is_exact);
  }
}

INSTANTIATE_TEST_SUITE_P(Digits, CatModels,
                         testing::Values(Shipped{"cat", false}, Shipped{"cat_softmax", false},
                                         Shipped{"softmax_60", false}, Shipped{"spiking_cat_a", true},
                                         Shipped{"spiking_cat_b", true}, Shipped{"spiking_cat_ssa", true}),
                         [](const auto& shipped) { return shipped.param.name; });

}  // namespace
}  // namespace volley
