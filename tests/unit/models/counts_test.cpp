// Conventions on whole models and on the attention of the table in docs/counting.md.
#include <gtest/gtest.h>

#include "attention/spike_attention.hpp"
#include "sim/measure/convention_ledger.hpp"
#include "tests/support/models.hpp"
#include "tests/support/random_values.hpp"

namespace volley::test {
namespace {

std::vector<const Convention*> all_conventions() {
  std::vector<const Convention*> all;
  for (const Convention& convention : conventions()) {
    all.push_back(&convention);
  }
  return all;
}

struct Counted {
  Ledger ledger;
  ConventionLedger conventions{all_conventions()};
};

Counted counted(const Model& model, RunSettings settings) {
  Counted result;
  Recorders both({&result.ledger, &result.conventions});
  const InputData data(model.graph, random_arrays(model.graph, settings.end.value_or(2), 4, 1), {}, "random");
  run_model(runtime(), model, data, settings, both, [](Index, Index) {});
  return result;
}

// Of each node and step: the executed count, which stands first, is what the engine's cost says.
void expect_executed_is_the_cost(const Counted& got) {
  std::map<std::pair<NodeId, Index>, Tally> executed;
  for (const auto& row : got.conventions.rows()) {
    executed[{row.node, row.step}] += row.counts[0];
  }
  Index nodes = 0;
  for (const auto& [node, entry] : got.ledger.nodes()) {
    for (std::size_t t = 0; t < entry.steps.size(); ++t) {
      const Tally tally = executed[{node, static_cast<Index>(t)}];
      EXPECT_EQ(tally.ac, entry.steps[t].cost.ac) << "node " << node << " step " << t;
      EXPECT_EQ(tally.mac, entry.steps[t].cost.mac) << "node " << node << " step " << t;
      nodes += tally.counted > 0 ? 1 : 0;
    }
  }
  EXPECT_GT(nodes, 4);
}

class CountsOf : public testing::TestWithParam<std::string> {};

TEST_P(CountsOf, ExecutedEqualsTheCostOfEachNodeAndStep) {
  const Model model = load_model(runtime(), GetParam());
  RunSettings settings;
  settings.end = 3;
  settings.batch = 2;
  expect_executed_is_the_cost(counted(model, settings));
}

TEST_P(CountsOf, DontDependOnBatchOrOrder) {
  const Model model = load_model(runtime(), GetParam());
  RunSettings settings;
  settings.end = 3;
  const auto wanted = counted(model, settings).conventions.rows();
  settings.batch = 1;
  settings.order = Order::stepped;
  const auto got = counted(model, settings).conventions.rows();
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    for (std::size_t c = 0; c < got[i].counts.size(); ++c) {
      EXPECT_EQ(got[i].counts[c].ac, wanted[i].counts[c].ac);
      EXPECT_EQ(got[i].counts[c].mac, wanted[i].counts[c].mac);
      EXPECT_EQ(got[i].counts[c].ac_by_rate, wanted[i].counts[c].ac_by_rate);
    }
  }
}

const std::string digits = std::string(VOLLEY_SOURCE_DIR) + "/examples/digits/";
INSTANTIATE_TEST_SUITE_P(Models, CountsOf,
                         testing::Values("spikformer:dim=32,heads=4,depth=1,image=16",
                                         "spikformer:variant=imagenet,dim=32,heads=4,depth=1,image=32",
                                         digits + "ssa.txtpb", digits + "bsa.txtpb", digits + "dense.txtpb"));

// The attention of Spikingformer-8-512 at the mean rates of its log: one product, eight ways to count it.
class AttentionCounts : public testing::Test {
 protected:
  static constexpr Index steps = 4, heads = 8, tokens = 196, width = 64;

  // Additions and multiplications of a convention over all steps, against those of the dense product q k^T v.
  static double of_dense(const std::string& order, std::string_view id) {
    SpikeAttention op;
    parse_params(op, "attn", {{"heads", static_cast<double>(heads)}, {"order", order}});
    const Shape shape{{Axis::T, steps}, {Axis::B, 1}, {Axis::N, tokens}, {Axis::C, heads * width}};
    const std::vector<Value> in{random_spikes(shape, binary_code(), 0.092, 1),
                                random_spikes(shape, binary_code(), 0.037, 2),
                                random_spikes(shape, binary_code(), 0.074, 3)};
    ConventionLedger ledger({find_convention(id)});
    for (Index t = 0; t < steps; ++t) {
      const std::vector<Value> step{steps_of(in[0], t, 1), steps_of(in[1], t, 1), steps_of(in[2], t, 1)};
      ledger.on_products(0, t, 0, op.products(step));
    }
    double sum = 0;
    for (const auto& row : ledger.rows()) {
      sum += row.counts[0].all_ac() + row.counts[0].all_mac();
    }
    return sum / (2.0 * steps * heads * tokens * tokens * width);
  }
};

TEST_F(AttentionCounts, AreThoseOfTheTable) {
  const double two_percent = 0.02;
  const std::vector<std::tuple<std::string, std::string_view, double>> table{
      {"qk_v", "dense_mac", 157.35},  {"q_kv", "dense_mac", 51.38},   {"qk_v", "executed", 13.07},
      {"qk_v", "spikingjelly", 6.06}, {"q_kv", "executed", 3.33},     {"q_kv", "papers", 3.33},
      {"qk_v", "papers", 3.33},       {"q_kv", "spikingjelly", 2.45}, {"qk_v", "coincidence", 1.40},
      {"q_kv", "coincidence", 1.05}};
  for (const auto& [order, id, millions] : table) {
    const double wanted = millions / 157.35;
    EXPECT_NEAR(of_dense(order, id), wanted, two_percent * wanted) << order << " " << id;
  }
}

}  // namespace
}  // namespace volley::test
