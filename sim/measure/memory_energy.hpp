// Energy with memory: weights, membranes and spikes through SRAM and DRAM; chips with a network.
#pragma once

#include "sim/measure/energy.hpp"
#include "sim/measure/traffic.hpp"

namespace volley {

// Sizes of the three SRAM buffers that a node has to itself while it runs. What does not fit into its buffer
// comes from DRAM, in each access.
struct Hierarchy {
  Bytes weights{1048576};
  Bytes state{32768};
  Bytes values{32768};  // spikes and numbers that come in and go out
};

struct MemoryEnergy {
  Picojoules compute, weights, state, spikes, numbers;
  Bytes from_dram;                    // bytes of all kinds that came from DRAM or went there
  std::vector<std::string> unpriced;  // kinds of operations that occurred and have no price

  Picojoules total() const { return compute + weights + state + spikes + numbers; }
  MemoryEnergy& operator+=(const MemoryEnergy& other);
};

// Memory-inclusive energy of one node: energy_of(cost) + bytes x price per byte of the SRAM that holds them,
// or of DRAM. Sum it over the nodes. Source: the terms of Yan, Bai, Wong, arXiv:2409.08290 (a weight fetched
// for each event, membranes read and written in each step), prices by M. Horowitz, ISSCC 2014;
// docs/energy.md. Throws Error when the profile has no SRAM, a buffer lies outside of its points, or DRAM is
// needed and has no price.
MemoryEnergy memory_inclusive_energy(const Cost& cost, const Traffic& traffic, const Profile& profile,
                                     const Hierarchy& hierarchy = {});

struct ChipEnergy {
  Picojoules compute;  // synaptic operations and neuron updates
  Picojoules network;  // spikes sent, and their hops
  std::vector<std::string> unpriced;

  Picojoules total() const { return compute + network; }
};

// A neuromorphic chip: energy_of(cost) (a synaptic operation is an `ac`) + spikes x (spike_out + hops x hop).
// hops: mean number of hops of a spike; where the neurons lie is not modelled.
// Source: the tables of Davies et al., IEEE Micro 2018; event kinds as in SANA-FE (Boyle et al. 2023).
ChipEnergy chip_energy(const Cost& cost, const Traffic& traffic, const Profile& profile, double hops);

}  // namespace volley
