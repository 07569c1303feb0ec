// NIRData: what is written reads back, what another writer wrote, and files that lie.
#include "sim/io/nir_data.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "sim/io/hdf5_file.hpp"
#include "tests/unit/io/scratch.hpp"

namespace volley {
namespace {

using test::Scratch;
using Form = NirObservable::Form;

std::string data(const std::string& name) {
  return std::string(VOLLEY_SOURCE_DIR) + "/tests/data/nir/" + name;
}

NirObservable spikes(std::vector<Index> sizes, const std::vector<std::uint8_t>& numbers) {
  return {Form::events, array_of(std::move(sizes), numbers)};
}

NirObservable reals(Form form, std::vector<Index> sizes, const std::vector<float>& numbers) {
  return {form, array_of(std::move(sizes), numbers)};
}

// 2 samples, 3 steps, 2 neurons; the second sample is silent.
NirData small() {
  NirData small;
  small.dt = 1e-3;
  small.nodes["lif.0"]["spikes"] = spikes({2, 3, 2}, {1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0});
  small.nodes["lif.0"]["v"] = reals(Form::gridded, {2, 3, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0.5f});
  small.nodes["ternary"]["spikes"] = reals(Form::valued_events, {1, 3, 1}, {-1, 0, 2});
  small.nodes["mean"]["value"] = reals(Form::gridded, {2, 1, 2}, {1, 2, 3, 4});
  return small;
}

TEST(NirData, ReadsBackWhatItWrote) {
  const Scratch scratch;
  write_nir_data(scratch.path("a.nirdata"), small());
  EXPECT_TRUE(is_nir_data(scratch.path("a.nirdata")));
  const NirData again = read_nir_data(scratch.path("a.nirdata"));
  EXPECT_EQ(again.dt, 1e-3);
  EXPECT_EQ(again.nodes, small().nodes);
  NirData silent;
  silent.nodes["a"]["spikes"] = spikes({1, 2, 1}, {0, 0});
  write_nir_data(scratch.path("b.nirdata"), silent);
  EXPECT_EQ(read_nir_data(scratch.path("b.nirdata")).nodes, silent.nodes);
}

// int(t_max / dt) and floor(time / dt) of the nir package must give the steps back, whatever dt is.
TEST(NirData, WritesTimesThatAReaderDividesBackToTheirStep) {
  const Scratch scratch;
  for (const double dt : {1e-4, 1e-3, 0.1, 1.0 / 3, 0.7e-3}) {
    NirData all;
    all.dt = dt;
    constexpr std::size_t steps = 300;
    all.nodes["a"]["spikes"] = spikes({1, steps, 1}, std::vector<std::uint8_t>(steps, 1));
    write_nir_data(scratch.path("a.nirdata"), all);
    const Hdf5File file(scratch.path("a.nirdata"));
    const std::string group = "/nodes/a/observables/spikes";
    EXPECT_EQ(std::floor(*file.number_attribute(group, "t_max") / dt), 300.0);
    const Array time = file.numbers(group + "/time");
    const auto* times = reinterpret_cast<const double*>(time.bytes.data());
    for (std::size_t k = 0; k < steps; ++k) {
      EXPECT_EQ(std::floor(times[k] / dt), static_cast<double>(k)) << dt;
    }
  }
}

// Made by nir 1.0.8: tests/data/nir/make_nir_data.py.
TEST(NirData, ReadsWhatTheNirPackageWrote) {
  const NirData read = read_nir_data(data("recorded.nirdata"));
  EXPECT_EQ(read.dt, 0.5);
  EXPECT_EQ(read.nodes.at("lif").at("spikes"), spikes({2, 4, 3}, {0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0,  //
                                                                  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0}));
  EXPECT_EQ(read.nodes.at("lif").at("v"), reals(Form::gridded, {1, 2, 2}, {0.5f, 1, -1, 2}));
  EXPECT_EQ(read.nodes.at("inner.if").at("value"), reals(Form::valued_events, {1, 4, 3},
                                                         {0, 0, 2.5f, 0, 0, 0,  //
                                                          0, 0, 0, -1, 0, 0}));
}

TEST(NirData, TakesTheStepFromTheirNumberWhenTheFileDoesNotSay) {
  const NirData read = read_nir_data(data("events.nirdata"), 4);
  EXPECT_EQ(read.dt, 0.5);
  EXPECT_EQ(read.nodes.at("x").at("spikes"), spikes({1, 4, 2}, {0, 1, 0, 0, 1, 0, 0, 0}));
  const std::string why = test::error_of([&] { (void)read_nir_data(data("events.nirdata")); }, Fault::usage);
  EXPECT_NE(why.find("does not say how long a step is"), std::string::npos) << why;
}

// A file of one observable whose parts can be spoilt.
struct Lie {
  std::string root = "NIRGraphData", node = "NIRNodeData", type = "EventData";
  double t_max = 2, neurons = 3;
  Index idx = 1;
  double time = 0.5;
  std::vector<Index> sizes{1, 1};

  void write(const std::string& path) const {
    Hdf5Writer writer(path);
    const std::string group = "/nodes/a/observables/b";
    writer.numbers(group + "/idx", array_of({1, 1}, std::array{idx}));
    writer.numbers(group + "/time", array_of(sizes, std::array{static_cast<float>(time)}));
    writer.numbers(group + "/data", array_of({1}, std::array{1.0f}));
    writer.attribute(group, "__type__", type);
    writer.attribute(group, "n_neurons", neurons);
    writer.attribute(group, "t_max", t_max);
    writer.attribute(group, "dt", 0.5);
    writer.attribute("/nodes/a", "__type__", node);
    writer.attribute("/", "__type__", root);
    writer.attribute("/", "dt", 0.5);
  }
};

TEST(NirData, RefusesWhatIsNoneAndWhatLies) {
  const Scratch scratch;
  const auto why = [&](const Lie& lie) {
    lie.write(scratch.path("a.h5"));
    return test::error_of([&] { (void)read_nir_data(scratch.path("a.h5")); });
  };
  const auto expect = [&](const Lie& lie, const std::string& words) {
    EXPECT_NE(why(lie).find(words), std::string::npos) << words << ": " << why(lie);
  };
  EXPECT_EQ(why({}), "");
  expect({.root = "NIRGraph"}, "root is no NIRGraphData");
  expect({.node = "Node"}, "has type 'Node', wanted NIRNodeData");
  expect({.type = "Data"}, "has type 'Data', wanted TimeGriddedData");
  expect({.type = "TimeGriddedData"}, "wanted [samples, steps, neurons]");
  expect({.type = "ValuedEventData"}, "value");
  expect({.t_max = -1}, "has no t_max above 0");
  expect({.t_max = 0.25}, "none, or too many");
  expect({.t_max = 1e300}, "none, or too many");
  expect({.neurons = 1e12}, "none, or too many");
  expect({.idx = 3}, "event 0 is of neuron 3");
  expect({.idx = -2}, "event 0 is of neuron -2");
  expect({.time = 2}, "event 0 is of neuron 1 at 2 s");
  expect({.time = std::nan("")}, "event 0 is of neuron 1 at nan s");
  expect({.sizes = {1}}, "wanted [samples, events] of both");
  EXPECT_REFUSED(read_nir_data(data("cnn.nir")), "root is no NIRGraphData");
  EXPECT_FALSE(is_nir_data(data("cnn.nir")));
  EXPECT_FALSE(is_nir_data(test::fixture("plain.npy")));
}

TEST(NirData, RefusesNamesWithSlashesAndStepsWithoutLength) {
  const Scratch scratch;
  const auto why = [&](const NirData& data) {
    return test::error_of([&] { write_nir_data(scratch.path("a.h5"), data); }, Fault::usage);
  };
  NirData slash;
  slash.nodes["a/b"]["spikes"] = spikes({1, 1, 1}, {1});
  EXPECT_NE(why(slash).find("has a slash"), std::string::npos);
  NirData still;
  still.dt = 0;
  EXPECT_NE(why(still).find("a step of 0 s"), std::string::npos);
  EXPECT_EQ(scratch.files(), 0u);
}

}  // namespace
}  // namespace volley
