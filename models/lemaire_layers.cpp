// The layers of a run, as the energy model of Lemaire takes them.
#include "models/lemaire_layers.hpp"

#include <set>

#include "sim/base/check.hpp"
#include "sim/ops/conv2d.hpp"
#include "sim/ops/linear.hpp"

namespace volley {
namespace {

// The first neurons that read a node, with no weights in between.
std::optional<NodeId> neurons_behind(const Graph& graph, const Ledger& ledger, NodeId node) {
  std::set<NodeId> seen{node};
  std::vector<NodeId> front{node};
  while (!front.empty()) {
    std::vector<NodeId> next;
    for (const NodeId at : front) {
      for (const Graph::Reader& reader : graph.readers(at)) {
        const auto entry = ledger.nodes().find(reader.node);
        if (entry == ledger.nodes().end() || !seen.insert(reader.node).second) {
          continue;
        }
        if (entry->second.cost().neuron > 0) {
          return reader.node;
        }
        if (dynamic_cast<const Foldable*>(&graph.op(reader.node)) == nullptr) {
          next.push_back(reader.node);
        }
      }
    }
    front = std::move(next);
  }
  return std::nullopt;
}

void shape_conv(const Conv2d& conv, const ValueSpec& in, const ValueSpec& out, LemaireLayer& layer) {
  VOLLEY_CHECK(conv.layout().groups == 1, Fault::usage,
               "the model of Lemaire has no formula for a convolution with {} groups", conv.layout().groups);
  VOLLEY_CHECK(conv.kernel_y() == conv.kernel_x(), Fault::usage,
               "the model of Lemaire has no formula for a kernel of {} x {}", conv.kernel_y(),
               conv.kernel_x());
  layer.in_channels = conv.channels();
  layer.out_channels = conv.outputs();
  layer.in_y = in.shape[Axis::Y];
  layer.in_x = in.shape[Axis::X];
  layer.out_y = out.shape[Axis::Y];
  layer.out_x = out.shape[Axis::X];
  layer.kernel = conv.kernel_y();
  layer.stride = conv.stride();
}

void shape_linear(const Linear& linear, const ValueSpec& in, LemaireLayer& layer) {
  layer.in_channels = in.shape.row();
  layer.out_channels = linear.outputs();
  const Index tokens = in.shape.rows() / (in.shape[Axis::T] * in.shape[Axis::B]);
  layer.kind = tokens == 1 ? LemaireLayer::Kind::fc : LemaireLayer::Kind::conv;
  layer.in_y = layer.out_y = tokens;
}

}  // namespace

std::vector<LemaireNode> lemaire_layers(const Plan& plan, const Ledger& ledger, Index samples) {
  VOLLEY_ASSERT(samples >= 1);
  std::vector<LemaireNode> layers;
  for (const PlannedNode& node : plan.nodes()) {
    const auto entry = ledger.nodes().find(node.id);
    if (entry == ledger.nodes().end() || node.in_specs.empty() || node.in_specs[0].is_dense()) {
      continue;
    }
    LemaireNode found;
    found.node = node.id;
    LemaireLayer& layer = found.layer;
    if (const auto* conv = dynamic_cast<const Conv2d*>(node.op)) {
      with_node_name(*node.op, node.name,
                     [&] { shape_conv(*conv, node.in_specs[0], entry->second.out, layer); });
    } else if (const auto* linear = dynamic_cast<const Linear*>(node.op)) {
      shape_linear(*linear, node.in_specs[0], layer);
    } else {
      continue;
    }
    Index spikes_in = 0;
    for (const StepEntry& step : entry->second.steps) {
      spikes_in += step.spikes_in;
    }
    const auto per_sample = [&](Index count) {
      return static_cast<double>(count) / static_cast<double>(samples);
    };
    layer.steps = static_cast<Index>(entry->second.steps.size());
    layer.spikes_in = per_sample(spikes_in);
    layer.has_bias = node.op->constants().size() > 1 && is_present(node.op->constants()[1]);
    const auto neurons = neurons_behind(plan.graph(), ledger, node.id);
    found.has_neurons = layer.leaks = neurons.has_value();
    layer.spikes_out = neurons ? per_sample(ledger.nodes().at(*neurons).spikes_out()) : 0;
    layers.push_back(found);
  }
  return layers;
}

}  // namespace volley
