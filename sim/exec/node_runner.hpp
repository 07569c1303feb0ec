// Runs one node of a simulation and tells the recorder: what all loop orders share.
#pragma once

#include <map>

#include "sim/exec/executor.hpp"

namespace volley {

class NodeRunner {
 public:
  NodeRunner(Simulation& simulation, const RunInput& input, Recorder& recorder);

  // Runs the kernel of the node for these steps; an input node takes its value.
  void run(const PlannedNode& node, StepRange steps);
  // Around each call's steps. A single step reads delayed values before their source has run, which lets
  // loops run.
  void begin_steps();
  void end_steps();

 private:
  Value input_of(const PlannedNode& node, StepRange steps) const;
  std::vector<Value> values_in(const PlannedNode& node);
  void record(const PlannedNode& node, StepRange steps, std::span<const Value> out);
  void count_products(const PlannedNode& node, StepRange steps, std::span<const Value> in);
  void count(const PlannedNode& node, StepRange steps, std::span<const Value> in, std::span<const Value> out);
  void keep_activity(Port port, Index place, const Activity& activity);
  Activity activity_in(const PlannedNode& node, std::size_t slot, const Value& value, Index t) const;

  Simulation& simulation_;
  const RunInput& input_;
  Recorder& recorder_;
  // Of the steps of this call, without marginals: what the writer of an edge counted serves its readers.
  std::map<Port, std::vector<Activity>> counted_;
};

}  // namespace volley
