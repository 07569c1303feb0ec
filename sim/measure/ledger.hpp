// Adds up costs, spikes and time by node and step.
#pragma once

#include <map>
#include <vector>

#include "sim/measure/recorder.hpp"

namespace volley {

// Totals of one node in one step, over all samples that were run.
struct StepEntry {
  Cost cost;
  Index spikes_out = 0;    // unit events of the first output; of dense numbers: those that are not 0
  Index elements_out = 0;  // places of the first output
  Index spikes_in = 0;     // unit events over all inputs
  Index elements_in = 0;
};

struct NodeEntry {
  std::vector<StepEntry> steps;
  ValueSpec out;  // of one step of the first output, as last seen
  std::int64_t nanoseconds = 0;

  Cost cost() const;
  Index spikes_out() const;
  Index elements_out() const;
  // Unit events per place and step; only of spikes, else 0.
  double firing_rate() const;
};

// Integers only: the order in which batches come does not matter.
class Ledger final : public Recorder {
 public:
  bool wants_cost() const override { return true; }
  bool wants_time() const override { return true; }
  void on_cost(NodeId node, Index step, const Cost& cost, std::span<const Activity> in,
               std::span<const Activity> out) override;
  void on_time(NodeId node, StepRange steps, std::int64_t nanoseconds) override;

  const std::map<NodeId, NodeEntry>& nodes() const { return nodes_; }
  Cost total() const;

 private:
  std::map<NodeId, NodeEntry> nodes_;
};

}  // namespace volley
