// Counts layers of attention from node to node.
#include "models/attention_depth.hpp"

#include <algorithm>
#include <map>

namespace volley {
namespace {

// What stands behind a node: layers passed, and whether the last is still open.
struct Passed {
  std::vector<AttentionLayer> layers;
  bool open = false;
};

bool is_attention(const PlannedNode& node) {
  return node.op->kind().starts_with("attention.");
}

bool ends_layer(const PlannedNode& node) {
  return node.op->kind() == "linear" || node.op->kind() == "conv2d";
}

// Channels that the layer of the queries reads. Heads, ranks or two parts in one may make those of the
// attention node itself others.
Index stream_width(const Plan& plan, const PlannedNode& attention) {
  for (const PlannedNode* node = &attention; !node->in.empty();) {
    node = &plan.node(node->in.front().from.node);
    if (ends_layer(*node)) {
      return node->in_specs.front().shape.size_or(Axis::C, 1);
    }
    if (is_attention(*node)) {
      break;
    }
  }
  return attention.in_specs.front().shape.size_or(Axis::C, 1);
}

Passed longest(const PlannedNode& node, const std::map<NodeId, Passed>& passed) {
  Passed most;
  for (const InEdge& edge : node.in) {
    if (edge.delay > 0) {
      continue;
    }
    const Passed& one = passed.at(edge.from.node);
    if (one.layers.size() > most.layers.size()) {
      most = one;
    } else if (one.layers.size() == most.layers.size()) {
      most.open = most.open || one.open;
    }
  }
  return most;
}

}  // namespace

std::vector<AttentionLayer> attention_layers(const Plan& plan) {
  std::map<NodeId, Passed> passed;
  std::vector<AttentionLayer> most;
  for (const PlannedNode& node : plan.nodes()) {
    Passed now = longest(node, passed);
    if (is_attention(node) && !now.open) {
      now.layers.push_back({node.name, stream_width(plan, node)});
      now.open = true;
    }
    now.open = now.open && !ends_layer(node);
    if (now.layers.size() > most.size()) {
      most = now.layers;
    }
    passed[node.id] = std::move(now);
  }
  return most;
}

}  // namespace volley
