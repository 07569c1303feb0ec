// Loop orders: step by step, node by node, or step by step without what is silent.
#pragma once

#include "sim/exec/simulation.hpp"
#include "sim/measure/recorder.hpp"

namespace volley {

// stepped: for each step, each node. layered: each node, all steps at once. event_driven: as stepped, but
// nodes that read silence and answer with silence are passed over, and their states take the steps that they
// missed before their next call.
enum class Order : std::uint8_t { stepped, layered, event_driven };
std::string_view name(Order order);
Order order_named(std::string_view name);  // precondition: the name of one

// Steps that a plan for this order takes in one call: 1 or all. Throws Error when a loop forbids the order.
Index chunk_of(const Graph& graph, Order order, Index steps);

struct RunInput {
  std::map<NodeId, Value>
      values;              // of the graph's inputs: all steps (or T = 1 without steps), the batch of the plan
  Index first_sample = 0;  // of this batch in the data
  std::uint64_t seed = 0;
};

// Runs all steps of one batch in the order that the plan was made for; values leave through the recorder.
// State goes on from where the simulation is: reset() it for a new sample. Same bits and same costs from all
// orders, on every model.
void run(Simulation& simulation, const RunInput& input, Recorder& recorder);

}  // namespace volley
