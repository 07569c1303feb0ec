// Folds batch norms and affines into the layer in front of them.
#include "sim/base/check.hpp"
#include "sim/graph/passes.hpp"
#include "sim/op/foldable.hpp"

namespace volley {
namespace {

bool is_output(const Graph& graph, NodeId node) {
  for (const GraphOutput& output : graph.outputs()) {
    if (output.from.node == node) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::vector<std::string> fold_affines(Graph& graph) {
  std::vector<std::string> notes;
  for (const NodeId node : graph.order()) {
    const auto* affine = dynamic_cast<const ScaleAndShift*>(&graph.op(node));
    if (affine == nullptr) {
      continue;
    }
    const InEdge edge = graph.in_edges(node).at(0);
    auto* layer = dynamic_cast<Foldable*>(&graph.op(edge.from.node));
    const bool is_only_reader =
        graph.readers(edge.from.node).size() == 1 && !is_output(graph, edge.from.node);
    const bool fits = layer != nullptr && edge.delay == 0 && is_only_reader &&
                      layer->outputs() == static_cast<Index>(affine->scale().size());
    if (!fits) {
      continue;
    }
    layer->scale_outputs(affine->scale(), affine->shift());
    notes.push_back(fmt::format("{} folded into {}", graph.node_name(node), graph.node_name(edge.from.node)));
    graph.bypass(node);
  }
  return notes;
}

}  // namespace volley
