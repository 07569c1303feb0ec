// How far a neuron was from its threshold in one step.
#pragma once

#include <optional>
#include <span>

#include "sim/op/operator.hpp"

namespace volley {

// |h - threshold| of a neuron in the last of these steps, h its membrane before the reset, given its inputs
// from step 0 on; of a graded neuron the distance to the nearest point at which its spike changes [membrane].
// Nothing: the operator is not a neuron whose membrane can be followed so.
std::optional<float> threshold_distance(const Operator& op, std::span<const float> inputs);

}  // namespace volley
