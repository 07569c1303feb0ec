// PLIF: LIF whose leak was learned, parameters, state and one step.
#pragma once

#include <cmath>

#include "neurons/firing.hpp"
#include "sim/tensor/spike_tensor.hpp"

namespace volley {

// Parametric LIF; r = reset_value, k = sigmoid(w) in f32:
//   decay_input: h = v + (x - (v - r)) k        else: h = v - (v - r) k + x
//   with r = 0:  h = v + (x - v) k                    h = v (1 - k) + x
// then fire and reset as in Firing. v[-1] = r. In: f32 [T B ...]; out: binary, v: f32, both [T B ...].
// w: weight slot of one number [1]. threshold, reset_value: [membrane]. The rest are words.
// Source: W. Fang et al., Incorporating learnable membrane time constant, ICCV 2021; SpikingJelly 0.0.0.0.12
// clock_driven/neuron.py, ParametricLIFNode: a product with k, not a division by 1 / k.
struct Plif {
  static constexpr std::string_view kind = "neuron.plif";
  static constexpr std::string_view weight_slot = "w";
  struct Params {
    float weight = 0.0f;  // w
    bool decay_input = true;
    Firing firing;

    void visit(ParamVisitor& visitor) {
      visitor.flag("decay_input", decay_input, "is the input multiplied by sigmoid(w) too?");
      firing.visit(visitor);
    }
    void check() const { firing.check(); }
    SpikeCode code() const { return binary_code(); }
  };
  struct Derived {
    Firing firing;
    float rate;  // sigmoid(w)
    float rest;  // reset_value
    bool decay_input;
  };
  struct State {
    float v;
  };

  static Derived derive(const Params& params) {
    const float rate = 1.0f / (1.0f + std::exp(-params.weight));
    return {params.firing, rate, params.firing.reset_value, params.decay_input};
  }
  VOLLEY_HD static State fresh(const Derived& derived) { return {derived.rest}; }
  VOLLEY_HD static bool stays_silent(const Derived& derived) { return volley::stays_silent(derived.firing); }
  VOLLEY_HD static float charge(const Derived& derived, float v, float x) {
    if (derived.decay_input) {
      return v + (derived.rest == 0.0f ? x - v : x - (v - derived.rest)) * derived.rate;
    }
    return derived.rest == 0.0f ? v * (1.0f - derived.rate) + x : v - (v - derived.rest) * derived.rate + x;
  }
  VOLLEY_HD static int step(const Derived& derived, State& state, float x) {
    return charge_fire_reset(derived.firing, state.v, [&](float v) { return charge(derived, v, x); });
  }
};

}  // namespace volley
