// Events with time stamps through a graph: features, concatenation, masked attention, in both executors.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/models.hpp"
#include "tests/support/random_values.hpp"
#include "tests/support/run_op.hpp"

namespace volley::test {
namespace {

std::string node(const std::string& name, const std::string& op, const std::vector<std::string>& inputs,
                 const std::string& rest = {}) {
  std::string text = "node { name: '" + name + "' op: '" + op + "' ";
  for (const std::string& input : inputs) {
    text += "in { from: '" + input + "' } ";
  }
  return text + rest + " }\n";
}

std::string weight(const std::string& slot, const std::string& tensor) {
  return "weight { slot: '" + slot + "' tensor: '" + tensor + "' } ";
}

std::string input(const std::string& name, const std::string& tokens, const std::string& channels) {
  return "input { name: '" + name + "' per_step: true shape { axis: 'N' size: " + tokens +
         " } shape { axis: 'C' size: " + channels + " } }\n";
}

// x_i = [embedding; Phi(target - t_i)], causal attention over the events that are not padding.
Model event_model() {
  return model_of("format_version: 1 name: 'events' weights: 'w.safetensors'\n" +
                      input("embedding", "5", "2") + input("stamps", "5", "1") + input("target", "1", "1") +
                      input("mask", "5", "1") +
                      node("phi", "time.bochner", {"stamps", "target"},
                           weight("sin_exponent", "p") + weight("cos_exponent", "p") +
                               "attr { name: 'time_ref' text: 'target_span' }") +
                      node("x", "merge.concat", {"embedding", "phi"}) +
                      node("q", "linear", {"x"}, weight("weight", "w")) +
                      node("a", "attention.softmax", {"q", "x", "x", "mask"},
                           "attr { name: 'heads' number: 2 } attr { name: 'mask' text: 'causal' }") +
                      "output { name: 'a' from: 'a' } output { name: 'score' from: 'a:score' }",
                  {{"w", random_weight({6, 6}, 1)}, {"p", random_weight({2}, 2)}});
}

TEST(TimeAttention, IsTheSameInBothExecutorsAndAtAnyBatch) {
  const Model model = event_model();
  Arrays arrays = random_arrays(model.graph, 3, 2, 5);
  auto& mask = arrays.at("mask").bytes;
  std::fill_n(mask.begin(), 7 * sizeof(float),
              std::byte{0});  // a whole step of a sample, and two events more
  const InputData data{model.graph, arrays, {}, "random"};
  RunSettings settings;
  settings.batch = 1;
  settings.order = Order::stepped;
  const Result wanted = run_all(model, data, settings);
  for (const Order order : {Order::stepped, Order::layered}) {
    for (const Index batch : {1, 2, 3}) {
      settings.order = order;
      settings.batch = batch;
      EXPECT_TRUE(same(run_all(model, data, settings), wanted)) << name(order) << " batch " << batch;
    }
  }
  // Allowed pairs of 3 samples, 2 steps and 2 heads: 15 each, less 15 of the silent step and 5 + 4 of two
  // keys.
  Index mac = 0;
  for (const Cost& cost : wanted.costs.at(*model.graph.find("a"))) {
    mac += cost.mac;
  }
  EXPECT_EQ(mac, 2 * 3 * 2 * (6 * 15 - 15 - 9));
  const auto out = wanted.values.at({*model.graph.find("a"), 0}).as<float>();
  EXPECT_EQ(std::count(out.begin(), out.end(), 0.0f), (5 + 2) * 6);  // queries without any key
}

}  // namespace
}  // namespace volley::test
