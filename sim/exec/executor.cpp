// The loop over steps and nodes. One step in a call: stepped, event_driven. All steps: layered.
#include "sim/exec/executor.hpp"

#include <algorithm>
#include <array>

#include "sim/base/check.hpp"
#include "sim/exec/node_runner.hpp"

namespace volley {

namespace {

constexpr std::array<std::string_view, 3> names{"stepped", "layered", "event_driven"};

}  // namespace

std::string_view name(Order order) {
  return names[static_cast<std::size_t>(order)];
}

Order order_named(std::string_view name) {
  const auto at = std::find(names.begin(), names.end(), name);
  VOLLEY_ASSERT(at != names.end());
  return static_cast<Order>(at - names.begin());
}

Index chunk_of(const Graph& graph, Order order, Index steps) {
  if (order != Order::layered) {
    return 1;
  }
  const auto loop = graph.loop();
  VOLLEY_CHECK(loop.empty(), Fault::usage,
               "the layered executor can't run the loop through '{}'; use stepped or event_driven",
               graph.node_name(loop.front()));
  return steps;
}

void run(Simulation& simulation, const RunInput& input, Recorder& recorder) {
  const PlanOptions& options = simulation.plan().options();
  NodeRunner runner(simulation, input, recorder);
  runner.run_all(Domain::before, {0, 1, 1});
  for (Index t = 0; t < options.steps; t += options.chunk) {
    runner.begin_steps();
    runner.run_all(Domain::steps, {t, options.chunk, options.steps});
    runner.end_steps();
  }
  runner.run_all(Domain::after, {0, 1, 1});
  runner.settle();
}

}  // namespace volley
