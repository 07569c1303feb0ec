// Who listens to a run. A recorder changes no value.
#pragma once

#include "sim/op/node_id.hpp"
#include "sim/op/operator.hpp"

namespace volley {

class Recorder {
 public:
  virtual ~Recorder() = default;
  virtual bool wants_cost() const { return false; }
  virtual bool wants_value(Port) const { return false; }
  virtual bool wants_time() const { return false; }
  virtual bool wants_products() const { return false; }

  // Cost of one step of one batch, and what fired on the node's inputs and outputs.
  virtual void on_cost(NodeId, Index /*step*/, const Cost&, std::span<const Activity> /*in*/,
                       std::span<const Activity> /*out*/) {}
  // Products of one sample in one step; only of nodes that have some.
  virtual void on_products(NodeId, Index /*step*/, Index /*sample*/, std::span<const Product>) {}
  // The value is valid during the call only.
  virtual void on_value(Port, StepRange, Index /*first_sample*/, const Value&) {}
  virtual void on_time(NodeId, StepRange, std::int64_t /*nanoseconds*/) {}
};

}  // namespace volley
