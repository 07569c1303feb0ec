// The committed visual parsers against their PyTorch modules, and tokens that are no words.
#include <gtest/gtest.h>

#include "sim/base/check.hpp"
#include "sim/io/npz.hpp"
#include "tests/support/models.hpp"
#include "tests/support/spike_checksum.hpp"

namespace volley {
namespace {

const std::string source = VOLLEY_SOURCE_DIR;

// The first samples of the test pairs.
Arrays first_pairs(Index samples) {
  const NpzFile file(source + "/examples/vision_language/test.npz");
  Arrays arrays;
  for (const char* name : {"image", "tokens"}) {
    Array array = file.read(name);
    const std::size_t bytes = array.bytes.size() / static_cast<std::size_t>(array.sizes[0]);
    array.bytes.resize(bytes * static_cast<std::size_t>(samples));
    array.sizes[0] = samples;
    arrays[name] = std::move(array);
  }
  return arrays;
}

Model parser(const std::string& name) {
  return load_model(test::runtime(), source + "/examples/vision_language/" + name + ".txtpb");
}

void expect_logits(const test::Result& result, const Model& model, const Array& wanted, float tolerance) {
  const auto got = result.values.at(model.graph.outputs().front().from).as<float>();
  const auto numbers = as_floats(wanted);
  ASSERT_EQ(got.size(), numbers.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    ASSERT_NEAR(got[i], numbers[i], tolerance) << "logit " << i;
  }
}

class VisionLanguage : public testing::TestWithParam<std::string> {};

TEST_P(VisionLanguage, GivesTheRecordedSpikesAndLogitsInEveryExecutorAndBatch) {
  const bool is_spiking = GetParam() == "ssa";
  const NpzFile golden(source + "/tests/golden/vision_language/" + GetParam() + ".npz");
  const Index samples = golden.read("logits").sizes[0];
  const Model model = parser(GetParam());
  const InputData data(model.graph, first_pairs(samples), {}, "pairs");
  for (const auto& [order, batch] :
       {std::pair<Order, Index>{Order::layered, 64}, {Order::stepped, 33}, {Order::event_driven, 7}}) {
    SCOPED_TRACE(std::string(name(order)));
    RunSettings settings;
    settings.order = order;
    settings.batch = batch;
    const test::Result result = test::run_all(model, data, settings, test::Watch::spikes);
    expect_logits(result, model, golden.read("logits"), is_spiking ? 0.0f : 1e-4f);  // float64 if dense
    Index checked = 0;
    for (const NodeId node : model.graph.order()) {
      const std::string& node_name = model.graph.node_name(node);
      if (!golden.has("crc/" + node_name)) {
        continue;
      }
      const auto checksums = as_integers(golden.read("crc/" + node_name));
      const auto counts = as_integers(golden.read("count/" + node_name));
      for (std::size_t t = 0; t < checksums.size(); ++t) {
        ASSERT_EQ(result.spikes.at(node)[t], counts[t]) << node_name << " step " << t;
        ASSERT_EQ(test::spike_checksum(result.values.at({node, 0}), static_cast<Index>(t), {1}), checksums[t])
            << node_name << " step " << t;
      }
      ++checked;
    }
    EXPECT_EQ(checked, is_spiking ? 5 * 7 + 1 : 0);
  }
}

TEST_P(VisionLanguage, GivesTheRecordedLogitsWithCrossModalBlocksZeroed) {
  const NpzFile golden(source + "/tests/golden/vision_language/" + GetParam() + ".npz");
  for (const std::string which : {"apart", "apart0", "apart1"}) {
    SCOPED_TRACE(which);
    const Array logits = golden.read("logits_" + which);
    const Model model = parser(GetParam() + "_" + which);
    const InputData data(model.graph, first_pairs(logits.sizes[0]), {}, "pairs");
    expect_logits(test::run_all(model, data, RunSettings(), test::Watch::outputs), model, logits,
                  GetParam() == "ssa" ? 0.0f : 1e-4f);
  }
}

INSTANTIATE_TEST_SUITE_P(Digits, VisionLanguage, testing::Values("dense", "ssa"),
                         [](const auto& name) { return name.param; });

TEST(VisionLanguageInput, ATokenThatIsNoWordIsAnErrorThatNamesTheNode) {
  const Model model = parser("dense");
  for (const float token : {40.0f, -1.0f, 0.5f}) {
    Arrays arrays = first_pairs(3);
    std::vector<float> tokens = as_floats(arrays.at("tokens"));
    tokens[17] = token;
    arrays["tokens"] = array_of(arrays.at("tokens").sizes, tokens);
    const InputData data(model.graph, arrays, {}, "pairs");
    for (const Order order : {Order::layered, Order::stepped}) {
      RunSettings settings;
      settings.order = order;
      try {
        test::run_all(model, data, settings, test::Watch::outputs);
        ADD_FAILURE() << "token " << token << " was taken";
      } catch (const Error& error) {
        EXPECT_EQ(error.fault(), Fault::model);
        EXPECT_EQ(
            std::string(error.what()),
            fmt::format("embed.table 'words': token 7 of sample 1 (of this batch) is {}, wanted an integer "
                        "from 0 to 39: the table has 40 rows",
                        token));
      }
    }
  }
}

}  // namespace
}  // namespace volley
