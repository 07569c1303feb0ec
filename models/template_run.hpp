// A model run on chosen tokens: one number of its output for each sample.
#pragma once

#include <vector>

#include "models/runtime.hpp"

namespace volley {

// What a model must be for the separation rank: one input, static and dense, [N C]; its sizes.
struct TokenInput {
  std::string name;
  Index tokens = 0;  // N
  Index width = 0;   // C
};
// Throws Error (usage) that says what the model reads instead.
TokenInput token_input(const Model& model);

// tokens: [S N C] row-major. Gives for each sample the first number of the model's first output, at the last
// step if it has several. Throws Error (run) when one isn't finite.
std::vector<double> run_on_tokens(const Runtime& runtime, const Model& model,
                                  const std::vector<float>& tokens, Index samples, Index steps);

}  // namespace volley
