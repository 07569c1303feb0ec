// ALIF: a threshold that rises with each spike.
#pragma once

#include "neurons/firing.hpp"
#include "sim/tensor/spike_tensor.hpp"

namespace volley {

// Adaptive LIF:
//   h = alpha v + x,   th = threshold + beta a,   s = [h >= th],   v = h - s th,   a = rho a + s
// v[-1] = a[-1] = 0. In: f32 [T B ...]; out: binary, v: f32, both [T B ...].
// alpha, rho: share of membrane and of adaptation that stays, 0 to 1 [1]. beta: rise of the threshold a
// spike, at least 0 [membrane]. threshold: [membrane]. No published constants are agreed on, so alpha, beta
// and rho have no default. Source: after G. Bellec et al., Long short-term memory in networks of spiking
// neurons, 2018. UNVERIFIED: not compared with their paper or code; the paper may differ in the order of
// updates.
struct Adaptive {
  static constexpr std::string_view kind = "neuron.adaptive";
  struct Params {
    float alpha = 0.0f;
    float beta = 0.0f;
    float rho = 0.0f;
    float threshold = 1.0f;
    Fire fire = Fire::ge;

    void visit(ParamVisitor& visitor) {
      static constexpr std::string_view words[] = {"ge", "gt"};
      visitor.real("alpha", alpha, "share of the membrane that stays, 0 to 1 [1]", Need::required);
      visitor.real("beta", beta, "rise of the threshold a spike, at least 0 [membrane]", Need::required);
      visitor.real("rho", rho, "share of the adaptation that stays, 0 to 1 [1]", Need::required);
      visitor.real("threshold", threshold, "membrane at which it fires at rest, above 0 [membrane]");
      visitor.choice_of("fire", fire, words, "at the threshold, or only above it");
    }
    void check() const {
      VOLLEY_CHECK(alpha >= 0.0f && alpha <= 1.0f, Fault::model, "alpha is {}, wanted 0 to 1", alpha);
      VOLLEY_CHECK(beta >= 0.0f, Fault::model, "beta is {}, wanted at least 0", beta);
      VOLLEY_CHECK(rho >= 0.0f && rho <= 1.0f, Fault::model, "rho is {}, wanted 0 to 1", rho);
      VOLLEY_CHECK(threshold > 0.0f, Fault::model, "threshold is {}, wanted above 0", threshold);
    }
    SpikeCode code() const { return binary_code(); }
  };
  using Derived = Params;
  struct State {
    float v, adaptation;
  };

  static Derived derive(const Params& params) { return params; }
  VOLLEY_HD static State fresh(const Derived&) { return {0.0f, 0.0f}; }
  VOLLEY_HD static int step(const Derived& derived, State& state, float x) {
    const float h = derived.alpha * state.v + x;
    const float threshold = derived.threshold + derived.beta * state.adaptation;
    const bool fired = fires(derived.fire, h, threshold);
    const float s = fired ? 1.0f : 0.0f;
    state.v = h - s * threshold;
    state.adaptation = derived.rho * state.adaptation + s;
    return fired ? 1 : 0;
  }
};

}  // namespace volley
