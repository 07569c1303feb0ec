// A plan: the order of nodes, the kernel of each, and where each value lies.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "sim/graph/graph.hpp"
#include "sim/graph/passes.hpp"
#include "sim/op/kernel_table.hpp"
#include "sim/op/value_check.hpp"

namespace volley {

struct PlanOptions {
  Index batch = 1;
  Index steps = 1;                   // T of the run
  Index chunk = 1;                   // steps in one call: 1 (stepped) or T (layered)
  bool passes_over_silence = false;  // (event_driven; chunk is 1)
  bool fuses = true;                 // layers feed the neurons behind them (not with passes_over_silence)
  bool with_cost = false;
  std::set<Port> recorded;                     // values that somebody wants to see
  std::map<std::string, std::string> kernels;  // op kind -> name of the kernel to take when it accepts
  Backend* backend = nullptr;                  // nullptr: the CPU
};

// Where the value of one port lies in the arena.
struct PlannedValue {
  ValueSpec spec;
  bool present = false;    // false: an output that nobody asked for
  std::size_t offset = 0;  // [bytes]
  std::size_t first = 0;   // position in the order at which it is written
  std::size_t last = 0;    // position at which it is read last
};

struct PlannedNode {
  NodeId id = 0;
  const Operator* op = nullptr;
  std::string name;
  const ValueCheck* value_check = nullptr;  // nullptr: every value is good
  const Kernel* kernel = nullptr;           // nullptr: an input
  std::vector<std::string> refusals;
  std::vector<InEdge> in;
  std::vector<ValueSpec> in_specs;
  std::vector<PlannedValue> out;
  Domain domain = Domain::before;
  Domain runs = Domain::before;      // a readout over T runs in each step, its value is there after the last
  bool may_be_passed = false;        // in a step whose inputs are silent, by an executor that does so
  std::uint32_t key = 0;             // of the name, for random numbers
  bool is_fused = false;             // a layer that runs with its neurons: its current never lies in memory
  std::optional<std::size_t> layer;  // of these neurons: its place in the order
};

class Plan {
 public:
  // Throws Error when a node has no kernel (with the reasons), or shapes do not fit. The graph outlives the
  // plan.
  Plan(const Graph& graph, const KernelTable& table, PlanOptions options);

  const Graph& graph() const { return *graph_; }
  const PlanOptions& options() const { return options_; }
  Backend& backend() const { return *options_.backend; }
  const std::vector<PlannedNode>& nodes() const { return nodes_; }
  const PlannedNode& node(NodeId id) const { return nodes_[position_.at(id)]; }
  std::size_t arena_bytes() const { return arena_bytes_; }  // peak memory of activations [bytes]
  std::size_t state_bytes() const;                          // membranes and delay lines [bytes]
  std::size_t weight_bytes() const;                         // as kernels read them [bytes]
  Index dense_mac(const PlannedNode& node) const;           // of all steps and the batch

 private:
  void add_node(NodeId id, const KernelTable& table, const std::vector<std::vector<ValueSpec>>& specs);
  void fuse_neurons();
  void find_lifetimes();
  void find_silence();
  void place_values();

  const Graph* graph_;
  PlanOptions options_;
  std::vector<PlannedNode> nodes_;
  std::map<NodeId, std::size_t> position_;
  std::size_t arena_bytes_ = 0;
};

}  // namespace volley
