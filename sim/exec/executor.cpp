// The loop over steps and nodes. One step in a call: stepped. All steps in a call: layered.
#include "sim/exec/executor.hpp"

#include "sim/base/check.hpp"
#include "sim/exec/node_runner.hpp"

namespace volley {

std::string_view name(Order order) {
  return order == Order::stepped ? "stepped" : "layered";
}

Index chunk_of(const Graph& graph, Order order, Index steps) {
  if (order == Order::stepped) {
    return 1;
  }
  const auto loop = graph.loop();
  VOLLEY_CHECK(loop.empty(), Fault::usage,
               "the layered executor can't run the loop through '{}'; use stepped",
               graph.node_name(loop.front()));
  return steps;
}

void run(Simulation& simulation, const RunInput& input, Recorder& recorder) {
  const PlanOptions& options = simulation.plan().options();
  NodeRunner runner(simulation, input, recorder);
  const auto run_all = [&](Domain domain, StepRange steps) {
    for (const PlannedNode& node : simulation.plan().nodes()) {
      if (node.runs == domain) {
        runner.run(node, steps);
      }
    }
  };
  run_all(Domain::before, {0, 1, 1});
  for (Index t = 0; t < options.steps; t += options.chunk) {
    runner.begin_steps();
    run_all(Domain::steps, {t, options.chunk, options.steps});
    runner.end_steps();
  }
  run_all(Domain::after, {0, 1, 1});
}

}  // namespace volley
