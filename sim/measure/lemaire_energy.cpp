// The energy model of Lemaire et al. for one layer.
#include "sim/measure/lemaire_energy.hpp"

#include "sim/base/check.hpp"

namespace volley {
namespace {

PicojoulesPerOperation price(const Profile& profile, const std::string& op) {
  const auto at = profile.prices.find(op);
  VOLLEY_CHECK(at != profile.prices.end(), Fault::model,
               "profile '{}' has no price of '{}', which the model of Lemaire needs", profile.id, op);
  return at->second.each();
}

void add_prices(const LemaireMemory& memory, const Profile& profile, LemaireEnergy& energy) {
  VOLLEY_CHECK(profile.sram.has_value(), Fault::model,
               "profile '{}' has no price of SRAM, which the model of Lemaire needs", profile.id);
  const SramLine& sram = *profile.sram;
  const auto ac = price(profile, "ac");
  const auto mac = price(profile, "mac");
  energy.operations = energy.accumulates * ac + energy.multiply_accumulates * mac;
  energy.addressing = energy.address_accumulates * ac + energy.address_macs * mac;
  energy.memory = energy.input_reads * sram.read_access(memory.input) +
                  energy.parameter_reads * sram.read_access(memory.parameters) +
                  energy.potential_reads * sram.read_access(memory.potentials) +
                  energy.potential_writes * sram.write_access(memory.potentials) +
                  energy.output_writes * sram.write_access(memory.output);
}

void check(const LemaireLayer& layer) {
  VOLLEY_CHECK(layer.in_channels >= 1 && layer.out_channels >= 1 && layer.in_y >= 1 && layer.in_x >= 1 &&
                   layer.out_y >= 1 && layer.out_x >= 1 && layer.kernel >= 1 && layer.stride >= 1 &&
                   layer.steps >= 1,
               Fault::usage, "a size of the layer is below 1");
  VOLLEY_CHECK(layer.spikes_in >= 0 && layer.spikes_out >= 0, Fault::usage,
               "the layer has {} spikes in and {} out, wanted 0 or more", layer.spikes_in, layer.spikes_out);
  VOLLEY_CHECK(layer.kind == LemaireLayer::Kind::conv ||
                   (layer.kernel == 1 && layer.stride == 1 && layer.in_y * layer.in_x == 1 &&
                    layer.out_y * layer.out_x == 1),
               Fault::usage, "a full connection has kernel, stride and places 1");
}

}  // namespace

LemaireEnergy lemaire_energy(const LemaireLayer& layer, const LemaireMemory& memory, const Profile& profile) {
  check(layer);
  const bool is_conv = layer.kind == LemaireLayer::Kind::conv;
  const auto taps = static_cast<double>(layer.kernel * layer.kernel);
  const Index reach = (layer.kernel + layer.stride - 1) / layer.stride;
  const auto channels = static_cast<double>(layer.out_channels);
  const double updates =
      static_cast<double>(layer.steps) * channels * static_cast<double>(layer.out_y * layer.out_x);
  const double bias = layer.has_bias ? updates : 0;
  LemaireEnergy energy;
  energy.accumulates =
      Operations(layer.spikes_in * static_cast<double>(reach * reach) * channels + bias + layer.spikes_out);
  energy.multiply_accumulates = Operations(layer.leaks ? updates : 0);
  energy.address_accumulates = Operations(layer.spikes_in * channels * taps);
  energy.address_macs = Operations(is_conv ? 2 * layer.spikes_in : 0);
  energy.input_reads = Accesses(layer.spikes_in);
  energy.parameter_reads = Accesses(layer.spikes_in * channels * taps + bias);
  energy.potential_reads = Accesses(layer.spikes_in * channels * taps + updates);
  energy.potential_writes = energy.potential_reads;
  energy.output_writes = Accesses(layer.spikes_out);
  add_prices(memory, profile, energy);
  return energy;
}

LemaireEnergy lemaire_dense_energy(const LemaireLayer& layer, const LemaireMemory& memory,
                                   const Profile& profile) {
  check(layer);
  const auto depth = static_cast<double>(layer.in_channels * layer.kernel * layer.kernel);
  const auto outputs = static_cast<double>(layer.out_channels * layer.out_y * layer.out_x);
  LemaireEnergy energy;
  energy.multiply_accumulates = Operations(outputs * depth);
  energy.accumulates = Operations(layer.has_bias ? outputs : 0);
  energy.input_reads = Accesses(outputs * depth);
  energy.parameter_reads = Accesses((depth + (layer.has_bias ? 1 : 0)) * outputs);
  energy.output_writes = Accesses(outputs);
  energy.address_accumulates =
      Operations(static_cast<double>(layer.in_channels * layer.in_y * layer.in_x) + outputs +
                 static_cast<double>(layer.out_channels * layer.kernel * layer.kernel));
  add_prices(memory, profile, energy);
  return energy;
}

}  // namespace volley
