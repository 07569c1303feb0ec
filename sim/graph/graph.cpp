// The network, held by Boost.Graph.
#include "sim/graph/graph.hpp"

#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/filtered_graph.hpp>
#include <boost/graph/graphviz.hpp>
#include <boost/graph/strong_components.hpp>
#include <boost/graph/topological_sort.hpp>
#include <sstream>

#include "sim/base/check.hpp"

namespace volley {
namespace {

struct NodeBundle {
  std::string name;
  std::shared_ptr<Operator> op;
  bool live = true;
};

struct EdgeBundle {
  std::size_t output = 0;
  std::size_t slot = 0;
  Index delay = 0;
  std::optional<TypeDescription> loop_type;
};

using Adjacency =
    boost::adjacency_list<boost::vecS, boost::vecS, boost::bidirectionalS, NodeBundle, EdgeBundle>;

// The graph without edges that wait for an earlier step.
struct WithoutDelay {
  const Adjacency* graph = nullptr;
  bool operator()(const Adjacency::edge_descriptor& edge) const { return (*graph)[edge].delay == 0; }
};

// Of each node: its strongly connected component.
template <class G>
std::vector<std::size_t> components(const G& graph, std::size_t nodes) {
  std::vector<std::size_t> component(nodes);
  boost::strong_components(
      graph, boost::make_iterator_property_map(component.begin(), boost::get(boost::vertex_index, graph)));
  return component;
}

// The graph without the delayed edges of its loops.
struct WithoutLoops {
  const Adjacency* graph = nullptr;
  const std::vector<std::size_t>* component = nullptr;
  bool operator()(const Adjacency::edge_descriptor& edge) const {
    const bool is_in_loop =
        (*component)[boost::source(edge, *graph)] == (*component)[boost::target(edge, *graph)];
    return (*graph)[edge].delay == 0 || !is_in_loop;
  }
};

// Nodes of a strongly connected component of more than one node (or a node that reads itself); none without a
// loop.
template <class G>
std::vector<NodeId> component_with_loop(const G& graph, std::size_t nodes) {
  const std::vector<std::size_t> component = components(graph, nodes);
  std::vector<std::vector<NodeId>> members(nodes);
  for (NodeId node = 0; node < nodes; ++node) {
    members[component[node]].push_back(node);
  }
  for (const auto& group : members) {
    if (group.empty()) {
      continue;
    }
    const auto [out, end] = boost::out_edges(group.front(), graph);
    const bool reads_itself =
        std::any_of(out, end, [&](const auto& edge) { return boost::target(edge, graph) == group.front(); });
    if (group.size() > 1 || reads_itself) {
      return group;
    }
  }
  return {};
}

}  // namespace

struct Graph::Impl {
  Adjacency graph;

  std::optional<Adjacency::edge_descriptor> edge_into(NodeId node, std::size_t slot) const {
    const auto [in, end] = boost::in_edges(node, graph);
    const auto at = std::find_if(in, end, [&](const auto& edge) { return graph[edge].slot == slot; });
    return at == end ? std::nullopt : std::optional(*at);
  }
};

std::vector<ValueSpec> InputOp::infer(std::span<const ValueSpec>, Index) const {
  VOLLEY_ASSERT(false);  // passes use spec(): an input needs the batch
  return {};
}

ValueSpec InputOp::spec(Index batch, Index steps) const {
  Shape shape{{Axis::T, description_.per_step ? steps : 1}, {Axis::B, batch}};
  const auto& own = description_.type.shape.extents;
  shape.extents.insert(shape.extents.end(), own.begin(), own.end());
  return {description_.type.form, Dtype::f32, description_.type.code, std::move(shape)};
}

Graph::Graph() : impl_(std::make_unique<Impl>()) {}
Graph::Graph(Graph&&) noexcept = default;
Graph& Graph::operator=(Graph&&) noexcept = default;
Graph::~Graph() = default;

NodeId Graph::add_node(std::string node_name, std::unique_ptr<Operator> op) {
  return boost::add_vertex(NodeBundle{std::move(node_name), std::move(op)}, impl_->graph);
}

void Graph::connect(NodeId to, std::size_t slot, InEdge edge) {
  if (const auto old = impl_->edge_into(to, slot)) {
    boost::remove_edge(*old, impl_->graph);
  }
  boost::add_edge(edge.from.node, to,
                  EdgeBundle{edge.from.output, slot, edge.delay, std::move(edge.loop_type)}, impl_->graph);
}

void Graph::bypass(NodeId node) {
  const InEdge own = in_edges(node).at(0);
  for (const Reader& reader : readers(node)) {
    InEdge edge = in_edges(reader.node)[reader.slot];
    edge.from = own.from;
    edge.delay += own.delay;
    connect(reader.node, reader.slot, edge);
  }
  for (GraphOutput& output : outputs_) {
    if (output.from.node == node) {
      output.from = own.from;
    }
  }
  boost::clear_vertex(node, impl_->graph);
  impl_->graph[node].live = false;
}

std::size_t Graph::size() const {
  return boost::num_vertices(impl_->graph);
}

bool Graph::is_live(NodeId node) const {
  return impl_->graph[node].live;
}

const std::string& Graph::node_name(NodeId node) const {
  return impl_->graph[node].name;
}

const Operator& Graph::op(NodeId node) const {
  return *impl_->graph[node].op;
}

Operator& Graph::op(NodeId node) {
  return *impl_->graph[node].op;
}

std::vector<InEdge> Graph::in_edges(NodeId node) const {
  std::vector<InEdge> edges(boost::in_degree(node, impl_->graph));
  const auto [in, end] = boost::in_edges(node, impl_->graph);
  std::for_each(in, end, [&](const auto& edge) {
    const EdgeBundle& bundle = impl_->graph[edge];
    VOLLEY_ASSERT(bundle.slot < edges.size());
    edges[bundle.slot] = {{boost::source(edge, impl_->graph), bundle.output}, bundle.delay, bundle.loop_type};
  });
  return edges;
}

std::vector<Graph::Reader> Graph::readers(NodeId node) const {
  std::vector<Reader> all;
  const auto [out, end] = boost::out_edges(node, impl_->graph);
  std::for_each(out, end, [&](const auto& edge) {
    const EdgeBundle& bundle = impl_->graph[edge];
    all.push_back({boost::target(edge, impl_->graph), bundle.slot, bundle.output});
  });
  return all;
}

std::vector<NodeId> Graph::inputs() const {
  std::vector<NodeId> all;
  for (NodeId node = 0; node < size(); ++node) {
    if (is_live(node) && op(node).kind() == InputOp::op_kind) {
      all.push_back(node);
    }
  }
  return all;
}

std::optional<NodeId> Graph::find(std::string_view wanted) const {
  for (NodeId node = 0; node < size(); ++node) {
    if (is_live(node) && node_name(node) == wanted) {
      return node;
    }
  }
  return std::nullopt;
}

Port Graph::port(std::string_view text, std::string_view who) const {
  const auto colon = text.find(':');
  const auto node = find(text.substr(0, colon));
  VOLLEY_CHECK(node.has_value(), Fault::model, "{}: no node or input is named '{}'", who,
               text.substr(0, colon));
  if (colon == std::string_view::npos) {
    return {*node, 0};
  }
  const auto names = op(*node).output_names();
  const auto at = std::find(names.begin(), names.end(), text.substr(colon + 1));
  VOLLEY_CHECK(at != names.end(), Fault::model, "{}: '{}' has no output '{}', wanted one of: {}", who,
               node_name(*node), text.substr(colon + 1), fmt::format("{}", [&] {
                 std::string all;
                 for (const auto& output : names) {
                   all += (all.empty() ? "" : ", ") + std::string(output);
                 }
                 return all;
               }()));
  return {*node, static_cast<std::size_t>(at - names.begin())};
}

std::string Graph::port_name(Port port) const {
  if (port.output == 0) {
    return node_name(port.node);
  }
  return node_name(port.node) + ":" + std::string(op(port.node).output_names()[port.output]);
}

std::vector<NodeId> Graph::order() const {
  const boost::filtered_graph<Adjacency, WithoutDelay> now(impl_->graph, WithoutDelay{&impl_->graph});
  const std::vector<NodeId> cycle = component_with_loop(now, size());
  if (!cycle.empty()) {
    std::string names;
    for (const NodeId node : cycle) {
      names += (names.empty() ? "'" : ", '") + node_name(node) + "'";
    }
    fail(Fault::model, "the nodes {} form a cycle without delay; give one of its edges delay: 1", names);
  }
  // An edge with a delay orders its ends too, unless it is part of a loop: so its spec is known when it is
  // read, and a node-by-node executor can run where there is no loop.
  const std::vector<std::size_t> component = components(impl_->graph, size());
  const boost::filtered_graph<Adjacency, WithoutLoops> forward(impl_->graph,
                                                               WithoutLoops{&impl_->graph, &component});
  std::vector<NodeId> reversed;
  boost::topological_sort(forward, std::back_inserter(reversed));
  std::vector<NodeId> sorted;
  std::copy_if(reversed.rbegin(), reversed.rend(), std::back_inserter(sorted),
               [&](NodeId node) { return is_live(node); });
  return sorted;
}

std::vector<NodeId> Graph::loop() const {
  return component_with_loop(impl_->graph, size());
}

std::string Graph::dot() const {
  std::ostringstream out;
  const auto write_node = [&](std::ostream& stream, NodeId node) {
    stream << "[label=" << boost::escape_dot_string(node_name(node) + "\n" + std::string(op(node).kind()))
           << ", shape=box]";
  };
  const auto write_edge = [&](std::ostream& stream, const Adjacency::edge_descriptor& edge) {
    const EdgeBundle& bundle = impl_->graph[edge];
    const auto names = op(boost::source(edge, impl_->graph)).output_names();
    std::string label = bundle.output > 0 ? std::string(names[bundle.output]) : "";
    if (bundle.delay > 0) {
      label += fmt::format("{}delay {}", label.empty() ? "" : ", ", bundle.delay);
    }
    if (!label.empty()) {
      stream << "[label=" << boost::escape_dot_string(label) << "]";
    }
  };
  boost::filtered_graph<Adjacency, boost::keep_all, std::function<bool(NodeId)>> live(
      impl_->graph, boost::keep_all{}, [this](NodeId node) { return is_live(node); });
  boost::write_graphviz(out, live, write_node, write_edge);
  return out.str();
}

}  // namespace volley
