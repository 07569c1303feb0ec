// IF: a membrane without leak, parameters, state and one step.
#pragma once

#include "neurons/firing.hpp"
#include "sim/tensor/spike_tensor.hpp"

namespace volley {

// Integrate-and-fire:
//   h = v + x
// then fire and reset as in Firing. v[-1] = reset_value. In: f32 [T B ...]; out: binary, v: f32, both [T B
// ...]. threshold, reset_value: [membrane]. The rest are words. Source: SpikingJelly 0.0.0.0.12
// clock_driven/neuron.py, IFNode.
struct If {
  static constexpr std::string_view kind = "neuron.if";
  struct Params {
    Firing firing;

    void visit(ParamVisitor& visitor) { firing.visit(visitor); }
    void check() const { firing.check(); }
    SpikeCode code() const { return binary_code(); }
  };
  using Derived = Firing;
  struct State {
    float v;
  };

  static Derived derive(const Params& params) { return params.firing; }
  VOLLEY_HD static State fresh(const Derived& firing) { return {firing.reset_value}; }
  VOLLEY_HD static bool stays_silent(const Derived& firing) { return volley::stays_silent(firing); }
  VOLLEY_HD static int step(const Derived& firing, State& state, float x) {
    return charge_fire_reset(firing, state.v, [&](float v) { return v + x; });
  }
};

}  // namespace volley
