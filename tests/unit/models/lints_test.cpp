// Each finding is found where it is and nowhere else; proven numbers hold in a run.
#include "models/lints.hpp"

#include <gtest/gtest.h>

#include "models/number_rules.hpp"
#include "sim/io/graph_proto.hpp"
#include "tests/support/models.hpp"

namespace volley {
namespace {

using test::model_of;

const std::string head =
    "format_version: 1 name: 't' weights: 'w.safetensors' "
    "input { name: 'x' per_step: true form: BINARY shape { axis: 'N' size: 2 } shape { axis: 'C' size: 4 } } "
    "input { name: 'p' form: DENSE shape { axis: 'N' size: 2 } shape { axis: 'C' size: 4 } } ";

std::string linear(const std::string& name, const std::string& from, const std::string& weight = "w") {
  return "node { name: '" + name + "' op: 'linear' in { from: '" + from +
         "' } weight { slot: 'weight' tensor: '" + weight + "' } } ";
}

std::string lif(const std::string& name, const std::string& from, const std::string& more = "") {
  return "node { name: '" + name + "' op: 'neuron.lif' in { from: '" + from + "' } " + more + "} ";
}

const std::string ends_at_y =
    "output { name: 'y' from: 'y' } output { name: 'x' from: 'x' } output { name: 'p' from: 'p' }";

// "code node" of each lint, T = 4.
std::vector<std::string> found(const std::string& nodes, const std::string& outputs = ends_at_y) {
  const Weights weights{
      {"w", {{4, 4}, std::vector<float>(16, 0.5f)}},
      {"one", {{1, 4}, std::vector<float>(4, 0.5f)}},
      {"half_silent", {{4, 4}, {2, 2, 2, 2, 2, 2, 2, 2, .1f, .1f, .1f, .1f, -1, -1, -1, -1}}}};
  const Model model = model_of(head + nodes + outputs, weights);
  std::vector<std::string> all;
  for (const Lint& lint : find_lints(test::runtime(), model.graph, 4)) {
    EXPECT_FALSE(lint.finding.empty());
    all.push_back(lint.code + " " + lint.node);
  }
  return all;
}

using Found = std::vector<std::string>;

TEST(Lints, AModelOfSpikesHasNone) {
  EXPECT_EQ(found(linear("a", "x") + lif("s", "a") + linear("b", "s") + lif("y", "b")), Found{});
}

TEST(Lints, ANeuronThatRunsOverTheBatch) {
  EXPECT_EQ(found(linear("a", "x") + "node { name: 'y' op: 'neuron.lif_over_batch' in { from: 'a' } } "),
            (Found{"lif_over_batch y"}));
}

TEST(Lints, QuirksThatAnImportWroteDown) {
  const auto lints =
      quirk_lints({{"family", "qkformer-cifar"}, {"quirk proj-lif-over-batch", "not followed"}});
  ASSERT_EQ(lints.size(), 1u);
  EXPECT_EQ(lints[0].code, "published_quirk");
  EXPECT_EQ(lints[0].finding,
            "proj-lif-over-batch of the authors' code: not followed; see volley import --compat");
}

TEST(Lints, ALayerThatSeesIntegers) {
  EXPECT_EQ(found(linear("a", "x") + lif("s", "a") +
                  "node { name: 'r' op: 'merge.add' in { from: 's' } in { from: 'x' } } " + linear("b", "r") +
                  lif("y", "b")),
            (Found{"integer_input b"}));
}

TEST(Lints, AHeadThatMultiplies) {
  EXPECT_EQ(found(linear("a", "x") + lif("s", "a") +
                  "node { name: 'm' op: 'readout.mean' in { from: 's' } attr { name: 'axes' text: 'T' } } " +
                  linear("y", "m")),
            (Found{"mac_head y"}));
}

TEST(Lints, ALayerInsideThatReadsRealNumbers) {
  EXPECT_EQ(found(linear("a", "x") + lif("s", "a") + linear("b", "s") + linear("c", "b") + lif("y", "c")),
            (Found{"real_input c"}));
}

TEST(Lints, AFirstLayerThatMultipliesOnceOrInEachStep) {
  const std::string encode = "node { name: 'e' op: 'encode.direct' in { from: ";
  EXPECT_EQ(found(linear("a", "p") + encode + "'a' } } " + lif("y", "e")), (Found{"mac_first_layer a"}));
  EXPECT_EQ(found(encode + "'p' } } " + linear("a", "e") + lif("y", "a")), (Found{"repeated_first_layer a"}));
}

TEST(Lints, TheSecondProductOfAttention) {
  const std::string ssa =
      "node { name: 'att' op: 'attention.ssa' in { from: 'x' } in { from: 'x' } in { from: 'x' } "
      "attr { name: 'heads' number: 1 } attr { name: 'scale' number: 1 } } ";
  EXPECT_EQ(found(ssa + lif("y", "att")), (Found{"integer_attention att"}));
}

std::string attention(const std::string& op, const std::string& inputs, const std::string& more = "") {
  return "node { name: 'att' op: 'attention." + op + "' " + inputs + " attr { name: 'heads' number: 1 } " +
         more + "} ";
}

TEST(Lints, TheSecondProductOfAttentionOverSteps) {
  const std::string inputs = "in { from: 'x' } in { from: 'x' } in { from: 'x' }";
  EXPECT_EQ(found(attention("statten", inputs, "attr { name: 'scale' number: 1 } ") + lif("y", "att")),
            (Found{"integer_attention att"}));
}

TEST(Lints, AttentionThatMultipliesRealNumbersBehindANeuron) {
  const std::string before = linear("a", "x") + lif("s", "a");
  const std::string current = before + linear("c", "s");
  const std::string all = "in { from: 's' } in { from: 's' } in { from: 'c' } ";
  const std::string rule = "attr { name: 'rule' text: ";
  const std::string normalise = "attr { name: 'normalise' text: ";
  const Found real{"real_attention att"};
  EXPECT_EQ(found(current + attention("softmax", all) + lif("y", "att")), real);
  EXPECT_EQ(found(current +
                  "node { name: 'm' op: 'linear' in { from: 's' } weight { slot: 'weight' tensor: "
                  "'one' } } " +
                  attention("softmax", all + "in { from: 'm' }") + lif("y", "att")),
            real);  // with a mask of keys
  EXPECT_EQ(found(current + attention("bipolar", all) + lif("y", "att")), Found{});
  EXPECT_EQ(found(current + attention("bipolar", all, normalise + "'softmax' } ") + lif("y", "att")), real);
  EXPECT_EQ(found(current + attention("bipolar", all, normalise + "'none' } ") + lif("y", "att")), real);
  EXPECT_EQ(found(current + attention("select", all) + lif("y", "att")), Found{});
  EXPECT_EQ(found(current + attention("select", all, rule + "'constant' } ") + lif("y", "att")), real);
  const std::string logits = current +
                             "node { name: 'm' op: 'linear' in { from: 's' } weight { slot: 'weight' "
                             "tensor: 'one' } } ";
  EXPECT_EQ(found(logits + attention("cat", "in { from: 'm' } in { from: 'c' }") + lif("y", "att")), real);
  EXPECT_EQ(found(before +
                  "node { name: 'm' op: 'linear' in { from: 's' } weight { slot: 'weight' tensor: "
                  "'one' } } " +
                  attention("cat", "in { from: 'm' } in { from: 's' }") +
                  lif("y", "att", "attr { name: 'threshold' number: 0.5 } ")),
            Found{});  // of spikes: additions
}

TEST(Lints, ThresholdsOfAttentionAreNeuronsToo) {
  const std::string running = "node { name: 'r' op: 'attention.running_spikes' in { from: 'a' } } ";
  EXPECT_EQ(found(linear("a", "p") + running + linear("b", "r") +
                  "node { name: 'y' op: 'neuron.lif' in { from: 'b' } } "),
            (Found{"mac_first_layer a"}));
}

TEST(Lints, AThresholdThatNothingReaches) {
  // 4 inputs of at most 1 at 0.5: the membrane of tau 2 tends to 2.
  EXPECT_EQ(found(linear("a", "x") + lif("y", "a", "attr { name: 'threshold' number: 1.8 } ")), Found{});
  EXPECT_EQ(found(linear("a", "x") + lif("y", "a", "attr { name: 'threshold' number: 1.9 } ")),
            (Found{"unreachable_threshold y"}));  // 2 (1 - 2^-4) = 1.875 in 4 steps
  EXPECT_EQ(found(linear("a", "x", "half_silent") + lif("y", "a")), (Found{"unreachable_threshold y"}));
}

TEST(Lints, ANodeThatNobodyReads) {
  EXPECT_EQ(found(linear("a", "x") + lif("y", "a") + lif("z", "a")), (Found{"unread z"}));
}

// Every value of a run lies in the set that is proven for it.
void expect_proven(const std::string& spec, const std::string& inputs) {
  const Model model = spec.empty() ? model_of(inputs, {{"w", test::random_weight({4, 4}, 3)}})
                                   : load_model(test::runtime(), std::string(VOLLEY_SOURCE_DIR) + "/" + spec);
  const InputData data(model.graph, random_arrays(model.graph, 5, 4, 11), {}, "random");
  const auto sets = infer_numbers(model.graph, number_rules(), 4);
  const test::Result result = test::run_all(model, data, {});
  Index held = 0;
  for (const auto& [port, value] : result.values) {
    const NumberSet& set = sets[port.node][port.output];
    const auto look = [&](double number) {
      ASSERT_TRUE(set.holds(number)) << model.graph.port_name(port) << " carries " << number << ", not in "
                                     << text(set);
      ++held;
    };
    if (value.dtype() == Dtype::f32) {
      for (const float number : value.as<float>()) {
        look(static_cast<double>(number));
      }
    } else if (value.dtype() == Dtype::i32) {
      for (const std::int32_t number : value.as<std::int32_t>()) {
        look(number);
      }
    } else {
      for (const std::int8_t number : value.as<std::int8_t>()) {
        look(number);
      }
    }
  }
  EXPECT_GT(held, 100);
}

TEST(ProvenNumbers, HoldInTheRunsOfTrainedModels) {
  expect_proven("examples/digits/ssa.txtpb", "");
  expect_proven("examples/digits/bsa.txtpb", "");
  expect_proven("examples/digits/dense.txtpb", "");
}

TEST(ProvenNumbers, HoldInAGraphOfManyOperators) {
  expect_proven(
      "", head + "node { name: 'r' op: 'merge.add' in { from: 'x' } in { from: 'x' } } " + linear("a", "r") +
              lif("s", "a") +
              "node { name: 'm' op: 'merge.multiply' in { from: 's' } in { from: 'a' } } "
              "node { name: 'n' op: 'readout.mean' in { from: 'r' } attr { name: 'axes' text: 'T N' } } "
              "node { name: 'u' op: 'relu' in { from: 'a' } } "
              "node { name: 'q' op: 'readout.max' in { from: 'r' } } "
              "output { name: 'm' from: 'm' } output { name: 'n' from: 'n' } output { name: 'u' from: 'u' } "
              "output { name: 'q' from: 'q' } output { name: 'p' from: 'p' }");
}

}  // namespace
}  // namespace volley
