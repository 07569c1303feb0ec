// Operations that a node really needed, and the spikes that they follow from.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "sim/tensor/value.hpp"

namespace volley {

// Counts, each an exact integer [operations]. docs/counting.md says what each kind is.
struct Cost {
  Index ac = 0;     // additions of a weight, a score or a value that a spike caused (one-sided event-driven)
  Index mac = 0;    // multiply-accumulates of real numbers
  Index shift = 0;  // shifts by a power of two
  Index compare = 0;  // comparisons and AND / OR of spikes: pooling, masks, row maxima
  Index add = 0;      // additions that no spike caused: bias, residual, averages
  Index special = 0;  // exp, erf, division, square root
  Index neuron = 0;   // neuron updates

  Cost& operator+=(const Cost& other);
  bool operator==(const Cost&) const = default;
};

// The kinds in one list, for reports and profiles.
struct CostKind {
  std::string_view name;
  Index Cost::*count;
};
inline constexpr std::array<CostKind, 7> cost_kinds{{{"ac", &Cost::ac},
                                                     {"mac", &Cost::mac},
                                                     {"shift", &Cost::shift},
                                                     {"compare", &Cost::compare},
                                                     {"add", &Cost::add},
                                                     {"special", &Cost::special},
                                                     {"neuron", &Cost::neuron}}};

inline Cost& Cost::operator+=(const Cost& other) {
  for (const CostKind& kind : cost_kinds) {
    this->*kind.count += other.*kind.count;
  }
  return *this;
}

// What fired on one edge. Spikes are unit events: a graded spike of value c counts c. Of dense numbers: the
// entries that are not 0.
struct Activity {
  ValueSpec spec;
  Index spikes = 0;
  std::vector<Index>
      marginal;  // spikes per index of the axes that the op asked for, row-major in the order of spec
};

// Activity of a present value, with the marginal over these axes (none: no marginal).
Activity activity_of(const Value& value, std::vector<Axis> axes);

}  // namespace volley
