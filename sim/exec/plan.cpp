// A plan: the order of nodes, the kernel of each, and where each value lies.
#include "sim/exec/plan.hpp"

#include <algorithm>

#include "sim/base/check.hpp"
#include "sim/base/log.hpp"

namespace volley {
namespace {

constexpr std::size_t alignment = 64;

// FNV-1a: the same on every machine, and not changed by nodes that passes put in.
std::uint32_t key_of(std::string_view name) {
  std::uint32_t key = 2166136261u;
  for (const char c : name) {
    key = (key ^ static_cast<unsigned char>(c)) * 16777619u;
  }
  return key;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string all;
  for (const std::string& part : parts) {
    all += (all.empty() ? "" : "; ") + part;
  }
  return all;
}

// Nodes of the same domain stay in order; those before the steps come first, those after them last.
void sort_by_domain(std::vector<NodeId>& order, const std::vector<Domain>& runs) {
  std::stable_sort(order.begin(), order.end(), [&](NodeId a, NodeId b) { return runs[a] < runs[b]; });
}

}  // namespace

Plan::Plan(const Graph& graph, const KernelTable& table, PlanOptions options)
    : graph_(&graph), options_(std::move(options)) {
  if (options_.backend == nullptr) {
    options_.backend = &cpu_backend();
  }
  VOLLEY_CHECK(options_.batch >= 1, Fault::usage, "batch is {}, wanted 1 or more", options_.batch);
  VOLLEY_CHECK(options_.steps >= 1, Fault::usage, "T is {}, wanted 1 or more", options_.steps);
  VOLLEY_ASSERT(options_.chunk == 1 || options_.chunk == options_.steps);
  VOLLEY_ASSERT(options_.chunk == 1 || !options_.passes_over_silence);
  const std::vector<Domain> domains = infer_domains(graph);
  (void)infer_specs(graph, options_.batch, options_.steps);  // mistakes in T show only here
  const auto specs = infer_specs(graph, options_.batch, options_.chunk);
  std::vector<Domain> runs = domains;
  std::vector<NodeId> order = graph.order();
  for (const NodeId id : order) {
    const auto in = graph.in_edges(id);
    const bool reads_steps = std::any_of(in.begin(), in.end(), [&](const InEdge& edge) {
      return edge.loop_type.has_value() || domains[edge.from.node] == Domain::steps;
    });
    if (reads_steps) {
      runs[id] = Domain::steps;
    }
  }
  sort_by_domain(order, runs);
  for (const NodeId id : order) {
    position_[id] = nodes_.size();
    add_node(id, table, specs);
    nodes_.back().domain = domains[id];
    nodes_.back().runs = runs[id];
  }
  fuse_neurons();
  find_lifetimes();
  find_silence();
  place_values();
}

void Plan::add_node(NodeId id, const KernelTable& table, const std::vector<std::vector<ValueSpec>>& specs) {
  PlannedNode node;
  node.id = id;
  node.op = &graph_->op(id);
  node.value_check = dynamic_cast<const ValueCheck*>(node.op);
  node.name = graph_->node_name(id);
  node.key = key_of(node.name);
  node.in = graph_->in_edges(id);
  for (const InEdge& edge : node.in) {
    node.in_specs.push_back(specs[edge.from.node][edge.from.output]);
  }
  for (const ValueSpec& spec : specs[id]) {
    node.out.push_back({spec, false, 0, 0, 0});
  }
  if (node.op->kind() != InputOp::op_kind) {
    const auto forced = options_.kernels.find(std::string(node.op->kind()));
    Choice choice = table.choose(*node.op, node.in_specs, backend().device(),
                                 forced == options_.kernels.end() ? std::string_view() : forced->second);
    VOLLEY_CHECK(choice.kernel != nullptr, Fault::model, "{} '{}': no kernel on {}: {}", node.op->kind(),
                 node.name, name(backend().device()),
                 choice.refusals.empty() ? "none is known" : joined(choice.refusals));
    if (forced != options_.kernels.end() && choice.kernel->name != forced->second) {
      log::warn("{} '{}': kernel {} can't be taken ({}); takes {}", node.op->kind(), node.name,
                forced->second, joined(choice.refusals), choice.kernel->name);
    }
    node.kernel = choice.kernel;
    node.refusals = std::move(choice.refusals);
  }
  nodes_.push_back(std::move(node));
}

// A layer and the neurons that alone read it, if nobody wants the current between them.
void Plan::fuse_neurons() {
  if (!options_.fuses || options_.passes_over_silence) {
    return;
  }
  std::set<NodeId> outputs;
  for (const GraphOutput& output : graph_->outputs()) {
    outputs.insert(output.from.node);
  }
  for (PlannedNode& neurons : nodes_) {
    if (neurons.kernel == nullptr || neurons.kernel->run_fed == nullptr) {
      continue;
    }
    const InEdge& edge = neurons.in.front();
    const std::size_t place = position_.at(edge.from.node);
    PlannedNode& layer = nodes_[place];
    const bool can_feed = layer.kernel != nullptr && layer.kernel->run_into != nullptr;
    const bool is_wanted = graph_->readers(layer.id).size() > 1 || outputs.contains(layer.id) ||
                           options_.recorded.contains({layer.id, 0});
    if (can_feed && !is_wanted && edge.delay == 0 && !edge.loop_type && layer.runs == neurons.runs) {
      layer.is_fused = true;
      neurons.layer = place;
    }
  }
}

void Plan::find_lifetimes() {
  std::size_t last_step_node = 0;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    PlannedNode& node = nodes_[i];
    for (std::size_t output = 0; output < node.out.size(); ++output) {
      PlannedValue& value = node.out[output];
      value.first = value.last = i;
      value.present = output == 0 || options_.recorded.contains({node.id, output}) ||
                      (options_.with_cost && node.op->cost_needs_output(output));
    }
    if (node.runs == Domain::steps) {
      last_step_node = i;
    }
  }
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    std::vector<InEdge> read = nodes_[i].in;
    if (nodes_[i].layer) {  // its inputs are read now, its output is not
      read = nodes_[*nodes_[i].layer].in;
      nodes_[*nodes_[i].layer].out.front().present = false;
    }
    for (const InEdge& edge : read) {
      const PlannedNode& source = nodes_[position_.at(edge.from.node)];
      PlannedValue& value = nodes_[position_.at(edge.from.node)].out[edge.from.output];
      value.present = true;
      value.last = std::max(value.last, i);
      // What the steps read again and again stays until the last of them.
      if (source.runs == Domain::before && nodes_[i].runs == Domain::steps) {
        value.last = std::max(value.last, last_step_node);
      }
      // A delay line takes the value when the step is over.
      if (edge.delay > 0) {
        value.last = std::max(value.last, last_step_node);
      }
    }
  }
  for (const GraphOutput& output : graph_->outputs()) {
    nodes_[position_.at(output.from.node)].out[output.from.output].present = true;
  }
}

// The second outputs of a node (a membrane) are not silent: who wants them has it run in each step.
void Plan::find_silence() {
  for (PlannedNode& node : nodes_) {
    const auto others = std::count_if(node.out.begin() + 1, node.out.end(),
                                      [](const PlannedValue& value) { return value.present; });
    node.may_be_passed =
        node.kernel != nullptr && node.domain == Domain::steps && node.op->silent_on_silence() && others == 0;
  }
}

// First fit in order of size: a value lies at the lowest offset that no value alive at the same time covers.
void Plan::place_values() {
  std::vector<PlannedValue*> values;
  for (PlannedNode& node : nodes_) {
    for (PlannedValue& value : node.out) {
      if (value.present && node.kernel != nullptr) {
        values.push_back(&value);
      }
    }
  }
  std::stable_sort(values.begin(), values.end(),
                   [](const auto* a, const auto* b) { return a->spec.bytes() > b->spec.bytes(); });
  std::vector<const PlannedValue*> placed;
  for (PlannedValue* value : values) {
    std::vector<std::pair<std::size_t, std::size_t>> taken;
    for (const PlannedValue* other : placed) {
      if (other->first <= value->last && value->first <= other->last) {
        taken.emplace_back(other->offset, other->offset + other->spec.bytes());
      }
    }
    std::sort(taken.begin(), taken.end());
    std::size_t offset = 0;
    for (const auto& [begin, end] : taken) {
      if (offset + value->spec.bytes() <= begin) {
        break;
      }
      offset = std::max(offset, (end + alignment - 1) / alignment * alignment);
    }
    value->offset = offset;
    arena_bytes_ = std::max(arena_bytes_, offset + value->spec.bytes());
    placed.push_back(value);
  }
}

std::size_t Plan::state_bytes() const {
  std::size_t bytes = 0;
  for (const PlannedNode& node : nodes_) {
    if (const auto state = node.op->make_state(node.in_specs)) {
      bytes += state->bytes().size();
    }
    for (std::size_t slot = 0; slot < node.in.size(); ++slot) {
      ValueSpec step = node.in_specs[slot];
      if (node.in[slot].delay > 0) {
        step.shape = step.shape.with(Axis::T, 1);
        bytes += static_cast<std::size_t>(node.in[slot].delay) * step.bytes();
      }
    }
  }
  return bytes;
}

std::size_t Plan::weight_bytes() const {
  std::size_t bytes = 0;
  for (const PlannedNode& node : nodes_) {
    for (const Value& constant : node.op->constants()) {
      bytes += is_present(constant) ? spec_of(constant).bytes() : 0;
    }
  }
  return bytes;
}

Index Plan::dense_mac(const PlannedNode& node) const {
  const Index calls = node.runs == Domain::steps ? options_.steps / options_.chunk : 1;
  return node.op->dense_mac(node.in_specs) * calls;
}

}  // namespace volley
