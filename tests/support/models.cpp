// Small models and their runs, for tests of executors.
#include "tests/support/models.hpp"

#include "sim/io/graph_proto.hpp"
#include "tests/support/random_values.hpp"
#include "tests/support/run_op.hpp"

namespace volley::test {

const Runtime& runtime() {
  static const Runtime instance = make_runtime();
  return instance;
}

Model model_of(const std::string& graph_text, const Weights& weights, Folding folding) {
  return make_model(runtime(), {parse_graph_text(graph_text, "test"), weights}, folding);
}

WeightTensor random_weight(std::vector<Index> sizes, std::uint64_t seed) {
  const Index count = *checked_count(sizes);
  return {std::move(sizes), random_numbers(count, seed, 64)};
}

Result run_all(const Model& model, const InputData& data, RunSettings settings, Watch watch) {
  std::set<Port> wanted;
  for (const GraphOutput& output : model.graph.outputs()) {
    wanted.insert(output.from);
  }
  for (const NodeId node : model.graph.order()) {
    const Operator& op = model.graph.op(node);
    if (watch == Watch::spikes && op.kind().starts_with("neuron.")) {
      wanted.insert({node, 0});
    }
    for (std::size_t output = 0; watch == Watch::everything && output < op.output_names().size(); ++output) {
      wanted.insert({node, output});
    }
  }
  settings.recorded = wanted;
  Collector collector(wanted, settings.first, settings.end.value_or(data.samples()) - settings.first);
  Ledger ledger;
  Recorders both({&collector, &ledger});
  run_model(runtime(), model, data, settings, both, [](Index, Index) {});
  Result result{collector.values(), {}, {}};
  for (const auto& [node, entry] : ledger.nodes()) {
    for (const StepEntry& step : entry.steps) {
      result.costs[node].push_back(step.cost);
      result.spikes[node].push_back(step.spikes_out);
    }
  }
  return result;
}

testing::AssertionResult same(const Result& got, const Result& wanted) {
  for (const auto& [port, value] : wanted.values) {
    if (!got.values.contains(port)) {
      return testing::AssertionFailure() << "no value of node " << port.node;
    }
    const auto equal = same(Value(got.values.at(port)), Value(value));
    if (!equal) {
      return testing::AssertionFailure()
             << "node " << port.node << " output " << port.output << ": " << equal.message();
    }
  }
  if (got.costs != wanted.costs) {
    return testing::AssertionFailure() << "costs differ";
  }
  if (got.spikes != wanted.spikes) {
    return testing::AssertionFailure() << "spike counts differ";
  }
  return testing::AssertionSuccess();
}

}  // namespace volley::test
