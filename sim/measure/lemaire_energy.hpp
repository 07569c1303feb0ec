// The energy model of Lemaire et al. for one layer.
#pragma once

#include "sim/measure/energy.hpp"

namespace volley {

// A convolution with the neurons behind it; a full connection is kernel = out_y = out_x = stride = 1.
struct LemaireLayer {
  enum class Kind : std::uint8_t { conv, fc } kind = Kind::conv;
  Index in_channels = 0, out_channels = 0;
  Index in_y = 1, in_x = 1, out_y = 1, out_x = 1;
  Index kernel = 1;
  Index stride = 1;
  Index steps = 1;        // T
  double spikes_in = 0;   // theta: input spikes of one sample over all steps
  double spikes_out = 0;  // theta_out
  bool has_bias = true;
  bool leaks = true;  // LIF; an integrate-and-fire neuron multiplies nothing
};

// Sizes of the memories of a layer; each access costs what the SRAM line says for the size.
struct LemaireMemory {
  Bytes input, parameters, potentials, output;
};

// E = E_ops + E_mem + E_addr.
struct LemaireEnergy {
  Operations accumulates, multiply_accumulates;  // of E_ops
  Operations address_accumulates, address_macs;  // of E_addr
  Accesses input_reads, parameter_reads, potential_reads, potential_writes, output_writes;
  Picojoules operations, memory, addressing;

  Picojoules total() const { return operations + memory + addressing; }
};

// With N = out_channels x out_y x out_x and K, s, T, C of the layer:
//   ops   ACC = theta ceil(K / s)^2 C_out + T N [bias] + theta_out,   MAC = T N [leak]
//         fc: ACC = theta N + T N [bias] + theta_out,                 MAC = T N [leak]
//   mem   reads: input theta, parameters theta C_out K^2 + T N [bias], potentials theta C_out K^2 + T N;
//         writes: potentials as read, output theta_out
//   addr  conv: 2 MAC and C_out K^2 ACC for each input spike;  fc: theta N ACC
// Prices: `ac` and `mac` of the profile (int32: 0.1 and 3.2 pJ), its SRAM line for each access.
// Source: E. Lemaire et al., An analytical estimation of spiking neural networks energy efficiency, ICONIP
// 2022, arXiv:2210.13107; formulas second-hand, by way of code of others. The factor T on the terms of bias
// and potential is not verified.
LemaireEnergy lemaire_energy(const LemaireLayer& layer, const LemaireMemory& memory, const Profile& profile);

// The same layer as a dense network, one pass: MAC = C_out C_in H W K^2, ACC = N [bias]; reads: input as MAC,
// parameters (C_in K^2 + 1) N; writes N; addr ACC = C_in H W + N + C_out K^2, where H W is the input's.
// kind fc: the same with K = 1 on one place, which is ours and not in the source.
LemaireEnergy lemaire_dense_energy(const LemaireLayer& layer, const LemaireMemory& memory,
                                   const Profile& profile);

}  // namespace volley
