// Bytes that a node moves, from its counts and specs.
#pragma once

#include "sim/base/units.hpp"
#include "sim/measure/ledger.hpp"

namespace volley {

// Of one node over all samples and steps of a ledger; `_held` are sizes, of one sample, that have to fit
// somewhere while the node runs. docs/energy.md has the formulas.
struct Traffic {
  Bytes weights_fetched;  // one weight for each addition or product with a weight, one for each bias
  Bytes weights_held;     // as kernels hold them, padding of tiles included
  Bytes state_read;       // the whole state of the node, once in each step and sample
  Bytes state_written;
  Bytes state_held;
  Bytes spikes_read;  // bit planes: a bit for each place and plane, fired or not
  Bytes spikes_written;
  Bytes numbers_read;  // dense values
  Bytes numbers_written;
  Bytes values_held;      // inputs and first output of one step
  Index spikes_sent = 0;  // unit events of the first output, when it carries spikes

  Traffic& operator+=(const Traffic& other);
};

// in: the specs of the node's inputs as the plan has them (PlannedNode::in_specs); any batch and any steps.
// Call as traffic_of(ledger.nodes().at(node.id), *node.op, node.in_specs).
Traffic traffic_of(const NodeEntry& entry, const Operator& op, std::span<const ValueSpec> in);

}  // namespace volley
