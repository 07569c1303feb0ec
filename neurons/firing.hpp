// Threshold test and reset that the integrate-and-fire models share.
#pragma once

#include "sim/base/check.hpp"
#include "sim/op/params.hpp"

namespace volley {

enum class Reset : int { hard, soft };
enum class Fire : int { ge, gt };
enum class ResetTime : int { now, next };

// Fires when h reaches the threshold, at most once a step, and then resets:
//   s = [h >= threshold] (ge) or [h > threshold] (gt)
//   hard: v = (1 - s) h + s reset_value        soft: v = h - s threshold
// reset_time now: in the same step. next: at the start of the next step, as snnTorch does; v is then h
// itself. threshold, reset_value: [membrane]; the others are words. Source: SpikingJelly neuron.py (ge, now;
// soft is v_reset=None); snnTorch leaky.py (gt, next).
struct Firing {
  float threshold = 1.0f;
  float reset_value = 0.0f;
  Reset reset = Reset::hard;
  Fire fire = Fire::ge;
  ResetTime reset_time = ResetTime::now;

  void visit(ParamVisitor& visitor) {
    static constexpr std::string_view resets[] = {"hard", "soft"};
    static constexpr std::string_view fires[] = {"ge", "gt"};
    static constexpr std::string_view times[] = {"now", "next"};
    visitor.real("threshold", threshold, "membrane at which it fires, above 0 [membrane]");
    visitor.real("reset_value", reset_value, "membrane at rest and after a hard reset [membrane]");
    visitor.choice_of("reset", reset, resets, "to reset_value, or down by threshold");
    visitor.choice_of("fire", fire, fires, "at the threshold, or only above it");
    visitor.choice_of("reset_time", reset_time, times, "in the step of the spike, or in the next one");
  }
  void check() const {
    VOLLEY_CHECK(threshold > 0.0f, Fault::model, "threshold is {}, wanted above 0", threshold);
    VOLLEY_CHECK(reset == Reset::hard ? reset_value == reset_value : reset_value == 0.0f, Fault::model,
                 "reset_value is {}, wanted {}", reset_value,
                 reset == Reset::hard ? "a number" : "0 with reset soft");
  }
};

VOLLEY_HD inline bool fires(Fire fire, float h, float threshold) {
  return fire == Fire::ge ? h >= threshold : h > threshold;
}

// Can a neuron that leaks toward reset_value never fire without input? Only a hard reset leaves every
// membrane below the threshold. At most 0: above it the rounding of a leak toward reset_value could reach a
// threshold that is next to it.
VOLLEY_HD inline bool stays_silent(const Firing& firing) {
  return firing.reset == Reset::hard && firing.reset_value <= 0.0f;
}

// The form with products is the one that PyTorch computes: it decides the sign of zero.
VOLLEY_HD inline float after_reset(const Firing& firing, float h, bool fired) {
  const float s = fired ? 1.0f : 0.0f;
  return firing.reset == Reset::hard ? (1.0f - s) * h + s * firing.reset_value : h - s * firing.threshold;
}

// One step. charge(v) gives the membrane before the threshold test; it is called once.
template <class Charge>
VOLLEY_HD inline int charge_fire_reset(const Firing& firing, float& v, const Charge& charge) {
  if (firing.reset_time == ResetTime::now) {
    const float h = charge(v);
    const bool fired = fires(firing.fire, h, firing.threshold);
    v = after_reset(firing, h, fired);
    return fired ? 1 : 0;
  }
  const bool fired_before = fires(firing.fire, v, firing.threshold);
  v = firing.reset == Reset::hard ? charge(after_reset(firing, v, fired_before))
                                  : after_reset(firing, charge(v), fired_before);
  return fires(firing.fire, v, firing.threshold) ? 1 : 0;
}

}  // namespace volley
