// The token operators as small graphs, through all executors, against PyTorch.
#include <gtest/gtest.h>

#include "sim/io/npz.hpp"
#include "tests/support/models.hpp"

namespace volley {
namespace {

const std::string folder = std::string(VOLLEY_SOURCE_DIR) + "/tests/data/tokens/";

class TokenGraphs : public testing::TestWithParam<std::string> {};

TEST_P(TokenGraphs, GiveWhatPyTorchGivesInAllExecutorsAndAnyBatch) {
  const Model model = load_model(test::runtime(), folder + GetParam() + ".txtpb");
  const NpzFile file(folder + GetParam() + ".npz");
  Arrays arrays;
  for (const NodeId input : model.graph.inputs()) {
    const std::string& input_name = model.graph.node_name(input);
    arrays[input_name] = file.read(input_name);
  }
  const InputData data(model.graph, arrays, {}, GetParam());
  const auto wanted = as_floats(file.read("wanted"));
  // The exponentials and the order of the sums over the keys are not PyTorch's.
  const float tolerance = GetParam() == "windowed_softmax" ? 1e-5f : 0.0f;
  for (const Order order : {Order::layered, Order::stepped, Order::event_driven}) {
    for (const Index batch : {1, 3}) {
      SCOPED_TRACE(fmt::format("{} batch {}", name(order), batch));
      RunSettings settings;
      settings.order = order;
      settings.batch = batch;
      const auto result = test::run_all(model, data, settings, test::Watch::outputs);
      const auto got = result.values.at(model.graph.outputs().front().from).as<float>();
      ASSERT_EQ(got.size(), wanted.size());
      for (std::size_t i = 0; i < wanted.size(); ++i) {
        ASSERT_NEAR(got[i], wanted[i], tolerance) << i;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Small, TokenGraphs,
                         testing::Values("windowed_ssa", "windowed_softmax", "apart_ssa", "embedded"),
                         [](const auto& file) { return file.param; });

}  // namespace
}  // namespace volley
