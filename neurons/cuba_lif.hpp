// CUBA-LIF: the input is a current that decays too.
#pragma once

#include "neurons/firing.hpp"
#include "sim/tensor/spike_tensor.hpp"

namespace volley {

// Current-based LIF:
//   c = c c_decay + x,   h = v v_decay + c
// then fire and reset as in Firing. c[-1] = 0, v[-1] = reset_value.
// In: f32 [T B ...]; out: binary, v: f32, both [T B ...]. c_decay, v_decay: share that stays, 0 to 1 [1].
// threshold, reset_value: [membrane]. The rest are words.
// Source: SpikingJelly functional.cuba_lif_step (defaults too).
struct CubaLif {
  static constexpr std::string_view kind = "neuron.cuba_lif";
  struct Params {
    float c_decay = 0.5f;
    float v_decay = 0.75f;
    Firing firing{.threshold = 0.5f};

    void visit(ParamVisitor& visitor) {
      visitor.real("c_decay", c_decay, "share of the current that stays, 0 to 1 [1]");
      visitor.real("v_decay", v_decay, "share of the membrane that stays, 0 to 1 [1]");
      firing.visit(visitor);
    }
    void check() const {
      VOLLEY_CHECK(c_decay >= 0.0f && c_decay <= 1.0f, Fault::model, "c_decay is {}, wanted 0 to 1", c_decay);
      VOLLEY_CHECK(v_decay >= 0.0f && v_decay <= 1.0f, Fault::model, "v_decay is {}, wanted 0 to 1", v_decay);
      firing.check();
    }
    SpikeCode code() const { return binary_code(); }
  };
  using Derived = Params;
  struct State {
    float current, v;
  };

  static Derived derive(const Params& params) { return params; }
  VOLLEY_HD static State fresh(const Derived& derived) { return {0.0f, derived.firing.reset_value}; }
  VOLLEY_HD static int step(const Derived& derived, State& state, float x) {
    state.current = state.current * derived.c_decay + x;
    return charge_fire_reset(derived.firing, state.v,
                             [&](float v) { return v * derived.v_decay + state.current; });
  }
};

}  // namespace volley
