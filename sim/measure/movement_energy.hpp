// Spiking layer against its quantized twin, with the data that moves.
#pragma once

#include <optional>

#include "sim/base/device_fn.hpp"
#include "sim/base/units.hpp"

namespace volley {

// Constants of a 22 nm process. Source: Z. Yan, Z. Bai, W.-F. Wong, arXiv:2409.08290; second-hand.
struct MovementPrices {
  PicojoulesPerOperation accumulate{0.05448};                     // E_ACC; also E_CMP and E_SUB
  PicojoulesPerByte sparse_hop = per_bit(3.0);                    // an event of a spike, by the chip of Loihi
  PicojoulesPerByte dense_hop = per_bit(0.25);                    // a value of a dense vector
  PicojoulesPerByte dram = Picojoules(1300) / bytes_of_bits(64);  // the worst case of a weight
};

// One neuron with `fan_in` inputs, one inference.
struct MovementCase {
  Index steps = 5;          // T
  double spike_rate = 0;    // s_r: events for each place and step
  double qnn_zeros = 0;     // gamma: share of the twin's activations that are 0
  double mac_over_acc = 1;  // k = E_MAC / E_ACC of the twin's width
  Index fan_in = 4096;
  Index weight_bits = 4;
  double hops = 1;                                                             // of a spike, a value
  enum class Spikes : std::uint8_t { sparse, dense } spikes = Spikes::sparse;  // events, or one bit a step
  enum class Weights : std::uint8_t { resident, dram } weights = Weights::resident;  // resident: price 0
};

// The bits of an activation that hold what T binary spikes count: ceil(log2(T + 1)).
Index twin_bits(Index steps);

struct MovementEnergy {
  Picojoules compute, activations, weights;
  Picojoules total() const { return compute + activations + weights; }
};
//   compute      fan_in T s_r E_ACC + T E_CMP + T s_r E_SUB
//   activations  sparse: fan_in T s_r x 1 bit x hops x sparse_hop;  dense: fan_in T x 1 bit x hops x
//   dense_hop weights      fan_in T s_r x weight_bits x dram: each weight is fetched for each event
MovementEnergy spiking_energy(const MovementCase& layer, const MovementPrices& prices = {});
//   compute      fan_in (1 - gamma) k E_ACC
//   activations  fan_in x twin_bits x hops x dense_hop
//   weights      fan_in x weight_bits x dram: each weight once
MovementEnergy twin_energy(const MovementCase& layer, const MovementPrices& prices = {});

// Computing alone, the spiking layer wins while T s_r <= k (1 - gamma); this is that s_r.
double compute_break_even(const MovementCase& layer);
// The s_r at which both totals are equal; nothing when the spiking layer loses even without a spike.
// spike_rate of the case is not read.
std::optional<double> movement_break_even(MovementCase layer, const MovementPrices& prices = {});

}  // namespace volley
