// Parameters, kernel choice, registry and the counting of activity.
#include <gtest/gtest.h>

#include "sim/base/check.hpp"
#include "sim/base/parallel.hpp"
#include "sim/op/kernel_table.hpp"
#include "sim/op/registry.hpp"
#include "tests/support/random_values.hpp"

namespace volley {
namespace {

enum class Mode { plain, fancy };

class Sample final : public Operator {
 public:
  float tau = 2.0f;
  Index heads = 0;
  bool on = true;
  Mode mode = Mode::plain;
  std::string axes = "T";
  std::vector<Index> sizes{1, 2};

  std::string_view kind() const override { return "test.sample"; }
  void visit(ParamVisitor& visitor) override {
    visitor.real("tau", tau, "time constant [steps]");
    visitor.integer("heads", heads, "heads [1]", Need::required);
    visitor.flag("on", on, "on or off");
    visitor.choice_of("mode", mode, {"plain", "fancy"}, "mode");
    visitor.text("axes", axes, "axes");
    visitor.integers("sizes", sizes, "sizes [1]");
  }
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index) const override { return {in[0]}; }
  Cost cost(std::span<const Activity>, std::span<const Activity>) const override { return {}; }
};

std::string message(const Attributes& attributes) {
  Sample sample;
  try {
    parse_params(sample, "node", attributes);
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::model);
    return error.what();
  }
  return "";
}

TEST(Params, PrintedAndParsedAgainAreTheSame) {
  Sample sample;
  parse_params(sample, "node", {{"heads", 4.0}, {"mode", std::string("fancy")}, {"on", false}, {"tau", 1.5}});
  EXPECT_EQ(sample.heads, 4);
  EXPECT_EQ(sample.mode, Mode::fancy);
  const Attributes printed = print_params(sample);
  Sample again;
  parse_params(again, "node", printed);
  EXPECT_EQ(print_params(again), printed);
  EXPECT_EQ(document_params(sample).size(), 6u);
}

TEST(Params, EveryMistakeIsNamed) {
  EXPECT_EQ(message({{"heads", 4.0}}), "");
  EXPECT_EQ(message({}), "test.sample 'node': attribute 'heads' is missing, wanted an integer");
  EXPECT_EQ(message({{"heads", 4.5}}), "test.sample 'node': heads is 4.5, wanted an integer");
  EXPECT_EQ(message({{"heads", 1e12}}), "test.sample 'node': heads is 1000000000000, wanted an integer");
  EXPECT_EQ(message({{"heads", std::string("four")}}),
            "test.sample 'node': heads is 'four', wanted an integer");
  EXPECT_EQ(message({{"heads", 1.0}, {"mode", std::string("odd")}}),
            "test.sample 'node': mode is 'odd', wanted one of plain, fancy");
  EXPECT_NE(message({{"heads", 1.0}, {"tow", 1.0}}).find("unknown attribute 'tow'"), std::string::npos);
  EXPECT_NE(message({{"heads", 1.0}, {"tau", std::numeric_limits<double>::infinity()}}).find("finite"),
            std::string::npos);
  EXPECT_NE(message({{"heads", 1.0}, {"tau", 1e300}}).find("finite"), std::string::npos);
}

void do_nothing(const Call&) {}

Verdict never(const Operator&, std::span<const ValueSpec>) {
  return {false, "it never does"};
}

TEST(KernelTable, TakesTheFirstThatAcceptsAndSaysWhyNotTheOthers) {
  KernelTable table;
  table.add("test.sample", {"picky", Device::cpu, Exactness::bits, never, do_nothing});
  table.add("test.sample", {"fast", Device::cpu, Exactness::bits, accepts_all, do_nothing});
  table.add("test.sample", {"reference", Device::cpu, Exactness::bits, accepts_all, do_nothing});
  const Sample op;
  const Choice choice = table.choose(op, {}, Device::cpu);
  ASSERT_NE(choice.kernel, nullptr);
  EXPECT_EQ(choice.kernel->name, "fast");
  EXPECT_EQ(choice.refusals, std::vector<std::string>{"picky: it never does"});
  EXPECT_EQ(table.choose(op, {}, Device::cpu, "reference").kernel->name, "reference");
  EXPECT_EQ(table.choose(op, {}, Device::cpu, "picky").kernel->name, "fast");
  EXPECT_EQ(table.choose(op, {}, Device::cuda).kernel, nullptr);
}

TEST(Registry, MakesByKindAndKnowsTheNearest) {
  Registry registry;
  registry.add<Sample>();
  EXPECT_TRUE(registry.has("test.sample"));
  EXPECT_FALSE(registry.has("test.simple"));
  EXPECT_EQ(registry.nearest("test.simple"), "test.sample");
  EXPECT_EQ(registry.make("test.sample")->kind(), "test.sample");
}

TEST(Activity, MarginalsAddUpToTheSpikes) {
  const Shape shape{{Axis::T, 1}, {Axis::B, 2}, {Axis::Y, 3}, {Axis::X, 4}, {Axis::C, 65}};
  for (const SpikeCode code : {binary_code(), bipolar_code(), graded_code(3)}) {
    const SpikeTensor spikes = test::random_spikes(shape, code, 0.3, 5);
    const Tensor dense = unpack(spikes);
    const Activity by_place = activity_of(spikes, {Axis::Y, Axis::X});
    const Activity by_channel = activity_of(spikes, {Axis::B, Axis::C});
    std::vector<Index> places(12, 0);
    std::vector<Index> channels(130, 0);
    for (Index i = 0; i < shape.count(); ++i) {
      const auto units = static_cast<Index>(std::abs(dense.as<float>()[static_cast<std::size_t>(i)]));
      places[static_cast<std::size_t>(i / 65 % 12)] += units;
      channels[static_cast<std::size_t>(i / (65 * 12) * 65 + i % 65)] += units;
    }
    EXPECT_EQ(by_place.marginal, places);
    EXPECT_EQ(by_channel.marginal, channels);
    EXPECT_EQ(by_place.spikes, spike_count(spikes));
    EXPECT_EQ(activity_of(spikes, {}).spikes, spike_count(spikes));
  }
}

TEST(Activity, OfDenseNumbersCountsThoseThatAreNotZero) {
  const Tensor tensor = tensor_of({{Axis::T, 1}, {Axis::C, 4}}, std::vector{0.0f, -2.5f, 0.0f, 1e-30f});
  const Activity activity = activity_of(tensor, {Axis::C});
  EXPECT_EQ(activity.spikes, 2);
  EXPECT_EQ(activity.marginal, (std::vector<Index>{0, 1, 0, 1}));
}

TEST(Activity, OfDenseNumbersIsTheSameWithAndWithoutAMarginal) {
  for (const Index size : {Index{0}, Index{1}, Index{15}, Index{16}, Index{17}, Index{1000}}) {
    const Tensor tensor(Dtype::f32, {{Axis::T, 1}, {Axis::B, 3}, {Axis::C, size}});
    const auto numbers = tensor.as_mutable<float>();
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      numbers[i] = i % 5 == 0 ? -0.0f : i % 3 == 0 ? 1.5f : 0.0f;
    }
    EXPECT_EQ(activity_of(tensor, {}).spikes, activity_of(tensor, {Axis::B}).spikes) << size;
  }
}

TEST(Activity, OfManyBlocksIsThatOfOneLoopAtAnyThreadCount) {
  const Shape shape{{Axis::T, 1}, {Axis::B, 5}, {Axis::Y, 32}, {Axis::X, 33}, {Axis::C, 257}};
  const SpikeTensor spikes = test::random_spikes(shape, bipolar_code(), 0.3, 5);
  const Tensor dense = unpack(spikes);
  std::vector<Index> places(32 * 33, 0);
  Index all = 0;
  for (std::size_t i = 0; i < dense.as<float>().size(); ++i) {
    const Index units = dense.as<float>()[i] != 0 ? 1 : 0;
    places[i / 257 % places.size()] += units;
    all += units;
  }
  const int before = thread_count();
  for (const int threads : {1, 4}) {
    set_thread_count(threads);
    for (const Value& value : {Value(spikes), Value(dense)}) {
      EXPECT_EQ(activity_of(value, {Axis::Y, Axis::X}).marginal, places);
      EXPECT_EQ(activity_of(value, {Axis::Y, Axis::X}).spikes, all);
      EXPECT_EQ(activity_of(value, {}).spikes, all);
    }
  }
  set_thread_count(before);
}

}  // namespace
}  // namespace volley
