// verify finds what differs, where, and says what it cannot judge.
#include "models/exchange/verify.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "models/exchange/threshold_distance.hpp"
#include "neurons/neurons.hpp"
#include "sim/io/npz.hpp"
#include "tests/support/models.hpp"

namespace volley {
namespace {

constexpr Index samples = 3;
constexpr Index steps = 5;
constexpr Index tokens = 2;
constexpr Index channels = 6;

Model two_layers() {
  Weights weights;
  weights["a"] = test::random_weight({channels, channels}, 1);
  weights["b"] = test::random_weight({channels, channels}, 2);
  return test::model_of(R"(format_version: 1
name: "two"
input { name: "x" per_step: true shape { axis: "N" size: 2 } shape { axis: "C" size: 6 } }
node { name: "one.fc" op: "linear" in { from: "x" } weight { slot: "weight" tensor: "a" } }
node { name: "one" op: "neuron.lif" in { from: "one.fc" } attr { name: "threshold" number: 0.25 } }
node { name: "two.fc" op: "linear" in { from: "one" } weight { slot: "weight" tensor: "b" } }
node { name: "two" op: "neuron.if" in { from: "two.fc" } attr { name: "reset" text: "soft" } }
output { name: "y" from: "two" }
output { name: "current" from: "two.fc" }
)",
                        weights);
}

class Verify : public testing::Test {
 protected:
  void SetUp() override {
    arrays_ = random_arrays(model_.graph, samples, steps, 3);
    const InputData data(model_.graph, arrays_, {}, "test");
    RunSettings settings;
    settings.steps = steps;
    const test::Result result = test::run_all(model_, data, settings);
    for (const char* node : {"one", "two", "one.fc"}) {
      arrays_[std::string("node/") + node] = array_of(result.values.at({*model_.graph.find(node), 0}));
    }
    arrays_["output/current"] = array_of(result.values.at({*model_.graph.find("two.fc"), 0}));
  }
  void TearDown() override { std::filesystem::remove(path_); }

  Verification verdict(const VerifySettings& settings = {}, Layouts layouts = Layouts::automatic) {
    write_npz(path_, arrays_);
    const Golden golden = read_golden(path_, test::runtime(), model_, layouts, std::nullopt);
    return verify(test::runtime(), model_, golden, settings);
  }
  // The text of the Error, or nothing.
  std::string refusal(const VerifySettings& settings = {}) {
    try {
      verdict(settings);
    } catch (const Error& error) {
      return error.what();
    }
    return {};
  }
  void set(const std::string& name, std::size_t place, float number) {
    std::vector<float> numbers = as_floats(arrays_.at(name));
    numbers.at(place) = number;
    arrays_[name] = array_of(arrays_.at(name).sizes, numbers);
  }
  float number(const std::string& name, std::size_t place) { return as_floats(arrays_.at(name)).at(place); }
  void transpose_last_two(const std::string& from, const std::string& to) {
    const std::vector<float> numbers = as_floats(arrays_.at(from));
    std::vector<float> turned(numbers.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const std::size_t n = i / channels % tokens;
      const std::size_t c = i % channels;
      turned[i / (tokens * channels) * (tokens * channels) + c * tokens + n] = numbers[i];
    }
    arrays_.erase(from);
    arrays_[to] = array_of({steps, samples, channels, tokens}, turned);
  }

  Model model_ = two_layers();
  Arrays arrays_;
  std::string path_ = testing::TempDir() + fmt::format("verify_{}.npz", getpid());
};

// Of step 2, sample 1, N = 1, C = 3.
constexpr std::size_t flipped = ((2 * samples + 1) * tokens + 1) * channels + 3;
const VerifySettings each_node{.node_by_node = true};

TEST_F(Verify, PassesWhatItRecordedItselfInBothModes) {
  for (const VerifySettings& settings : {VerifySettings{}, each_node}) {
    const Verification result = verdict(settings);
    EXPECT_TRUE(result.passes);
    EXPECT_EQ(result.judged, 4);
    EXPECT_EQ(result.first(), nullptr);
    EXPECT_EQ(result.nodes[0].node, "one.fc");
    EXPECT_EQ(result.nodes[1].compared, steps * samples * tokens * channels);
    EXPECT_EQ(result.nodes[3].node, "output current");
  }
}

TEST_F(Verify, FindsOneFlippedSpikeAndItsPlace) {
  const float was = number("node/one", flipped);
  set("node/one", flipped, 1.0f - was);
  const Verification result = verdict();
  EXPECT_FALSE(result.passes);
  ASSERT_NE(result.first(), nullptr);
  EXPECT_EQ(result.first()->node, "one");
  EXPECT_EQ(result.first()->differing, 1);
  const Mismatch& first = *result.first()->first;
  EXPECT_EQ(first.step, 2);
  EXPECT_EQ(first.sample, 1);
  EXPECT_EQ(first.neuron, channels + 3);
  EXPECT_EQ(first.place, "N=1 C=3");
  EXPECT_EQ(first.got, was);
  EXPECT_EQ(first.wanted, 1.0f - was);
  // The membrane, followed here once more.
  float v = 0, h = 0;
  for (Index t = 0; t <= 2; ++t) {
    const auto at = flipped - static_cast<std::size_t>((2 - t) * samples * tokens * channels);
    h = v + (number("node/one.fc", at) - v) / 2.0f;
    v = h >= 0.25f ? 0.0f : h;
  }
  EXPECT_EQ(first.margin, std::abs(h - 0.25f));
  EXPECT_EQ(result.nodes[1].ties, 0);  // not counted in a free run
}

TEST_F(Verify, NodeByNodeReadersFeelTheFlipThatWasRecorded) {
  set("node/one", flipped, 1.0f - number("node/one", flipped));
  const Verification result = verdict(each_node);
  EXPECT_FALSE(result.passes);
  EXPECT_EQ(result.nodes[1].differing, 1);
  EXPECT_EQ(result.nodes[1].compared, steps * samples * tokens * channels - 2);  // steps 3 and 4 do not count
  EXPECT_FALSE(result.nodes[3].first == std::nullopt);                           // the current of the flip
  EXPECT_EQ(result.nodes[3].first->step, 2);
}

TEST_F(Verify, ANearTieIsAllowedOnlyOnRequest) {
  set("node/one", flipped, 1.0f - number("node/one", flipped));
  VerifySettings settings{.tolerance = 100.0f, .tie = 100.0f, .node_by_node = true};
  arrays_.erase("node/two");  // it would read the flip
  EXPECT_EQ(verdict(settings).nodes[1].ties, 1);
  EXPECT_FALSE(verdict(settings).passes);
  settings.allow_ties = true;
  EXPECT_TRUE(verdict(settings).passes);
  settings.tie = 0.0f;
  EXPECT_FALSE(verdict(settings).passes);
}

TEST_F(Verify, SaysWhatItCannotJudge) {
  arrays_.erase("node/one");
  const Verification result = verdict(each_node);
  EXPECT_TRUE(result.passes);
  EXPECT_EQ(result.judged, 2);  // one.fc, and two from its recorded current
  EXPECT_EQ(result.nodes[1].node, "two");
  EXPECT_EQ(result.nodes[2].not_judged, "spikes of 'one' are not recorded");
  arrays_.erase("output/current");
  EXPECT_EQ(verdict(each_node).nodes[1].not_judged, "spikes of 'one' are not recorded");
  EXPECT_TRUE(verdict(each_node).passes);
  arrays_.erase("node/one.fc");
  EXPECT_EQ(verdict(each_node).judged, 0);
  EXPECT_FALSE(verdict(each_node).passes);
}

TEST_F(Verify, HoldsRealNumbersToTheTolerance) {
  set("output/current", 7, number("output/current", 7) + 0.001f);
  const Verification result = verdict();
  EXPECT_FALSE(result.passes);
  EXPECT_NEAR(result.nodes[3].largest_error, 0.001f, 1e-6f);
  EXPECT_EQ(result.nodes[3].first->margin, std::nullopt);
  EXPECT_TRUE(verdict({.tolerance = 0.01f}).passes);
}

TEST_F(Verify, TakesTheAxesOfTheFramework) {
  transpose_last_two("node/one", "node/one");  // clear from the sizes
  EXPECT_TRUE(verdict().passes);
  transpose_last_two("node/two", "node/two@TBDN");
  EXPECT_TRUE(verdict().passes);
  EXPECT_THROW(verdict({}, Layouts::as_is), Error);  // one
  arrays_.erase("node/one.fc");
  arrays_.erase("output/current");
  EXPECT_TRUE(verdict({}, Layouts::channels_first).passes);
}

TEST_F(Verify, TakesPlacesOfAnImageAsTokens) {
  arrays_["node/two@TBHWC"] = arrays_.at("node/two");
  arrays_["node/two@TBHWC"].sizes = {steps, samples, 1, tokens, channels};
  EXPECT_TRUE(verdict().passes);
}

TEST_F(Verify, NamesTheArrayThatDoesNotFit) {
  const Arrays good = arrays_;
  arrays_["node/one"].sizes = {steps, samples, channels * tokens};
  EXPECT_NE(refusal().find("array 'node/one' is [5, 3, 12], wanted [5, 3, 2, 6]"), std::string::npos);
  arrays_ = good;
  arrays_["node/three"] = good.at("node/two");
  EXPECT_NE(refusal().find("array 'node/three': no node or input is named 'three'"), std::string::npos);
  arrays_ = good;
  arrays_["output/z"] = good.at("node/two");
  EXPECT_NE(refusal().find("'two' has no output 'z', it has: y, current"), std::string::npos);
  arrays_ = good;
  arrays_["node/x"] = good.at("x");
  EXPECT_NE(refusal().find("'x' is an input, wanted a node"), std::string::npos);
  arrays_ = good;
  arrays_["logits"] = good.at("node/two");
  EXPECT_NE(refusal().find("array 'logits' is none of"), std::string::npos);
  arrays_ = good;
  arrays_.erase("x");
  EXPECT_NE(refusal().find("no array is named 'x'"), std::string::npos);
  arrays_ = {{"x", good.at("x")}};
  EXPECT_NE(refusal().find("nothing to compare"), std::string::npos);
  arrays_ = good;
  arrays_["node/two@TBQN"] = good.at("node/two");
  EXPECT_NE(refusal().find("axis Q is not in"), std::string::npos);
  arrays_ = good;
  arrays_["node/two@TBN"] = good.at("node/two");
  EXPECT_NE(refusal().find("its order names axis C 0 times"), std::string::npos);
  arrays_ = good;
  set("node/two", 0, std::nanf(""));
  EXPECT_NE(refusal().find("node/two"), std::string::npos);
  arrays_ = good;
  set("node/one", 0, 0.5f);
  EXPECT_NE(refusal(each_node).find("array 'node/one': "), std::string::npos);
}

TEST(VerifyLayouts, RefusesWhatFitsTwoOrders) {
  const Model model = test::model_of(R"(format_version: 1
name: "square"
input { name: "x" per_step: true shape { axis: "N" size: 4 } shape { axis: "C" size: 4 } }
node { name: "s" op: "neuron.lif" in { from: "x" } }
output { name: "s" from: "s" }
)",
                                     {});
  Arrays arrays = random_arrays(model.graph, 1, 2, 1);
  arrays["node/s"] = array_of({2, 1, 4, 4}, std::vector<float>(32));
  const std::string path = testing::TempDir() + fmt::format("verify_square_{}.npz", getpid());
  write_npz(path, arrays);
  const auto read = [&](Layouts layouts) {
    return read_golden(path, test::runtime(), model, layouts, std::nullopt).recordings.size();
  };
  EXPECT_THROW(read(Layouts::automatic), Error);
  EXPECT_EQ(read(Layouts::as_is), 1u);
  EXPECT_EQ(read(Layouts::channels_first), 1u);
  std::filesystem::remove(path);
}

TEST(VerifyDelays, AreRefusedNodeByNode) {
  const Model model = test::model_of(R"(format_version: 1
name: "late"
input { name: "x" per_step: true shape { axis: "C" size: 4 } }
node { name: "s" op: "neuron.lif" in { from: "x" delay: 1 } }
output { name: "s" from: "s" }
)",
                                     {});
  Arrays arrays = random_arrays(model.graph, 1, 2, 1);
  arrays["node/s"] = array_of({2, 1, 4}, std::vector<float>(8));
  const std::string path = testing::TempDir() + fmt::format("verify_late_{}.npz", getpid());
  write_npz(path, arrays);
  const Golden golden = read_golden(path, test::runtime(), model, Layouts::automatic, std::nullopt);
  EXPECT_THROW(verify(test::runtime(), model, golden, each_node), Error);
  EXPECT_EQ(verify(test::runtime(), model, golden, {}).judged, 1);
  std::filesystem::remove(path);
}

TEST(ThresholdDistance, IsOfTheMembraneBeforeTheReset) {
  const std::vector<float> fires_first{3.0f, 1.0f};
  NeuronOp<Lif> lif;  // h = 1.5 fires, then 0 + 1 / 2
  EXPECT_EQ(threshold_distance(lif, fires_first), 0.5f);
  EXPECT_EQ(threshold_distance(lif, std::span(fires_first).first(1)), 0.5f);
  NeuronOp<If> integrate;
  integrate.params().firing.reset = Reset::soft;  // h = 3, v = 2, h = 3
  EXPECT_EQ(threshold_distance(integrate, fires_first), 2.0f);
  integrate.params().firing.reset_time = ResetTime::next;
  EXPECT_EQ(threshold_distance(integrate, fires_first), 2.0f);
  NeuronOp<CubaLif> cuba;  // c = 3, fires; c = 2.5, h = 2.5
  EXPECT_EQ(threshold_distance(cuba, fires_first), 2.0f);
  NeuronOp<Graded> graded;  // h = 3, v = 0, h = 1: the spike is 1 from 0.5 to 1.5
  EXPECT_EQ(threshold_distance(graded, fires_first), 0.5f);
  const std::vector<float> large{9.25f};
  EXPECT_EQ(threshold_distance(graded, large), 5.75f);  // from 3.5 on it is 4
  NeuronOp<Adaptive> adaptive;
  adaptive.params().beta = 0.5f;
  adaptive.params().alpha = 1.0f;  // h = 3, v = 2, h = 3 against 1.5
  EXPECT_EQ(threshold_distance(adaptive, fires_first), 1.5f);
  NeuronOp<Ternary> ternary;
  const std::vector<float> below{-ternary.params().threshold - 0.25f};
  EXPECT_EQ(threshold_distance(ternary, below), 0.25f);
}

}  // namespace
}  // namespace volley
