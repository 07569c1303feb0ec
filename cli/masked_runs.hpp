// A model run again with some of its tokens silenced.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/independence.hpp"
#include "cli/command.hpp"

namespace volley::cli {

// A merge.multiply with spikes of a mask stands behind a node: what the node says of a masked token is 0 in
// every step, and all that reads it reads that.
class MaskedRuns {
 public:
  // node: its first output has an axis N of so many tokens; empty: the first such node of the graph that
  // works in steps, or the first at all. Throws Error (usage) when there is none, or the model's first output
  // isn't one row of numbers.
  MaskedRuns(const Session& session, const RunOptions& options, Index tokens, std::string node);

  const std::string& node() const { return node_; }
  // What the model decides for a sample: the index of its greatest output, once for each set of masked
  // tokens.
  std::vector<Index> decisions(Index sample, const std::vector<Nodes>& masked) const;

 private:
  InputData repeated(Index sample, const std::vector<Nodes>& masked) const;

  const Session& session_;
  std::string node_;
  Shape shape_;  // of the node, one sample in one step: no T, no B
  bool per_step_ = false;
  Index steps_ = 1;
  Model model_;
};

// For each sample the token with the greatest part in the winning output, where the output is a linear node
// behind readout.mean over T and N: the mean is a sum over tokens. Nothing for other models.
std::optional<std::vector<Index>> loudest_tokens(const Session& session, const RunOptions& options);

}  // namespace volley::cli
