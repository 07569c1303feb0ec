// Spiking layer against its quantized twin, with the data that moves.
#include "sim/measure/movement_energy.hpp"

#include <bit>
#include <cmath>

#include "sim/base/check.hpp"

namespace volley {
namespace {

void check(const MovementCase& layer) {
  VOLLEY_CHECK(layer.steps >= 1 && layer.fan_in >= 1 && layer.weight_bits >= 1, Fault::usage,
               "T is {}, fan-in {}, weight bits {}, wanted 1 or more", layer.steps, layer.fan_in,
               layer.weight_bits);
  VOLLEY_CHECK(layer.spike_rate >= 0 && std::isfinite(layer.spike_rate), Fault::usage,
               "the spike rate is {}, wanted 0 or more", layer.spike_rate);
  VOLLEY_CHECK(layer.qnn_zeros >= 0 && layer.qnn_zeros <= 1, Fault::usage,
               "the share of zeros is {}, wanted 0 to 1", layer.qnn_zeros);
  VOLLEY_CHECK(layer.mac_over_acc > 0 && layer.hops >= 0, Fault::usage,
               "E_MAC / E_ACC is {} and hops {}, wanted above 0, and 0 or more", layer.mac_over_acc,
               layer.hops);
}

PicojoulesPerByte weight_price(const MovementCase& layer, const MovementPrices& prices) {
  return layer.weights == MovementCase::Weights::dram ? prices.dram : PicojoulesPerByte(0);
}

}  // namespace

Index twin_bits(Index steps) {
  VOLLEY_CHECK(steps >= 1, Fault::usage, "T is {}, wanted 1 or more", steps);
  return std::bit_width(static_cast<std::uint64_t>(steps));  // = ceil(log2(T + 1)) of integers
}

MovementEnergy spiking_energy(const MovementCase& layer, const MovementPrices& prices) {
  check(layer);
  const auto steps = static_cast<double>(layer.steps);
  const auto fan_in = static_cast<double>(layer.fan_in);
  const double events = fan_in * steps * layer.spike_rate;
  MovementEnergy energy;
  energy.compute = Operations(events + steps + steps * layer.spike_rate) * prices.accumulate;
  energy.activations = layer.spikes == MovementCase::Spikes::sparse
                           ? bytes_of_bits(events) * layer.hops * prices.sparse_hop
                           : bytes_of_bits(fan_in * steps) * layer.hops * prices.dense_hop;
  energy.weights =
      bytes_of_bits(events * static_cast<double>(layer.weight_bits)) * weight_price(layer, prices);
  return energy;
}

MovementEnergy twin_energy(const MovementCase& layer, const MovementPrices& prices) {
  check(layer);
  const auto fan_in = static_cast<double>(layer.fan_in);
  MovementEnergy energy;
  energy.compute = Operations(fan_in * (1 - layer.qnn_zeros) * layer.mac_over_acc) * prices.accumulate;
  energy.activations =
      bytes_of_bits(fan_in * static_cast<double>(twin_bits(layer.steps))) * layer.hops * prices.dense_hop;
  energy.weights =
      bytes_of_bits(fan_in * static_cast<double>(layer.weight_bits)) * weight_price(layer, prices);
  return energy;
}

double compute_break_even(const MovementCase& layer) {
  check(layer);
  return layer.mac_over_acc * (1 - layer.qnn_zeros) / static_cast<double>(layer.steps);
}

std::optional<double> movement_break_even(MovementCase layer, const MovementPrices& prices) {
  layer.spike_rate = 0;
  const Picojoules silent = spiking_energy(layer, prices).total();
  const Picojoules twin = twin_energy(layer, prices).total();
  layer.spike_rate = 1;  // the energy is a line in s_r
  const Picojoules full = spiking_energy(layer, prices).total();
  if (twin < silent) {
    return std::nullopt;
  }
  return (twin - silent) / (full - silent);
}

}  // namespace volley
