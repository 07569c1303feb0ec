// Passes over a graph.
#include "sim/graph/passes.hpp"

#include <numeric>

#include "sim/base/check.hpp"
#include "sim/op/roundable.hpp"
#include "sim/op/window.hpp"

namespace volley {
namespace {

ValueSpec spec_of_loop(const TypeDescription& type, Index batch, Index steps) {
  return InputOp({"", type, true}).spec(batch, steps);
}

// Specs of what a node reads. A loop edge whose source is not known yet takes the type that the file gives.
std::vector<ValueSpec> specs_in(const Graph& graph, NodeId node,
                                const std::vector<std::vector<ValueSpec>>& specs, Index batch, Index steps) {
  std::vector<ValueSpec> in;
  for (const InEdge& edge : graph.in_edges(node)) {
    if (!specs[edge.from.node].empty()) {
      in.push_back(specs[edge.from.node][edge.from.output]);
      continue;
    }
    VOLLEY_CHECK(edge.loop_type.has_value(), Fault::model,
                 "{} '{}': the edge from '{}' closes a loop, so it must say its shape and form",
                 graph.op(node).kind(), graph.node_name(node), graph.port_name(edge.from));
    in.push_back(spec_of_loop(*edge.loop_type, batch, steps));
  }
  return in;
}

void check_loop_types(const Graph& graph, const std::vector<std::vector<ValueSpec>>& specs, Index batch,
                      Index steps) {
  for (const NodeId node : graph.order()) {
    for (const InEdge& edge : graph.in_edges(node)) {
      if (!edge.loop_type) {
        continue;
      }
      const ValueSpec declared = spec_of_loop(*edge.loop_type, batch, steps);
      const ValueSpec& real = specs[edge.from.node][edge.from.output];
      VOLLEY_CHECK(declared == real, Fault::model,
                   "{} '{}': the loop edge from '{}' says {}, but it carries {}", graph.op(node).kind(),
                   graph.node_name(node), graph.port_name(edge.from), text(declared), text(real));
    }
  }
}

std::vector<ValueSpec> infer_node(const Graph& graph, NodeId node, std::span<const ValueSpec> in, Index batch,
                                  Index steps) {
  const Operator& op = graph.op(node);
  if (const auto* input = dynamic_cast<const InputOp*>(&op)) {
    return {input->spec(batch, steps)};
  }
  return with_node_name(op, graph.node_name(node), [&] {
    for (std::size_t slot = 0; slot < in.size(); ++slot) {
      VOLLEY_CHECK(op.wanted_form(slot, in) == in[slot].form, Fault::model,
                   "input {} is {}, and no conversion to what it wants exists", slot, text(in[slot]));
    }
    return op.infer(in, steps);
  });
}

// The smallest T that every window of the graph divides.
Index least_steps(const Graph& graph) {
  constexpr Index most = Index{1} << 20;  // windows are checked by their operators: the next multiple fits
  Index steps = 1;
  for (const NodeId node : graph.order()) {
    if (const auto* windowed = dynamic_cast<const Windowed*>(&graph.op(node))) {
      steps = std::lcm(steps, windowed->window());
    }
    VOLLEY_CHECK(steps <= most, Fault::model,
                 "{} '{}': T must be a multiple of {} to hold whole windows of all nodes, wanted at most {}",
                 graph.op(node).kind(), graph.node_name(node), steps, most);
  }
  return steps;
}

}  // namespace

std::string_view name(Domain domain) {
  switch (domain) {
    case Domain::before:
      return "before the steps";
    case Domain::steps:
      return "in each step";
    case Domain::after:
      return "after the last step";
  }
  return "?";
}

std::vector<Domain> infer_domains(const Graph& graph) {
  std::vector<Domain> domains(graph.size(), Domain::before);
  std::vector<bool> known(graph.size(), false);
  for (const NodeId node : graph.order()) {
    known[node] = true;
    const Operator& op = graph.op(node);
    if (const auto* input = dynamic_cast<const InputOp*>(&op)) {
      domains[node] = input->description().per_step ? Domain::steps : Domain::before;
      continue;
    }
    Domain in = Domain::before;
    bool has_steps = false;
    bool has_others = false;
    for (const InEdge& edge : graph.in_edges(node)) {
      const Domain from = edge.loop_type || !known[edge.from.node] ? Domain::steps : domains[edge.from.node];
      in = std::max(in, from);
      (from == Domain::steps ? has_steps : has_others) = true;
      VOLLEY_CHECK(edge.delay == 0 || from == Domain::steps, Fault::model,
                   "{} '{}': '{}' has a delay but is there {}", op.kind(), graph.node_name(node),
                   graph.port_name(edge.from), name(from));
    }
    VOLLEY_CHECK(!(has_steps && has_others), Fault::model,
                 "{} '{}': some inputs have steps and some have not; put encode.direct behind those without",
                 op.kind(), graph.node_name(node));
    if (op.time_role() == TimeRole::spread) {
      VOLLEY_CHECK(in == Domain::before, Fault::model, "{} '{}': its input has steps already", op.kind(),
                   graph.node_name(node));
      in = Domain::steps;
    } else if (op.time_role() == TimeRole::gather && in == Domain::steps) {
      in = Domain::after;
    }
    domains[node] = in;
  }
  return domains;
}

std::vector<std::vector<ValueSpec>> infer_specs(const Graph& graph, Index batch, Index steps) {
  std::vector<std::vector<ValueSpec>> specs(graph.size());
  for (const NodeId node : graph.order()) {
    const auto in = specs_in(graph, node, specs, batch, steps);
    specs[node] = infer_node(graph, node, in, batch, steps);
  }
  check_loop_types(graph, specs, batch, steps);
  return specs;
}

void insert_conversions(Graph& graph, const Registry& registry) {
  std::vector<std::vector<ValueSpec>> specs(graph.size());
  const Index steps = least_steps(graph);
  for (const NodeId node : graph.order()) {
    auto in = specs_in(graph, node, specs, 1, steps);
    const Operator& op = graph.op(node);
    for (std::size_t slot = 0; slot < in.size(); ++slot) {
      if (op.wanted_form(slot, in) != Form::dense || in[slot].is_dense()) {
        continue;
      }
      const InEdge edge = graph.in_edges(node)[slot];
      const NodeId convert = graph.add_node(
          fmt::format("{}>dense>{}.{}", graph.port_name(edge.from), graph.node_name(node), slot),
          registry.make("convert.dense"));
      graph.connect(convert, 0, edge);
      graph.connect(node, slot, {{convert, 0}, 0, std::nullopt});
      in[slot] = dense_spec(in[slot].shape);
      specs.resize(graph.size());
      specs[convert] = {in[slot]};
    }
    specs[node] = infer_node(graph, node, in, 1, steps);
  }
}

std::vector<std::string> round_weights(Graph& graph) {
  const auto specs = infer_specs(graph, 1, least_steps(graph));
  std::vector<std::string> notes;
  Index rounded = 0;
  for (const NodeId node : graph.order()) {
    auto* layer = dynamic_cast<Roundable*>(&graph.op(node));
    if (layer == nullptr) {
      continue;
    }
    const InEdge edge = graph.in_edges(node).at(0);
    if (!specs[edge.from.node][edge.from.output].is_spikes()) {
      notes.push_back(fmt::format("{} stays float32: it reads real numbers", graph.node_name(node)));
    } else if (!layer->can_round()) {
      notes.push_back(fmt::format("{} stays float32: it has groups or more than 65535 inputs an output",
                                  graph.node_name(node)));
    } else {
      layer->round_weights();
      ++rounded;
    }
  }
  notes.insert(notes.begin(), fmt::format("weights of {} layers rounded to 8 bits", rounded));
  return notes;
}

}  // namespace volley
