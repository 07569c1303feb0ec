// Features of time as plain loops in long double that count what they do.
#pragma once

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "sim/op/cost.hpp"

namespace volley::test {

using TimeWeights = std::map<std::string, std::vector<float>, std::less<>>;
using Real = long double;

// stamps [rows tokens], targets [rows] (empty: none); ref and form as the attributes.
struct TimeNumbers {
  std::string kind, form, ref;
  Index tokens = 0, bases = 0, degree = 0;
  std::vector<double> stamps, targets;
  TimeWeights weights;

  Real weight(const std::string& slot, Index i) const {
    return static_cast<Real>(weights.at(slot)[static_cast<std::size_t>(i)]);
  }
};

template <class Tally>
Real time_of(const TimeNumbers& in, std::size_t i, Tally& tally) {
  const auto tokens = static_cast<std::size_t>(in.tokens);
  const Real stamp = static_cast<Real>(in.stamps[i]);
  if (in.ref == "none") {
    return stamp;
  }
  tally.count(&Cost::add);
  return in.ref == "since_first" ? stamp - static_cast<Real>(in.stamps[i - i % tokens])
                                 : static_cast<Real>(in.targets[i / tokens]) - stamp;
}

template <class Tally>
Real sine_of(Real phase, Tally& tally) {
  tally.count(&Cost::mac);
  tally.count(&Cost::special);
  return std::sin(phase);
}

template <class Tally>
void bochner_token(const TimeNumbers& in, Real t, std::vector<float>& out, Tally& tally) {
  const Index k = in.bases;
  if (in.form == "textbook") {
    const Real scale = 1 / std::sqrt(static_cast<Real>(k));
    for (Index i = 0; i < k; ++i) {
      const Real phase = in.weight("omega", i) * t;
      tally.count(&Cost::special);
      out.push_back(static_cast<float>(scale * std::cos(phase)));
      out.push_back(static_cast<float>(scale * sine_of(phase, tally)));
    }
    return;
  }
  const bool has_beta = in.weights.contains("beta");
  for (Index i = 0; i < 2 * k; ++i) {
    const Real p = i < k ? in.weight("sin_exponent", i) : in.weight("cos_exponent", i - k);
    const Real quarter = i < k ? Real{0} : std::acos(Real{-1}) / 2;
    Real wave = sine_of(t / std::pow(Real{10}, p) + quarter, tally);
    if (has_beta) {
      tally.count(&Cost::mac);
      wave *= in.weight("beta", i);
    }
    out.push_back(static_cast<float>(wave));
  }
}

inline Real mercer_phase(const TimeNumbers& in, Index i, Index j, Real t) {
  if (in.form == "flex") {
    return t / in.weight("period", i * in.degree + j - 1);
  }
  const auto harmonic = static_cast<Real>(j);
  return in.form == "summed" ? harmonic * t / std::pow(Real{10}, in.weight("exponent", i))
                             : harmonic * t * in.weight("omega", i);
}

template <class Tally>
void mercer_token(const TimeNumbers& in, Real t, std::vector<float>& out, Tally& tally) {
  const Index d = in.degree;
  const bool is_textbook = in.form == "textbook";
  for (Index i = 0; i < in.bases; ++i) {
    if (is_textbook) {
      out.push_back(static_cast<float>(std::sqrt(in.weight("coefficient", i * (2 * d + 1)))));
    }
    Real sum = 0;
    for (Index j = 1; j <= d; ++j) {
      const Real phase = mercer_phase(in, i, j, t);
      const Real sine = sine_of(phase, tally);
      const Real cosine = std::cos(phase);
      tally.count(&Cost::special);
      tally.count(&Cost::mac, 2);
      if (is_textbook) {
        const Index c = i * (2 * d + 1) + 2 * j - 1;
        out.push_back(static_cast<float>(std::sqrt(in.weight("coefficient", c)) * cosine));
        out.push_back(static_cast<float>(std::sqrt(in.weight("coefficient", c + 1)) * sine));
      } else {
        sum += in.weight("coefficient", i * 2 * d + j - 1) * sine;
        sum += in.weight("coefficient", i * 2 * d + d + j - 1) * cosine;
      }
    }
    if (in.weights.contains("bias")) {
      tally.count(&Cost::add);
      sum += in.weight("bias", i);
    }
    if (!is_textbook) {
      out.push_back(static_cast<float>(sum));
    }
  }
}

template <class Tally>
std::vector<float> time_reference(const TimeNumbers& in, Tally& tally) {
  std::vector<float> out;
  for (std::size_t i = 0; i < in.stamps.size(); ++i) {
    const Real t = time_of(in, i, tally);
    if (in.kind == "time.bochner") {
      bochner_token(in, t, out, tally);
    } else {
      mercer_token(in, t, out, tally);
    }
  }
  return out;
}

}  // namespace volley::test
