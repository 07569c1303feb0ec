// Neurons as straight lines, one neuron at a time, from the published equations.
#pragma once

#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "sim/op/params.hpp"

namespace volley::test {

// Spikes and the membrane that stays after each step. updates: neuron updates done.
template <class Real>
struct NeuronTrace {
  std::vector<int> spikes;
  std::vector<Real> v;
  Index updates = 0;
};

struct AttributeReader {
  const Attributes& attributes;

  // Rounded to f32 as the operator holds it.
  float real(const std::string& name, double otherwise) const {
    const auto at = attributes.find(name);
    return static_cast<float>(at == attributes.end() ? otherwise : std::get<double>(at->second));
  }
  bool flag(const std::string& name, bool otherwise) const {
    const auto at = attributes.find(name);
    return at == attributes.end() ? otherwise : std::get<bool>(at->second);
  }
  bool says(const std::string& name, const std::string& word) const {
    const auto at = attributes.find(name);
    return at != attributes.end() && std::get<std::string>(at->second) == word;
  }
};

// IF, LIF, PLIF and CUBA-LIF differ in how h comes from v, c and x.
template <class Real>
NeuronTrace<Real> firing_ref(const std::string& kind, const AttributeReader& a, float w,
                             std::span<const float> x) {
  const Real theta = a.real("threshold", kind == "neuron.cuba_lif" ? 0.5 : 1.0);
  const Real rest = a.real("reset_value", 0);
  const bool soft = a.says("reset", "soft");
  const bool above_only = a.says("fire", "gt");
  const bool late = a.says("reset_time", "next");
  const bool decay_input = a.flag("decay_input", true);
  const float tau = a.real("tau", 2);
  const Real c = static_cast<Real>(1.0 - 1.0 / static_cast<double>(tau));
  const Real k = Real(1) / (Real(1) + std::exp(-static_cast<Real>(w)));
  const Real c_decay = a.real("c_decay", 0.5);
  const Real v_decay = a.real("v_decay", 0.75);
  NeuronTrace<Real> trace;
  Real v = rest;
  Real current = 0;
  bool fired = false;
  for (const float input : x) {
    const Real in = input;
    if (late && fired && !soft) {
      v = rest;
    }
    Real h = v + in;
    if (kind == "neuron.lif") {
      const Real pull = rest == 0 ? v : v - rest;
      h = decay_input ? v + (in - pull) / tau : rest == 0 ? v * c + in : v - pull / tau + in;
    } else if (kind == "neuron.plif") {
      const Real pull = rest == 0 ? v : v - rest;
      h = decay_input ? v + (in - pull) * k : rest == 0 ? v * (1 - k) + in : v - pull * k + in;
    } else if (kind == "neuron.cuba_lif") {
      current = current * c_decay + in;
      h = v * v_decay + current;
    }
    if (late && fired && soft) {
      h -= theta;
    }
    fired = above_only ? h > theta : h >= theta;
    v = h;
    if (fired && !late) {
      v = soft ? h - theta : rest;
    }
    trace.spikes.push_back(fired ? 1 : 0);
    trace.v.push_back(v);
    ++trace.updates;
  }
  return trace;
}

template <class Real>
NeuronTrace<Real> ternary_ref(const AttributeReader& a, std::span<const float> x) {
  const Real tau = a.real("tau", 0);
  const Real theta = a.real("threshold", 0);
  const Real reset_value = a.real("reset_value", 0);
  const bool ternary_spike = a.says("form", "ternary_spike");
  const bool above_only = a.says("fire", "gt");
  NeuronTrace<Real> trace;
  Real memory = 0;
  for (const float input : x) {
    const Real u = ternary_spike ? tau * memory + input : memory + input;
    const bool fired = above_only ? std::abs(u) > theta : std::abs(u) >= theta;
    const int s = !fired ? 0 : u > 0 ? 1 : -1;
    if (fired) {
      memory = ternary_spike ? Real(0) : reset_value * static_cast<Real>(s);
    } else {
      memory = ternary_spike ? u : tau * u;
    }
    trace.spikes.push_back(s);
    trace.v.push_back(memory);
    ++trace.updates;
  }
  return trace;
}

// Rounds by looking at the fraction, with no help of the machine's rounding.
inline int round_ref(double h, bool half_up) {
  const int below = static_cast<int>(std::floor(h));
  const double fraction = h - below;
  if (fraction == 0.5) {
    return half_up || below % 2 == 1 ? below + 1 : below;
  }
  return fraction > 0.5 ? below + 1 : below;
}

template <class Real>
NeuronTrace<Real> graded_ref(const AttributeReader& a, std::span<const float> x) {
  const Real beta = a.real("beta", 0.25);
  const Real top = a.real("levels", 4);
  NeuronTrace<Real> trace;
  Real h = 0;
  int s = 0;
  for (const float input : x) {
    h = beta * (h - static_cast<Real>(s)) + input;
    s = round_ref(std::min(std::max(h, Real(0)), top), a.says("rounding", "half_up"));
    trace.spikes.push_back(s);
    trace.v.push_back(h - static_cast<Real>(s));
    ++trace.updates;
  }
  return trace;
}

template <class Real>
NeuronTrace<Real> adaptive_ref(const AttributeReader& a, std::span<const float> x) {
  const Real alpha = a.real("alpha", 0);
  const Real beta = a.real("beta", 0);
  const Real rho = a.real("rho", 0);
  const Real theta = a.real("threshold", 1);
  NeuronTrace<Real> trace;
  Real v = 0;
  Real adaptation = 0;
  for (const float input : x) {
    v = alpha * v + input;
    const Real th = theta + beta * adaptation;
    adaptation = rho * adaptation;
    const bool fired = a.says("fire", "gt") ? v > th : v >= th;
    if (fired) {
      v -= th;
      adaptation += 1;
    }
    trace.spikes.push_back(fired ? 1 : 0);
    trace.v.push_back(v);
    ++trace.updates;
  }
  return trace;
}

template <class Real>
NeuronTrace<Real> neuron_ref(const std::string& kind, const Attributes& attributes, float w,
                             std::span<const float> x) {
  const AttributeReader a{attributes};
  if (kind == "neuron.ternary") {
    return ternary_ref<Real>(a, x);
  }
  if (kind == "neuron.graded") {
    return graded_ref<Real>(a, x);
  }
  if (kind == "neuron.adaptive") {
    return adaptive_ref<Real>(a, x);
  }
  return firing_ref<Real>(kind, a, w, x);
}

}  // namespace volley::test
