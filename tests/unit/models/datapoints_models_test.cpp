// Trained and random models between datapoints against PyTorch; what a permutation and an intervention do.
#include <gtest/gtest.h>

#include <filesystem>

#include "sim/base/check.hpp"
#include "sim/io/npz.hpp"
#include "tests/support/models.hpp"

namespace volley {
namespace {

const std::string source = VOLLEY_SOURCE_DIR;

struct TableModel {
  std::string name;
  std::string graph, inputs, golden;  // files
  std::string golden_array;
  Index steps;  // 0: a dense model
};

void PrintTo(const TableModel& model, std::ostream* out) {
  *out << model.name;
}

TableModel shipped(const std::string& name, const std::string& inputs, Index steps) {
  const std::string folder = source + "/examples/datapoints/";
  return {name,
          folder + name + ".txtpb",
          folder + inputs,
          source + "/tests/golden/datapoints/" + name + ".npz",
          "logits",
          steps};
}

TableModel form(const std::string& name, Index steps) {
  const std::string file = source + "/tests/data/datapoints/" + name;
  return {name, file + ".txtpb", file + ".npz", file + ".npz", "golden", steps};
}

Arrays tables_of(const TableModel& model) {
  const NpzFile file(model.inputs);
  Arrays arrays;
  arrays["values"] = file.read("values");
  arrays["mask"] = file.read("mask");
  return arrays;
}

std::vector<float> logits(const TableModel& table_model, const Model& model, Arrays arrays, Order order,
                          Index batch) {
  RunSettings settings;
  settings.order = order;
  settings.batch = batch;
  if (table_model.steps > 0) {
    settings.steps = table_model.steps;
  }
  const InputData data(model.graph, std::move(arrays), {}, "tables");
  const auto result = test::run_all(model, data, settings, test::Watch::outputs);
  const auto numbers = result.values.at(model.graph.outputs().front().from).as<float>();
  return {numbers.begin(), numbers.end()};
}

class DatapointModels : public testing::TestWithParam<TableModel> {};

// Spiking: weights of a grid, so every number but the last sums is exact, and those have an order.
TEST_P(DatapointModels, GiveWhatPyTorchGaveInEveryExecutorAndBatch) {
  const TableModel& table_model = GetParam();
  const Model model = load_model(test::runtime(), table_model.graph);
  const auto wanted = as_floats(NpzFile(table_model.golden).read(table_model.golden_array));
  for (const auto& [order, batch] :
       {std::pair<Order, Index>{Order::layered, 8}, {Order::stepped, 3}, {Order::event_driven, 3}}) {
    const auto got = logits(table_model, model, tables_of(table_model), order, batch);
    ASSERT_EQ(got.size(), wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (table_model.steps > 0) {
        ASSERT_EQ(got[i], wanted[i]) << i;
      } else {
        ASSERT_NEAR(got[i], wanted[i], 1e-4f) << i;  // float32 against float64
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Trained, DatapointModels,
                         testing::Values(shipped("lookup_dense", "lookup.npz", 0),
                                         shipped("lookup_bipolar", "lookup.npz", 4),
                                         shipped("breast_cancer", "breast_cancer.npz", 0)),
                         [](const auto& model) { return model.param.name; });
INSTANTIATE_TEST_SUITE_P(Forms, DatapointModels,
                         testing::Values(form("code", 0), form("paper", 0), form("post", 0),
                                         form("constant", 0), form("spiking", 4), form("spiking_constant", 2),
                                         form("spiking_binary", 4)),
                         [](const auto& model) { return model.param.name; });

// Rows of each table in the order of `order`.
Arrays with_rows_moved(const Arrays& arrays, const std::vector<std::size_t>& order) {
  Arrays moved;
  for (const auto& [name, array] : arrays) {
    const auto numbers = as_floats(array);
    const auto rows = static_cast<std::size_t>(array.sizes[1]);
    const auto columns = static_cast<std::size_t>(array.sizes[2]);
    std::vector<float> out;
    for (std::size_t table = 0; table < static_cast<std::size_t>(array.sizes[0]); ++table) {
      for (const std::size_t row : order) {
        const auto first = numbers.begin() + static_cast<std::ptrdiff_t>((table * rows + row) * columns);
        out.insert(out.end(), first, first + static_cast<std::ptrdiff_t>(columns));
      }
    }
    moved[name] = array_of(array.sizes, out);
  }
  return moved;
}

float largest_difference_after_moving_rows(const TableModel& table_model) {
  const Model model = load_model(test::runtime(), table_model.graph);
  const Arrays arrays = tables_of(table_model);
  const auto rows = static_cast<std::size_t>(arrays.at("values").sizes[1]);
  std::vector<std::size_t> order;
  for (std::size_t row = 0; row < rows; ++row) {
    order.push_back((row * 5 + 2) % rows);  // 5 divides neither 48 nor 7
  }
  const auto before = logits(table_model, model, arrays, Order::layered, 8);
  const auto after = logits(table_model, model, with_rows_moved(arrays, order), Order::layered, 8);
  const std::size_t tables = static_cast<std::size_t>(arrays.at("values").sizes[0]);
  const std::size_t width = before.size() / (tables * rows);
  float largest = 0;
  for (std::size_t i = 0; i < after.size(); ++i) {
    const std::size_t table = i / (rows * width);
    const std::size_t row = i / width % rows;
    const float wanted = before[(table * rows + order[row]) * width + i % width];
    largest = std::max(largest, std::abs(after[i] - wanted));
  }
  return largest;
}

// Neurons keep a state a row, and all sums over rows are exact: not a bit changes.
TEST(DatapointEquivariance, OfSpikingModelsIsExact) {
  for (const TableModel& model : {shipped("lookup_bipolar", "lookup.npz", 4), form("spiking", 4)}) {
    EXPECT_EQ(largest_difference_after_moving_rows(model), 0.0f) << model.name;
  }
}

// Softmax sums over the rows in their order, so the last bits may change.
TEST(DatapointEquivariance, OfDenseModelsHoldsUpToRounding) {
  for (const char* name : {"code", "paper", "post", "constant"}) {
    EXPECT_LT(largest_difference_after_moving_rows(form(name, 0)), 1e-5f) << name;
  }
  EXPECT_LT(largest_difference_after_moving_rows(shipped("lookup_dense", "lookup.npz", 0)), 1e-4f);
}

TEST(DatapointLookup, AnOriginalFollowsTheTargetOfItsDuplicateAndNoOther) {
  const TableModel table_model = shipped("lookup_bipolar", "lookup.npz", 4);
  const Model model = load_model(test::runtime(), table_model.graph);
  const auto got = logits(table_model, model, tables_of(table_model), Order::layered, 8);
  constexpr std::size_t tables = 20, rows = 48,
                        original = 24;  // the file says: tables, the same changed, permuted
  double own = 0;
  double others = 0;
  for (std::size_t table = 0; table < tables; ++table) {
    for (std::size_t row = original; row < rows; ++row) {
      const double moved = static_cast<double>(got[(tables + table) * rows + row] - got[table * rows + row]);
      (row == original ? own : others) += std::abs(moved);
    }
  }
  EXPECT_NEAR(own / tables, 1.0, 0.2);
  EXPECT_LT(others / (tables * (rows - original - 1)), 0.02);
}

TEST(DatapointRun, AClassThatIsNoneEndsTheRun) {
  const TableModel table_model = form("code", 0);
  const Model model = load_model(test::runtime(), table_model.graph);
  Arrays arrays = tables_of(table_model);
  auto values = as_floats(arrays.at("values"));
  std::fill(values.begin(), values.end(), 2.0f);
  arrays["values"] = array_of(arrays.at("values").sizes, values);
  std::fill(values.begin(), values.end(), 0.0f);
  arrays["mask"] = array_of(arrays.at("mask").sizes, values);
  EXPECT_THROW(logits(table_model, model, arrays, Order::layered, 8),
               Error);  // the last column has two classes
}

}  // namespace
}  // namespace volley
