// LIF: a leaky membrane, parameters, state and one step.
#pragma once

#include "neurons/firing.hpp"
#include "sim/op/kernel_table.hpp"

namespace volley {

// Leaky integrate-and-fire; r = reset_value.
//   decay_input: h = v + (x - (v - r)) / tau        else: h = v - (v - r) / tau + x
//   with r = 0:  h = v + (x - v) / tau                    h = c v + x,  c = 1 - 1 / tau
// then fire and reset as in Firing. v[-1] = r. In: f32 [T B ...]; out: binary, v: f32, both [T B ...].
// tau: time constant [steps], at least 1. threshold, reset_value: [membrane]. The rest are words.
// Sums are in this order, each rounded to f32; c is formed in double. snnTorch's v = c v + x - s threshold is
// decay_input false, reset soft, fire gt, reset_time next.
// Source: SpikingJelly 0.0.0.0.12 clock_driven/neuron.py, LIFNode (bit-equal); snnTorch leaky.py.
struct Lif {
  static constexpr std::string_view kind = "neuron.lif";
  struct Params {
    float tau = 2.0f;
    bool decay_input = true;
    Firing firing;

    void visit(ParamVisitor& visitor) {
      visitor.real("tau", tau, "time constant, at least 1 [steps]");
      visitor.flag("decay_input", decay_input, "is the input divided by tau too?");
      firing.visit(visitor);
    }
    void check() const {
      VOLLEY_CHECK(tau >= 1.0f, Fault::model, "tau is {}, wanted at least 1", tau);
      firing.check();
    }
    SpikeCode code() const { return binary_code(); }
  };
  struct Derived {
    Firing firing;
    float tau;
    float keep;  // share of v that stays, when the input does not decay
    float rest;  // reset_value
    bool decay_input;
  };
  struct State {
    float v;
  };

  static Derived derive(const Params& params) {
    const auto keep = static_cast<float>(1.0 - 1.0 / static_cast<double>(params.tau));
    return {params.firing, params.tau, keep, params.firing.reset_value, params.decay_input};
  }
  VOLLEY_HD static State fresh(const Derived& derived) { return {derived.rest}; }
  VOLLEY_HD static bool stays_silent(const Derived& derived) { return volley::stays_silent(derived.firing); }
  VOLLEY_HD static float charge(const Derived& derived, float v, float x) {
    if (derived.decay_input) {
      return v + (derived.rest == 0.0f ? x - v : x - (v - derived.rest)) / derived.tau;
    }
    return derived.rest == 0.0f ? v * derived.keep + x : v - (v - derived.rest) / derived.tau + x;
  }
  VOLLEY_HD static int step(const Derived& derived, State& state, float x) {
    return charge_fire_reset(derived.firing, state.v, [&](float v) { return charge(derived, v, x); });
  }

  static void install_fast(KernelTable& table);  // kernel "hwy"
  // n steps of zero input, or false: not these parameters.
  static bool idle_fast(const Derived& derived, std::span<State> cells, Index n);
};

}  // namespace volley
