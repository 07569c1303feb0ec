// Makes readouts over T running, so that one run answers for every shorter one.
#pragma once

#include "models/runtime.hpp"
#include "sim/measure/ledger.hpp"

namespace volley {

// The model with `running` set in every readout.mean over T: its outputs have T steps then, and step t is
// what a run of t + 1 steps gives, bit for bit. Throws Error where this can't be: no readout.mean over T,
// another op that gathers the steps, one that needs the steps to come or their number, or one behind the
// readout that remembers.
BuiltModel early_readout(const BuiltModel& plain, const Registry& registry);

// What a run of this many steps costs and fires.
struct ShorterRun {
  Index steps = 1;
  Cost cost;            // all samples
  Index spikes = 0;     // unit events of all neurons
  Index neurons = 0;    // places of all neurons, in all steps
  double rate() const;  // unit events for each neuron and step
};

// For 1 .. steps, from the ledger of one run of the early model (after the passes). What stands behind a
// running readout works once in a plain run: of it the last step of each shorter run is taken.
std::vector<ShorterRun> shorter_runs(const Graph& early, const Ledger& ledger, Index steps);

}  // namespace volley
