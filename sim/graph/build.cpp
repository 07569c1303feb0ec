// From the text of a file to a graph: every mistake that needs no shapes is found here.
#include <set>

#include "sim/base/check.hpp"
#include "sim/base/log.hpp"
#include "sim/graph/graph.hpp"

namespace volley {
namespace {

void set_weights(Operator& op, const NodeDescription& node, const Weights& weights,
                 std::set<std::string>& used) {
  const auto slots = op.weight_slots();
  for (const auto& named : node.weights) {
    const std::string& slot = named.first;
    const std::string& tensor = named.second;
    const bool known =
        std::any_of(slots.begin(), slots.end(), [&](const WeightSlot& entry) { return entry.name == slot; });
    VOLLEY_CHECK(known, Fault::model, "{} '{}': unknown weight '{}'", op.kind(), node.name, slot);
    const auto at = weights.find(tensor);
    VOLLEY_CHECK(at != weights.end(), Fault::model,
                 "{} '{}': weight '{}' is missing: the weights file has no '{}'", op.kind(), node.name, slot,
                 tensor);
    used.insert(tensor);
    with_node_name(op, node.name, [&] { op.set_weight(slot, at->second.sizes, at->second.numbers); });
  }
  for (const WeightSlot& slot : slots) {
    VOLLEY_CHECK(slot.need == Need::optional || node.weights.contains(std::string(slot.name)), Fault::model,
                 "{} '{}': weight '{}' is missing", op.kind(), node.name, slot.name);
  }
}

std::unique_ptr<Operator> make_op(const NodeDescription& node, const Weights& weights,
                                  const Registry& registry, std::set<std::string>& used) {
  VOLLEY_CHECK(registry.has(node.op), Fault::model, "node '{}': unknown op '{}', did you mean '{}'?",
               node.name, node.op, registry.nearest(node.op));
  auto op = registry.make(node.op);
  parse_params(*op, node.name, node.attributes);
  set_weights(*op, node, weights, used);
  const auto [least, most] = op->arity();
  VOLLEY_CHECK(node.in.size() >= least && node.in.size() <= most, Fault::model,
               "{} '{}': has {} inputs, wanted {}", op->kind(), node.name, node.in.size(),
               least == most ? fmt::format("{}", least) : fmt::format("{} to {}", least, most));
  return op;
}

void check_name(const Graph& graph, const std::string& name) {
  VOLLEY_CHECK(!name.empty() && name.find_first_of(": \t\n") == std::string::npos, Fault::model,
               "'{}' is not a name, wanted one without spaces and colons", name);
  VOLLEY_CHECK(!graph.find(name), Fault::model, "two nodes or inputs are named '{}'", name);
}

}  // namespace

Graph build_graph(const Description& description, const Weights& weights, const Registry& registry) {
  Graph graph;
  graph.name = description.name;
  std::set<std::string> used;
  for (const InputDescription& input : description.inputs) {
    check_name(graph, input.name);
    graph.add_node(input.name, std::make_unique<InputOp>(input));
  }
  for (const NodeDescription& node : description.nodes) {
    check_name(graph, node.name);
    graph.add_node(node.name, make_op(node, weights, registry, used));
  }
  for (const NodeDescription& node : description.nodes) {
    const NodeId id = *graph.find(node.name);
    for (std::size_t slot = 0; slot < node.in.size(); ++slot) {
      const EdgeDescription& edge = node.in[slot];
      VOLLEY_CHECK(edge.delay >= 0, Fault::model, "{} '{}': delay of '{}' is {}, wanted 0 or more", node.op,
                   node.name, edge.from, edge.delay);
      InEdge in{graph.port(edge.from, fmt::format("{} '{}'", node.op, node.name)), edge.delay, std::nullopt};
      if (!edge.loop_type.empty()) {
        in.loop_type = edge.loop_type.front();
      }
      graph.connect(id, slot, in);
    }
  }
  VOLLEY_CHECK(!description.outputs.empty(), Fault::model, "the graph '{}' has no output", description.name);
  std::set<std::string> output_names;
  for (const OutputDescription& output : description.outputs) {
    VOLLEY_CHECK(!output.name.empty() && output_names.insert(output.name).second, Fault::model,
                 "the output '{}' is there twice or has no name", output.name);
    graph.add_output({output.name, graph.port(output.from, fmt::format("output '{}'", output.name))});
  }
  for (const auto& [name, tensor] : weights) {
    if (!used.contains(name)) {
      log::warn("the weights file holds '{}', which no node uses", name);
    }
  }
  (void)graph.order();
  return graph;
}

}  // namespace volley
