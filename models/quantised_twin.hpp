// From a dense model to its quantised twin: rounded weights and activations.
#pragma once

#include "models/runtime.hpp"

namespace volley {

// Where the greatest level of an activation lies, from the numbers seen on some samples.
enum class Calibration : std::uint8_t {
  max_abs,        // on the greatest |x|: nothing is clamped
  percentile,     // such that this share of the numbers is not clamped
  least_squares,  // where the squared error of all numbers is least
};

struct QuantiseOptions {
  Index weight_bits = 8;      // [bit], 2 to 16
  Index activation_bits = 8;  // [bit], 2 to 16
  Calibration calibration = Calibration::least_squares;
  double percentile = 99.9;  // [%], of Calibration::percentile; more than 0, at most 100
};

// The model with
// - the weight of every linear and conv2d rounded to integers of weight_bits times a scale for each output
//   channel, max|w| / (2^(bits - 1) - 1); biases stay float32, as integer engines keep them in 32 bits;
// - a quantise node of activation_bits in front of every dense input of linear, conv2d and attention.*, one
//   for each value, with one scale; without a sign if no number of the samples was below 0.
// Inputs that carry spikes stay as they are. What goes on inside an attention, and layer norms, residuals and
// readouts, stays float32. Nothing is trained: a twin trained with the rounding in place can be more
// accurate. data: inputs for the model; settings say which samples. The result is a graph like any other and
// can be saved. Throws Error (usage) for bits and percentiles that can't be.
BuiltModel quantised_twin(const Runtime& runtime, const BuiltModel& dense, const InputData& data,
                          const RunSettings& settings, const QuantiseOptions& options);

// Are the products of this op done in integers in a quantised twin?
bool is_quantised_op(std::string_view kind);

// Bits with as many levels as a spike count over T steps has, ceil(log2(T + 1)), but 2 at least: one bit has
// no sign. Source: Yan, Bai, Wong, Reconsidering the energy efficiency of spiking neural networks, 2024.
Index capacity_bits(Index steps);

}  // namespace volley
