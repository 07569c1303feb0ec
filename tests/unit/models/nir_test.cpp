// NIR files of our own against what their maker computed, and files that make no sense.
#include "models/exchange/nir.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "models/exchange/nir_export.hpp"
#include "models/exchange/nir_network.hpp"
#include "sim/base/check.hpp"
#include "sim/io/npz.hpp"
#include "tests/support/models.hpp"

namespace volley {
namespace {

using test::Watch;

std::string data(const std::string& name) {
  return std::string(VOLLEY_SOURCE_DIR) + "/tests/data/nir/" + name;
}

NirOptions dyadic_step() {
  NirOptions options;
  options.dt = 1.0 / 1024;
  return options;
}

// Runs the model on NAME.npz and compares every output with the array of its name.
void expect_outputs(const BuiltModel& built, const std::string& name, Order order, float tolerance) {
  const Model model = make_model(test::runtime(), built);
  const Arrays arrays = read_npz(data(name + ".npz"));
  const InputData input(model.graph, {{"input", arrays.at("input")}}, {}, name);
  RunSettings settings;
  settings.order = order;
  const test::Result result = run_all(model, input, settings, Watch::outputs);
  for (const auto& output : model.graph.outputs()) {
    const auto wanted = as_floats(arrays.at(output.name));
    const auto got = as_floats(array_of(result.values.at(output.from)));
    ASSERT_EQ(got.size(), wanted.size()) << output.name;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      ASSERT_NEAR(got[i], wanted[i], tolerance) << name << " " << output.name << " at " << i;
    }
  }
}

BuiltModel imported(const std::string& file) {
  return import_nir(read_nir(file), dyadic_step()).model;
}

TEST(Nir, ConvolutionsPoolsAndNeuronsComputeWhatTheirEquationsSay) {
  for (const Order order : {Order::stepped, Order::layered, Order::event_driven}) {
    expect_outputs(imported(data("cnn.nir")), "cnn", order, 0);
    expect_outputs(imported(data("parts.nir")), "parts", order, 1e-5f);
  }
}

TEST(Nir, SubGraphWithALoopTakesOneStepRound) {
  expect_outputs(imported(data("recurrent.nir")), "recurrent", Order::stepped, 0);
  expect_outputs(imported(data("recurrent.nir")), "recurrent", Order::event_driven, 0);
}

TEST(Nir, SaysWhatTheFileDoesNotHold) {
  const ImportedModel found = import_nir(read_nir(data("recurrent.nir")), dyadic_step());
  const auto has = [&](const std::string& words) {
    return std::any_of(found.notes.begin(), found.notes.end(),
                       [&](const std::string& note) { return note.find(words) != std::string::npos; });
  };
  EXPECT_TRUE(has("rnn.lif: the file has no v_reset; 0 is taken"));
  EXPECT_TRUE(has("0.75 of the membrane stays in a step"));
  EXPECT_TRUE(has("'rnn.w_rec' sends arrives one step later"));
}

TEST(Nir, WhatIsWrittenReadsBackAsTheSameModel) {
  const std::string file = (std::filesystem::temp_directory_path() / "volley_nir_test.nir").string();
  for (const std::string name : {"cnn", "recurrent", "parts"}) {
    SCOPED_TRACE(name);
    write_nir(file, export_nir(test::runtime(), imported(data(name + ".nir")), dyadic_step().dt).file);
    EXPECT_EQ(read_nir(file).metadata.at("dt"), dyadic_step().dt);
    expect_outputs(imported(file), name, Order::stepped, name == "parts" ? 1e-5f : 0);
  }
  std::filesystem::remove(file);
}

TEST(Nir, RefusesToWriteWhatNirHasNoWordFor) {
  const auto error = [](const std::string& spec) -> std::string {
    try {
      (void)export_nir(test::runtime(),
                       read_model(std::string(VOLLEY_SOURCE_DIR) + "/examples/digits/" + spec), 1);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_EQ(error("ssa.txtpb"), "input 'image' has one value for all steps; NIR has one in each step");
  BuiltModel soft;
  soft.description.inputs = {{"x", {{{Axis::C, 3}}, Form::dense, {}}, true}};
  soft.description.nodes = {{"n", "neuron.lif", {{"x", 0, {}}}, {{"reset", std::string("soft")}}, {}}};
  soft.description.outputs = {{"out", "n"}};
  try {
    (void)export_nir(test::runtime(), soft, 1);
    FAIL();
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "neuron.lif 'n': resets softly, which NIR can't say");
  }
  soft.description.nodes[0].attributes = {{"tau", 4.0}};
  const ExportedNir exported = export_nir(test::runtime(), soft, 0.5);
  EXPECT_EQ(exported.notes,
            std::vector<std::string>{"n: fires at the threshold too; NIR says only above it"});
  EXPECT_EQ(as_floats(exported.file.graph.nodes.at("n").numbers.at("tau")), (std::vector<float>{2, 2, 2}));
}

// --- graphs made by hand ---
Array numbers(std::vector<float> values) {
  return array_of({static_cast<Index>(values.size())}, values);
}
NirNode node(const std::string& type, std::map<std::string, Array> parameters = {}) {
  return {type, std::move(parameters), {}, nullptr};
}
NirNode lif(float tau = 0.0025f) {
  return node("LIF", {{"tau", numbers({tau})},
                      {"r", numbers({1})},
                      {"v_leak", numbers({0})},
                      {"v_threshold", numbers({0.1f})}});
}
NirNode port(const std::string& type, Index channels = 1) {
  return node(type, {{"shape", array_of({1}, std::vector<Index>{channels})}});
}
NirFile chain(const NirNode& middle, Index channels = 1) {
  NirFile file{"1.0", {}, {}, {}};
  file.graph.nodes = {{"in", port("Input", channels)}, {"n", middle}, {"out", port("Output", channels)}};
  file.graph.edges = {{"in", "n"}, {"n", "out"}};
  return file;
}
std::string error_of(const NirFile& file, NirOptions options = {}) {
  try {
    (void)import_nir(file, options);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::vector<Index> spike_steps(TimeRule rule, const std::string& reset_time) {
  NirOptions options;
  options.rule = rule;
  options.reset_time = reset_time;
  const Model model = make_model(test::runtime(), import_nir(chain(lif()), options).model);
  const std::vector<float> current(60, 0.15f);
  const InputData input(model.graph, {{"in", array_of({60, 1, 1}, current)}}, {}, "constant");
  const test::Result result = run_all(model, input, {}, Watch::outputs);
  const auto spikes = as_floats(array_of(result.values.at(model.graph.outputs().front().from)));
  std::vector<Index> steps;
  for (std::size_t t = 0; t < spikes.size(); ++t) {
    if (spikes[t] != 0) {
      steps.push_back(static_cast<Index>(t));
    }
  }
  return steps;
}

TEST(Nir, RulesOfTimeFollowTheirClosedForms) {
  // v after n steps of a constant current: euler I (1 - (1 - a)^n), exact I (1 - e^n), a = 0.04, e = exp(-a).
  const double share = 1 - 0.1 / 0.15;
  const auto euler = static_cast<Index>(std::ceil(std::log(share) / std::log(1 - 0.04))) - 1;
  const auto exact = static_cast<Index>(std::ceil(std::log(share) / -0.04)) - 1;
  EXPECT_EQ(spike_steps(TimeRule::euler, "now").front(), euler);
  EXPECT_EQ(spike_steps(TimeRule::exact, "now").front(), exact);
  const double gain = 0.04 / (1 - std::exp(-0.04));  // exponential: the current counts a / (1 - e) more
  const auto exponential = static_cast<Index>(std::ceil(std::log(1 - 0.1 / (0.15 * gain)) / -0.04)) - 1;
  EXPECT_EQ(spike_steps(TimeRule::exponential, "now").front(), exponential);
  EXPECT_LE(exponential, exact);
}

TEST(Nir, RefusesByNode) {
  EXPECT_EQ(error_of(chain(node("Telepathy"))), "Telepathy 'n': is of no type that NIR 1.0 has");
  EXPECT_EQ(error_of(chain(node("LIF"))), "LIF 'n': has no parameter tau");
  EXPECT_EQ(error_of(chain(lif(0))), "LIF 'n': a time constant is 0, wanted above 0");
  EXPECT_EQ(error_of(chain(lif(), 3)), "");
  NirNode wide = lif();
  wide.numbers["tau"] = numbers({1, 2});
  EXPECT_EQ(error_of(chain(wide, 3)), "LIF 'n': tau has 2 numbers, wanted 1 or 3 as [3]");
  const NirNode matrix = node("Linear", {{"weight", array_of({2, 2}, std::vector<float>{1, 2, 3, 4})}});
  EXPECT_EQ(error_of(chain(matrix, 3)),
            "Linear 'n': weight is [2, 2], wanted [outputs, 3] for an input of [3]");
  EXPECT_NE(error_of(chain(node("Delay", {{"delay", numbers({0.00015f})}}))).find("wanted a whole number"),
            std::string::npos);
  EXPECT_EQ(error_of(chain(node("Delay", {{"delay", numbers({1, 2})}}), 2)),
            "Delay 'n': delays differ from place to place, wanted one for all");
  NirOptions options;
  options.dt = 0;
  EXPECT_EQ(error_of(chain(lif()), options), "dt is 0, wanted above 0");
  NirFile no_way = chain(lif());
  no_way.graph.edges.pop_back();
  EXPECT_EQ(error_of(no_way), "no Output of the NIR graph is reached from an Input");
  NirFile no_input = chain(lif());
  no_input.graph.nodes.at("in").type = "Output";
  EXPECT_EQ(error_of(no_input), "the NIR graph has no Input");
}

NirFile chain_of_images(const NirNode& middle, const std::vector<float>& shape) {
  NirFile file = chain(middle);
  file.graph.nodes.at("in").numbers["shape"] =
      array_of({static_cast<Index>(shape.size())}, std::vector<Index>(shape.begin(), shape.end()));
  return file;
}

TEST(Nir, FewNumbersCantAskForMuchMemory) {
  const auto number = [](Index n) { return array_of({1}, std::vector<Index>{n}); };
  const NirNode pool = node("SumPool2d", {{"kernel_size", number(1 << 19)}, {"padding", number(1 << 19)}});
  EXPECT_EQ(error_of(chain_of_images(pool, {1, 4, 4})),
            "SumPool2d 'n': needs a kernel of 274877906944 numbers, wanted at most 67108864");
  const NirNode conv = node(
      "Conv1d", {{"weight", array_of({64, 1, 1}, std::vector<float>(64))}, {"padding", number(1 << 19)}});
  EXPECT_EQ(error_of(chain_of_images(conv, {1, 4})),
            "Conv1d 'n': needs a kernel of 67108928 numbers, wanted at most 67108864");
  EXPECT_EQ(error_of(chain_of_images(node("Flatten"), {1 << 24, 1 << 24, 1 << 24})),
            "Input 'in': sends [16777216, 16777216, 16777216], wanted 1 to 2147483648 numbers");
}

TEST(Nir, WantsOneNumberWhereThereIsOne) {
  const Array none = array_of({0}, std::vector<Index>{});
  const NirNode conv =
      node("Conv2d", {{"weight", array_of({1, 1, 1, 1}, std::vector<float>{1})}, {"groups", none}});
  EXPECT_EQ(error_of(chain_of_images(conv, {1, 4, 4})), "Conv2d 'n': groups has 0 numbers, wanted 1");
  EXPECT_EQ(error_of(chain_of_images(node("Flatten", {{"start_dim", none}}), {1, 4, 4})),
            "Flatten 'n': start_dim has 0 numbers, wanted 1");
}

TEST(Nir, ChainOfManyNodesNeedsNoDeepStack) {
  NirFile file = chain(lif());
  file.graph.edges = {{"in", "n0"}};
  constexpr int length = 20000;
  for (int i = 0; i < length; ++i) {
    file.graph.nodes.emplace(fmt::format("n{}", i), node("Flatten"));
    file.graph.edges.emplace_back(fmt::format("n{}", i), i + 1 < length ? fmt::format("n{}", i + 1) : "out");
  }
  EXPECT_EQ(error_of(file), "");
}

}  // namespace
}  // namespace volley
