// The products inside a node, counted so that every convention of the field can be formed from them.
#pragma once

#include <string_view>
#include <vector>

#include "sim/op/cost.hpp"

namespace volley {

// What the numbers of an operand are. Order matters: each kind holds those before it.
enum class Numbers : std::uint8_t { binary, ternary, integer, real };
Numbers numbers_of(const ValueSpec& spec);
std::string_view name(Numbers numbers);

// One operand of a product, in one sample and one step.
struct Operand {
  Numbers numbers = Numbers::real;
  bool is_weight = false;
  Index size = 0;     // entries
  Index nonzero = 0;  // entries that are not 0
  Index units = 0;    // sum of |value| of spikes (unit events); of real numbers = nonzero
};

// A sum over pairs a * b: an input with a weight, or two inputs with each other. All counts are pairs of one
// sample in one step, of one head where the product is done head by head. A pair with a tap on zero padding
// is in dense_padded only.
struct Product {
  std::string_view name;  // "weight", "q k^T", "score v", "k^T v", "q kv"
  Index head = -1;        // -1: not by heads
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

}  // namespace volley
