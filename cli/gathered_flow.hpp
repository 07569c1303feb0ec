// Flow in the maps of several layers, sample by sample.
#pragma once

#include "analysis/flow.hpp"
#include "analysis/map_distance.hpp"
#include "cli/analyze_layers.hpp"

namespace volley::cli {

// A mean over samples with its standard deviation.
struct Spread {
  Mean plain, squares;

  void add(std::optional<double> number);
  Cell mean() const { return plain.mean() ? Cell(*plain.mean()) : Cell(); }
  double deviation() const;  // of the samples; 0 for fewer than two
};

// What is looked at: all tokens or those that are not special, rows as they are or over their sum.
struct FlowView {
  std::string tokens;
  RowUse rows;
  TokenLabels labels;
};
std::string_view word(RowUse rows);

// Of one layer in one view.
struct GatheredFlow {
  std::vector<Spread> outward, rollout;  // of each group; no rollout of raw rows
  Spread direction, share;
  Matrix sums;  // over all samples
  Index rows = 0, zero_rows = 0, samples = 0;
  std::vector<double> of_sample;  // direction; NaN when there was none

  void add(const Flow& flow);
};

// By layer and view; the rollout runs through the layers in their order. Throws Error as flow_between, with
// the layer's name, and (model) when layers have other numbers of samples.
std::vector<std::vector<GatheredFlow>> gather_flow(const std::vector<LayerMatrices>& layers,
                                                   const std::vector<FlowView>& views);

}  // namespace volley::cli
