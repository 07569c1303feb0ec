// A NIR graph as a model: continuous time in, steps out.
#pragma once

#include "models/families/blocks.hpp"
#include "sim/io/nir_file.hpp"

namespace volley {

// How tau v' = (v_leak - v) + r I becomes steps of dt. With a = dt / tau:
//   euler:        v <- (1 - a) v + a r I + a v_leak              (snnTorch, Norse, SpikingJelly, Nengo, Spyx)
//   exact:        v <- e v + (1 - e) r I + (1 - e) v_leak, e = exp(-a): exact for a constant I
//   exponential:  v <- e v + a r I + a v_leak                    (Sinabs, Rockpool)
// Synaptic currents tau_syn I' = -I + w_in S likewise, and the membrane sees the new current. I and IF:
// v <- v + r dt I. Constants are formed in double and rounded once.
enum class TimeRule : std::uint8_t { euler, exact, exponential };

struct NirOptions {
  double dt = 1e-4;  // [the file's unit of time, seconds as exporters write it]
  TimeRule rule = TimeRule::euler;
  // Attributes of every spiking neuron; NIR says: above the threshold, to v_reset, at once.
  std::string fire = "gt", reset = "hard", reset_time = "now";
};

struct ImportedModel {
  BuiltModel model;
  std::vector<std::string> notes;  // what was taken from where, for the user to read
};

// Every node type of NIR 1.0: Input, Output, Affine, Linear, Conv1d, Conv2d, SumPool2d, AvgPool2d, Flatten,
// Scale, Threshold, Delay, I, IF, LI, LIF, CubaLI, CubaLIF, NIRGraph. Arrays that come in have an axis T.
// Recurrent edges take one step. Refused by node: other types, a parameter that is missing or of another
// shape, strides or paddings that differ in y and x, dilation, a Delay that differs from place to place or is
// no multiple of dt, dt of 0 or less.
ImportedModel import_nir(const NirFile& file, const NirOptions& options);

}  // namespace volley
