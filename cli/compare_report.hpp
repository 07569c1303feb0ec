// What compare measured, its prices and its tables.
#pragma once

#include <set>

#include "cli/command.hpp"
#include "models/comparison.hpp"
#include "models/early_readout.hpp"

namespace volley::cli {

// One model after its run.
struct Measured {
  std::string name;
  Index parameters = 0;
  RunSummary summary;
  std::optional<double> accuracy;
  std::optional<double> firing_rate;  // of all neurons; nothing without neurons
  Cost cost;                          // of all samples
  Cost integer_cost;                  // of a quantised twin: the part of its integer products
  std::optional<Index> bits;          // of a quantised twin: of its activations
  std::optional<double> latency_ms;   // of one sample alone, median; not of twins
  RunSummary alone;                   // of one sample alone: memory
  double memory_picojoules = 0;       // of all samples: weights, membranes and values moved, no computing
  std::vector<ShorterRun> shorter;    // with --over-steps, of spiking models
  std::vector<double> shorter_accuracy;

  bool is_twin() const { return bits.has_value(); }
};

// A profile with the prices that integer products get: mac and ac of "X-int8" for "X-fp32" if it is there,
// else of horowitz45-int8, and of the other kinds those that the profile prices too.
struct Prices {
  Profile profile;
  Profile integer;
};
enum class Twins : std::uint8_t { none, some };  // only twins need the integer one
Prices prices_of(const Profile& profile, Twins twins);

// Energy of one model, per sample.
struct Priced {
  std::string prices;       // which price is taken for what
  double energy_uj = 0;     // compute only
  double of_events_uj = 0;  // AC times its price
  std::set<std::string> unpriced;
};
Priced priced(const Measured& one, const Prices& prices);
// As if all numbers were 8-bit integers: nothing of the kind was run.
Priced priced_as_int8(const Measured& one, const Prices& prices);

// The first of the given models is the base; twins stand behind the given ones.
struct Comparison {
  std::vector<Measured> given;
  std::vector<Measured> twins;
  std::vector<Prices> prices;  // the first one is that of the verdicts
  Prices memory;               // of the energy with memory

  Contender contender(const Measured& one, const Prices& by) const;
};
Report report_of(const Comparison& comparison);

}  // namespace volley::cli
