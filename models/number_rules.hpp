// What each built-in operator proves about the numbers that leave it.
#pragma once

#include "sim/graph/value_domains.hpp"

namespace volley {

const NumberRules& number_rules();

// Bounds of each output channel of a linear or conv2d whose input lies in `in`, rounding of the sum included;
// empty for other operators and for an input without bounds.
struct ChannelBounds {
  std::vector<double> least, greatest;
};
ChannelBounds channel_bounds(const Operator& op, const NumberSet& in);

}  // namespace volley
