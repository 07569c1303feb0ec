// I-LIF: graded spikes, the number of thresholds that a membrane reached.
#pragma once

#include <cmath>

#include "sim/base/check.hpp"
#include "sim/op/params.hpp"
#include "sim/tensor/spike_tensor.hpp"

namespace volley {

enum class Rounding : int { half_even, half_up };

// Fires an integer and keeps the rest, which then decays:
//   h = beta v + x,   s = round(clip(h, 0, levels)),   v = h - s
// v[-1] = 0. In: f32 [T B ...]; out: graded with `levels` levels, v: f32, both [T B ...]. beta: share of the
// membrane that stays [1]. levels: largest spike [1]. rounding: of x.5, to even (torch.round) or up (floor(x
// + 0.5)). Source: SpikeYOLO mem_update and Spike-driven Transformer V3 MultiSpike (their code); half_up: the
// large V3 models.
struct Graded {
  static constexpr std::string_view kind = "neuron.graded";
  struct Params {
    float beta = 0.25f;
    Index levels = 4;
    Rounding rounding = Rounding::half_even;

    void visit(ParamVisitor& visitor) {
      static constexpr std::string_view words[] = {"half_even", "half_up"};
      visitor.real("beta", beta, "share of the membrane that stays, 0 to 1 [1]");
      visitor.integer("levels", levels, "largest spike, 1 to 64 [1]");
      visitor.choice_of("rounding", rounding, words, "of a membrane between two integers");
    }
    void check() const {
      VOLLEY_CHECK(beta >= 0.0f && beta <= 1.0f, Fault::model, "beta is {}, wanted 0 to 1", beta);
      VOLLEY_CHECK(levels >= 1 && levels <= max_planes, Fault::model, "levels is {}, wanted 1 to {}", levels,
                   max_planes);
    }
    SpikeCode code() const { return graded_code(static_cast<int>(levels)); }
  };
  struct Derived {
    float beta, top;  // top: levels
    Rounding rounding;
  };
  struct State {
    float v;
  };

  static Derived derive(const Params& params) {
    return {params.beta, static_cast<float>(params.levels), params.rounding};
  }
  VOLLEY_HD static State fresh(const Derived&) { return {0.0f}; }
  VOLLEY_HD static float rounded(Rounding rounding, float h) {
    // Adding 2^23 leaves no bits below 1, so the sum itself rounds to even: right for 0 <= h <= 64, and no
    // call.
    constexpr float no_fraction = 8388608.0f;
    return rounding == Rounding::half_even ? (h + no_fraction) - no_fraction : std::floor(h + 0.5f);
  }
  VOLLEY_HD static int step(const Derived& derived, State& state, float x) {
    const float h = state.v * derived.beta + x;
    const float clipped = h > 0.0f ? (h < derived.top ? h : derived.top) : 0.0f;
    const float spike = rounded(derived.rounding, clipped);
    state.v = h - spike;
    return static_cast<int>(spike);
  }
};

}  // namespace volley
