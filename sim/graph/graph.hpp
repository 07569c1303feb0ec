// The network: a node is an operator, an edge a value with a delay in steps.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/graph/description.hpp"
#include "sim/op/node_id.hpp"
#include "sim/op/operator.hpp"
#include "sim/op/registry.hpp"

namespace volley {

// What a node reads in one slot.
struct InEdge {
  Port from;
  Index delay = 0;                           // [steps]
  std::optional<TypeDescription> loop_type;  // on an edge that closes a loop
};

struct GraphOutput {
  std::string name;
  Port from;
};

// An input of the graph: a node without inputs whose value comes from outside.
class InputOp final : public Operator {
 public:
  static constexpr std::string_view op_kind = "input";
  explicit InputOp(InputDescription description) : description_(std::move(description)) {}
  const InputDescription& description() const { return description_; }
  std::string_view kind() const override { return op_kind; }
  Arity arity() const override { return {0, 0}; }
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  Cost cost(std::span<const Activity>, std::span<const Activity>) const override { return {}; }

  // Spec for this batch: T = steps when there is one value per step, else 1.
  ValueSpec spec(Index batch, Index steps) const;

 private:
  InputDescription description_;
};

class Graph {
 public:
  Graph();
  Graph(Graph&&) noexcept;
  Graph& operator=(Graph&&) noexcept;
  ~Graph();

  std::string name;

  NodeId add_node(std::string node_name, std::unique_ptr<Operator> op);
  void connect(NodeId to, std::size_t slot,
               InEdge edge);  // a slot is connected once; a second call replaces it
  // Readers of the node's first output read what the node reads in slot 0, and the node is gone.
  void bypass(NodeId node);
  void add_output(GraphOutput output) { outputs_.push_back(std::move(output)); }

  std::size_t size() const;         // nodes ever added; ids are below it
  bool is_live(NodeId node) const;  // false after bypass
  const std::string& node_name(NodeId node) const;
  const Operator& op(NodeId node) const;
  Operator& op(NodeId node);
  std::vector<InEdge> in_edges(NodeId node) const;  // by slot
  struct Reader {
    NodeId node;
    std::size_t slot;
    std::size_t output;
  };
  std::vector<Reader> readers(NodeId node) const;
  std::vector<NodeId> inputs() const;
  const std::vector<GraphOutput>& outputs() const { return outputs_; }

  std::optional<NodeId> find(std::string_view node_name) const;
  // "node" or "node:output". Throws Error that names the nearest node or the outputs; who: what asked.
  Port port(std::string_view text, std::string_view who) const;
  std::string port_name(Port port) const;

  // Live nodes such that each stands after what it reads without delay. Throws Error that names a cycle
  // without delay.
  std::vector<NodeId> order() const;
  // Nodes of a loop (through a delay), or none.
  std::vector<NodeId> loop() const;
  std::string dot() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::vector<GraphOutput> outputs_;
};

// Throws Error with the text "kind 'node': why" for every mistake that can be seen without shapes.
Graph build_graph(const Description& description, const Weights& weights, const Registry& registry);

// Runs f and puts "kind 'node': " in front of the text of an Error that leaves it.
template <class F>
auto with_node_name(const Operator& op, std::string_view node_name, F&& f) {
  try {
    return f();
  } catch (const Error& error) {
    throw Error(error.fault(), fmt::format("{} '{}': {}", op.kind(), node_name, error.what()));
  }
}

}  // namespace volley
