// Makes readouts over T running.
#include "models/early_readout.hpp"

#include <algorithm>

#include "sim/base/check.hpp"
#include "sim/ops/encode.hpp"
#include "sim/ops/readout.hpp"

namespace volley {
namespace {

bool is_running(const Operator& op) {
  const auto* mean = dynamic_cast<const ReadoutMean*>(&op);
  return mean != nullptr && mean->is_running();
}

// Of every node: does it stand behind a running readout?
std::vector<bool> behind_readout(const Graph& graph) {
  std::vector<bool> behind(graph.size(), false);
  for (const NodeId node : graph.order()) {
    for (const InEdge& edge : graph.in_edges(node)) {
      behind[node] = behind[node] || behind[edge.from.node] || is_running(graph.op(edge.from.node));
    }
  }
  return behind;
}

void check_op(const Operator& op, const std::string& name) {
  VOLLEY_CHECK(op.time_role() != TimeRole::gather, Fault::model,
               "{} '{}': gathers the steps, and only readout.mean can do so step by step", op.kind(), name);
  VOLLEY_CHECK(op.time_use() != TimeUse::window, Fault::model,
               "{} '{}': a step needs steps to come, so no shorter run is part of a longer one", op.kind(),
               name);
  VOLLEY_CHECK(op.kind() != EncodeLatency::op_kind, Fault::model,
               "{} '{}': its spikes depend on T, so no shorter run is part of a longer one", op.kind(), name);
}

}  // namespace

BuiltModel early_readout(const BuiltModel& plain, const Registry& registry) {
  BuiltModel early = plain;
  bool is_found = false;
  for (NodeDescription& node : early.description.nodes) {
    if (node.op != ReadoutMean::op_kind) {
      continue;
    }
    ReadoutMean op;
    parse_params(op, node.name, node.attributes);
    if (op.sums_steps()) {
      node.attributes["running"] = true;
      is_found = true;
    }
  }
  VOLLEY_CHECK(is_found, Fault::model, "the graph '{}' has no readout.mean over T", plain.description.name);
  const Graph graph = build_graph(early.description, early.weights, registry);
  const std::vector<bool> behind = behind_readout(graph);
  for (const NodeId node : graph.order()) {
    const Operator& op = graph.op(node);
    check_op(op, graph.node_name(node));
    VOLLEY_CHECK(!behind[node] || op.time_use() == TimeUse::none, Fault::model,
                 "{} '{}': stands behind the readout and remembers, so it can't answer in each step",
                 op.kind(), graph.node_name(node));
  }
  return early;
}

double ShorterRun::rate() const {
  return neurons > 0 ? static_cast<double>(spikes) / static_cast<double>(neurons) : 0.0;
}

std::vector<ShorterRun> shorter_runs(const Graph& early, const Ledger& ledger, Index steps) {
  const std::vector<bool> behind = behind_readout(early);
  std::vector<ShorterRun> runs;
  for (Index count = 1; count <= steps; ++count) {
    ShorterRun run;
    run.steps = count;
    for (const auto& [node, entry] : ledger.nodes()) {
      const std::size_t end = std::min(entry.steps.size(), static_cast<std::size_t>(count));
      for (std::size_t t = behind[node] && end > 0 ? end - 1 : 0; t < end; ++t) {
        const StepEntry& step = entry.steps[t];
        run.cost += step.cost;
        if (step.cost.neuron > 0) {
          run.spikes += step.spikes_out;
          run.neurons += step.elements_out;
        }
      }
    }
    runs.push_back(run);
  }
  return runs;
}

}  // namespace volley
