// What a model says, whole and with the attention between groups of tokens zeroed.
#pragma once

#include "analysis/token_labels.hpp"
#include "cli/analyze_layers.hpp"

namespace volley::cli {

struct Outcome {
  double accuracy = 0;          // in [0, 1]
  std::vector<double> margins;  // of each sample: the logit of the label less the greatest other one
};

// Runs the model once for both. Throws Error (model) when the data has no labels or no output of the model is
// a number for each class.
std::vector<LayerMatrices> maps_and_outcome(const MapOptions& options, std::optional<Outcome>& outcome);

// The same data with the cross blocks of these nodes zeroed: their attribute `segments` is set. Throws Error
// (usage) when the tokens of a group don't stand together or the node has no such attribute.
Outcome outcome_when_cut(const MapOptions& options, const std::vector<std::string>& layers,
                         const TokenLabels& labels);

}  // namespace volley::cli
