// The products inside a node, counted so that every convention of the field can be formed from them.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <string_view>

#include "sim/base/device_fn.hpp"

namespace volley {

// What numbers are, by their values, as the tools see them: the first kind that holds all of them.
enum class Numbers : std::uint8_t { binary, ternary, integer, real };  // {0, 1}, {-1, 0, 1}
std::string_view name(Numbers numbers);

// One operand of a product, in one sample and one step.
struct Operand {
  Numbers numbers = Numbers::real;
  bool is_weight = false;
  Index size = 0;     // entries
  Index nonzero = 0;  // entries that are not 0
  Index units = 0;    // sum of |value| (unit events); of real numbers = nonzero
};

// Whose events the engine follows; none: it multiplies all pairs.
enum class Driven : std::uint8_t { none, a, b };

// What product it is. b of the first two is the weight.
namespace product_names {
inline constexpr std::string_view linear = "weight", conv = "kernel";
inline constexpr std::string_view query_key = "q k^T", score_value = "score v";
inline constexpr std::string_view key_value = "k^T v", query_kv = "q kv";
}  // namespace product_names

// A sum over pairs a * b: an input with a weight, or two inputs with each other. All counts are pairs of one
// sample in one step, of one head where the product is done head by head. A pair with a tap on zero padding
// is in dense_padded only.
struct Product {
  std::string_view name;  // of product_names
  Index head = -1;        // -1: not by heads
  Driven driven = Driven::none;
  bool is_ssa = false;  // one of q (k^T v) of spikes, in either order: papers have a formula for them
  Operand a, b;
  Index dense = 0;         // both operands dense
  Index dense_padded = 0;  // the same with taps on padding: the FLOPs of papers
  Index event_a = 0;       // a not 0, whatever b is: each event times its fan-out
  Index event_b = 0;       // b not 0, whatever a is
  Index units_a = 0;       // event_a with each integer c counted as c unit events
  Index units_b = 0;
  Index coincidence = 0;  // both not 0
  Index bias = 0;         // bias additions that go with it
};

inline Numbers kind_of(double value) {
  constexpr double most = 0x1p53;  // above it a double is no count
  if (value == 0 || value == 1) {
    return Numbers::binary;
  }
  if (value == -1) {
    return Numbers::ternary;
  }
  return std::abs(value) <= most && value == std::nearbyint(value) ? Numbers::integer : Numbers::real;
}

// The counts of an operand that is no weight.
template <class Number>
Operand operand_of(std::span<const Number> numbers) {
  Operand operand;
  operand.numbers = Numbers::binary;
  operand.size = static_cast<Index>(numbers.size());
  double units = 0;
  for (const Number number : numbers) {
    const auto value = static_cast<double>(number);
    operand.numbers = std::max(operand.numbers, kind_of(value));
    operand.nonzero += value != 0 ? 1 : 0;
    units += std::abs(value);
  }
  operand.units = operand.numbers == Numbers::real ? operand.nonzero : static_cast<Index>(units);
  return operand;
}

}  // namespace volley
