// Models of functional time against PyTorch; what moving all times changes.
#include <gtest/gtest.h>

#include "sim/base/check.hpp"
#include "sim/io/npz.hpp"
#include "tests/support/models.hpp"

namespace volley {
namespace {

const std::string source = VOLLEY_SOURCE_DIR;
const std::string folder = source + "/examples/functional_time/";
const std::string random_folder = source + "/tests/data/functional_time/";

Arrays inputs_of(const Model& model, Index samples, const std::string& from = folder) {
  const NpzFile file(from + "test.npz");
  Arrays arrays;
  for (const std::string name : {"types", "stamps", "target"}) {
    if (name == "types" || model.graph.name != "functional_time_position") {
      const Array array = file.read(name);
      auto sizes = array.sizes;
      auto numbers = as_floats(array);
      numbers.resize(numbers.size() / static_cast<std::size_t>(sizes[0]) * static_cast<std::size_t>(samples));
      sizes[0] = samples;
      arrays[name] = array_of(sizes, numbers);
    }
  }
  return arrays;
}

std::vector<float> logits(const Model& model, Arrays arrays, Order order, Index batch) {
  RunSettings settings;
  settings.order = order;
  settings.batch = batch;
  const InputData data(model.graph, std::move(arrays), {}, "sequences");
  const auto result = test::run_all(model, data, settings, test::Watch::outputs);
  const auto numbers = result.values.at(model.graph.outputs().front().from).as<float>();
  return {numbers.begin(), numbers.end()};
}

struct TimeModel {
  std::string name, folder, golden;
};

void PrintTo(const TimeModel& model, std::ostream* out) {
  *out << model.name;
}

TimeModel trained(const std::string& name) {
  return {name, folder, source + "/tests/golden/functional_time/"};
}

TimeModel of_random_weights(const std::string& name) {
  return {name, random_folder, random_folder + "golden/"};
}

class FunctionalTimeModels : public testing::TestWithParam<TimeModel> {};

TEST_P(FunctionalTimeModels, GiveWhatPyTorchGaveInEveryExecutorAndBatch) {
  const auto& [name, from, golden_folder] = GetParam();
  const Model model = load_model(test::runtime(), from + name + ".txtpb");
  const NpzFile golden(golden_folder + name + ".npz");
  const Array array = golden.read("logits");
  const auto wanted = as_floats(array);
  for (const auto& [order, batch] :
       {std::pair<Order, Index>{Order::layered, 8}, {Order::stepped, 3}, {Order::event_driven, 3}}) {
    const auto got = logits(model, inputs_of(model, array.sizes[0], from), order, batch);
    ASSERT_EQ(got.size(), wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (name == "spiking") {
        ASSERT_EQ(got[i], wanted[i]) << i;  // weights of a grid: each sum is exact
      } else {
        ASSERT_NEAR(got[i], wanted[i], 1e-4f) << i;  // float32 against float64
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Trained, FunctionalTimeModels,
                         testing::Values(trained("position"), trained("bochner"), trained("mercer"),
                                         trained("spiking")),
                         [](const auto& model) { return model.param.name; });
INSTANTIATE_TEST_SUITE_P(Random, FunctionalTimeModels,
                         testing::Values(of_random_weights("position"), of_random_weights("bochner"),
                                         of_random_weights("mercer"), of_random_weights("spiking")),
                         [](const auto& model) { return model.param.name; });

TEST(FunctionalTimeModels, DoNotChangeWhenAllTimesMove) {
  for (const std::string name : {"bochner", "mercer", "spiking"}) {
    const Model model = load_model(test::runtime(), folder + name + ".txtpb");
    Arrays moved = inputs_of(model, 8);
    for (const std::string input : {"stamps", "target"}) {
      auto numbers = as_floats(moved[input]);
      for (float& number : numbers) {
        number += 4096;
      }
      moved[input] = array_of(moved[input].sizes, numbers);
    }
    EXPECT_EQ(logits(model, inputs_of(model, 8), Order::layered, 8), logits(model, moved, Order::layered, 8))
        << name;
  }
}

TEST(FunctionalTimeModels, RefuseAnEventOfNoTypeAndATimeThatIsNoTick) {
  const Model model = load_model(test::runtime(), folder + "spiking.txtpb");
  for (const auto& [input, number] : {std::pair<std::string, float>{"types", 8.0f}, {"stamps", 0.5f}}) {
    Arrays arrays = inputs_of(model, 2);
    auto numbers = as_floats(arrays[input]);
    numbers.back() = number;
    arrays[input] = array_of(arrays[input].sizes, numbers);
    EXPECT_THROW(logits(model, arrays, Order::layered, 2), Error) << input;
  }
}

}  // namespace
}  // namespace volley
