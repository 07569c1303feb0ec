// What another framework recorded of a model: inputs, values of nodes, outputs.
#pragma once

#include <set>

#include "models/runtime.hpp"

namespace volley {

// Order of the axes of a recorded value, where its name does not say it.
//   automatic: volley's order, or channels in front of the places, as the sizes say; refused when both fit
//   as_is: volley's order        channels_first: [T S C N], [T S C Y X]
enum class Layouts : std::uint8_t { automatic, as_is, channels_first };

// A recorded value in volley's order, float32 [T S ...]; T = 1 without steps.
struct Recording {
  std::string name;  // of the array
  Port port;
  Tensor value;
};

struct Golden {
  InputData data;
  Index steps = 1;                    // T of the recorded values
  std::vector<Recording> recordings;  // in the order of the graph; outputs last
};

// Arrays: the graph's inputs by their names, "labels"; "node/NAME" or "node/NAME:OUTPUT" with "@LETTERS"
// behind it if its axes are in another order ("@TBDN"; D is C, W is X, H is Y where there is a Y; Y and X
// next to each other may stand for N and the other way round); "output/NAME". Of size [T S ...], or [S ...]
// without steps. Throws Error that names the array: a node that is not there, other sizes, an order that is
// not clear, a name that is none of these, nothing to compare. steps: T where no array has it.
Golden read_golden(const std::string& path, const Runtime& runtime, const Model& model, Layouts layouts,
                   std::optional<Index> steps);

}  // namespace volley
