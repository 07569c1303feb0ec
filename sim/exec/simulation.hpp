// What one run remembers and where its values lie; made by a plan.
#pragma once

#include <deque>

#include "sim/exec/plan.hpp"

namespace volley {

// Values of the last `delay` steps of one edge.
class DelayLine {
 public:
  DelayLine(const ValueSpec& step, Index delay);
  void reset();
  // out[t] = value of step t - delay: first from the steps remembered, then from `in`. out and in hold the
  // same steps; when in is absent (a loop, stepped), out has no more steps than the delay.
  void read(const Value& in, const Value& out) const;
  void push(const Value& in);  // remember the last steps of in
  std::vector<std::span<std::byte>> bytes();

 private:
  std::deque<Value> steps_;  // oldest first, `delay` of them
};

class Simulation {
 public:
  explicit Simulation(const Plan& plan);

  void reset();  // state of step 0: between samples
  // All state, to go on later as if never stopped. restore: precondition, saved from a simulation of an equal
  // plan.
  std::vector<std::byte> save();
  void restore(std::span<const std::byte> saved);

  const Plan& plan() const { return plan_; }
  State* state(NodeId node) { return states_.at(node).get(); }
  Value& value(Port port) { return values_.at(port); }
  struct DelayedEdge {
    DelayLine line;
    Value out;
  };
  std::map<std::pair<NodeId, std::size_t>, DelayedEdge>& delayed() { return delayed_; }  // by reader and slot

 private:
  std::vector<std::span<std::byte>> all_state();

  const Plan& plan_;
  std::shared_ptr<Buffer> arena_;
  std::map<NodeId, std::unique_ptr<State>> states_;
  std::map<Port, Value> values_;
  std::map<std::pair<NodeId, std::size_t>, DelayedEdge> delayed_;
};

}  // namespace volley
