// What operators ask of their inputs, in the same words everywhere.
#pragma once

#include <initializer_list>
#include <string_view>

#include "sim/tensor/value.hpp"

namespace volley {

// All throw Error with the spec that came and what was wanted; name: of the input, "in".
void require_axes(const ValueSpec& spec, std::string_view name,
                  std::initializer_list<Axis> axes);                        // just these
void require_step_and_batch(const ValueSpec& spec, std::string_view name);  // T, then B, then anything
void require_f32(const ValueSpec& spec, std::string_view name);             // dense float32
void require_numbers(const ValueSpec& spec, std::string_view name);         // dense float32 or spikes
void require_no_steps(const ValueSpec& spec, std::string_view name);        // T = 1, then B, then anything

// For Operator::wanted_form of an op that reads dense numbers and spikes, but not events.
inline Form spikes_or_dense(const ValueSpec& spec) {
  return spec.is_spikes() ? Form::spikes : Form::dense;
}

}  // namespace volley
