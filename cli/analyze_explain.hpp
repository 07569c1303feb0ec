// analyze causal --explain: sets of tokens whose masking changes what the model decides.
#pragma once

#include "cli/analyze_learn.hpp"

namespace volley::cli {

struct ExplainOptions {
  bool wanted = false;
  std::string mask_node;
  std::optional<Index> target;
  Index largest = 2;
};

// Throws Error (usage) when the source is no model, or a target can't be.
void explain_command(const MapOptions& maps, const LearnOptions& learn, const std::vector<Index>& heads,
                     const ExplainOptions& options, Format format);

}  // namespace volley::cli
