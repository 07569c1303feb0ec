// Ternary neurons: spikes of -1, 0 and +1, two published forms.
#pragma once

#include "neurons/firing.hpp"
#include "sim/tensor/spike_tensor.hpp"

namespace volley {

enum class TernaryForm : int { tsn, ternary_spike };

// Fires with the sign of the membrane when its size reaches the threshold:
//   s = sign(u) [|u| >= threshold]
//   tsn:           u = v + x,      v = reset_value s + tau u (1 - |s|)
//   ternary_spike: u = tau v + x,  v = u (1 - |s|)
// v[-1] = 0. In: f32 [T B ...]; out: bipolar, v: f32, both [T B ...].
// tau: share of the membrane that stays, in (0, 1] [1]. threshold: [membrane]; the authors' code of
// ternary_spike fires at half of its V_th: this is the effective one. reset_value: [membrane], tsn only.
// Source: tsn: BSA, equations 9 to 11 (a tie is not defined there; ge); ternary_spike: Y. Guo et al., Ternary
// Spike, AAAI 2024, and its code.
struct Ternary {
  static constexpr std::string_view kind = "neuron.ternary";
  struct Params {
    TernaryForm form = TernaryForm::tsn;
    float tau = 0.0f;
    float threshold = 0.0f;
    float reset_value = 0.0f;
    Fire fire = Fire::ge;

    void visit(ParamVisitor& visitor) {
      static constexpr std::string_view forms[] = {"tsn", "ternary_spike"};
      static constexpr std::string_view words[] = {"ge", "gt"};
      visitor.choice_of("form", form, forms,
                        "does the membrane decay after the reset, or before the input comes?");
      visitor.real("tau", tau, "share of the membrane that stays, in (0, 1] [1]", Need::required);
      visitor.real("threshold", threshold, "size of the membrane at which it fires, above 0 [membrane]",
                   Need::required);
      visitor.real("reset_value", reset_value, "membrane after a spike of +1, tsn only [membrane]");
      visitor.choice_of("fire", fire, words, "at the threshold, or only above it");
    }
    void check() const {
      VOLLEY_CHECK(tau > 0.0f && tau <= 1.0f, Fault::model, "tau is {}, wanted above 0 and at most 1", tau);
      VOLLEY_CHECK(threshold > 0.0f, Fault::model, "threshold is {}, wanted above 0", threshold);
      VOLLEY_CHECK(form == TernaryForm::tsn ? reset_value == reset_value : reset_value == 0.0f, Fault::model,
                   "reset_value is {}, wanted {}", reset_value,
                   form == TernaryForm::tsn ? "a number" : "0 with form ternary_spike");
    }
    SpikeCode code() const { return bipolar_code(); }
  };
  using Derived = Params;
  struct State {
    float v;
  };

  static Derived derive(const Params& params) { return params; }
  VOLLEY_HD static State fresh(const Derived&) { return {0.0f}; }
  // tau is at most 1, so a membrane that did not fire does not grow; one that was set must not fire either.
  VOLLEY_HD static bool stays_silent(const Derived& derived) {
    const float after = derived.reset_value < 0.0f ? -derived.reset_value : derived.reset_value;
    return !fires(derived.fire, after, derived.threshold);
  }
  VOLLEY_HD static int step(const Derived& derived, State& state, float x) {
    const bool is_tsn = derived.form == TernaryForm::tsn;
    const float u = is_tsn ? state.v + x : derived.tau * state.v + x;
    const int spike = fires(derived.fire, u < 0.0f ? -u : u, derived.threshold) ? (u < 0.0f ? -1 : 1) : 0;
    const float kept = spike == 0 ? 1.0f : 0.0f;  // 1 - |s|
    state.v = is_tsn ? derived.reset_value * static_cast<float>(spike) + derived.tau * u * kept : u * kept;
    return spike;
  }
};

}  // namespace volley
