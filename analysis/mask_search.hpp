// How soon an order of sets finds one whose masking changes a decision.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <vector>

#include "analysis/independence.hpp"
#include "analysis/mixed_graph.hpp"

namespace volley {

// One pass of the model for each set: 1 when it decides otherwise with these tokens masked.
using ChangesDecision = std::function<std::vector<char>(const std::vector<Nodes>& sets)>;

// Remembers what was tried, so that several orders can be held against each other.
class MaskTrials {
 public:
  explicit MaskTrials(ChangesDecision changes) : changes_(std::move(changes)) {}
  std::vector<char> operator()(const std::vector<Nodes>& sets);
  Index passes() const { return static_cast<Index>(known_.size()); }  // different sets

 private:
  ChangesDecision changes_;
  std::map<Nodes, char> known_;
};

// All sets that an order has of a size, the first to try in front.
using SetsOfSize = std::function<std::vector<Nodes>(Index size)>;

struct FirstFound {
  bool is_found = false;
  Index passes = 0;  // up to the first set that changes the decision, it included; of all when none does
  Nodes set;
  Index valid = 0;       // sets of its size that do
  Index candidates = 0;  // sets of its size
  // Passes in the mean when all sets of a size come in a random order: those of smaller sizes, and
  // (candidates + 1) / (valid + 1).
  double random_passes = 0;
};
// Size 1, 2, ... largest, until a set is found.
FirstFound first_found(const SetsOfSize& sets, Index largest, MaskTrials& trials);

// pool: tokens that may be masked, ascending.
SetsOfSize every_set(Nodes pool);  // in index order
// By the sum of the weights, the greatest first; equal ones in index order. weights: by token.
SetsOfSize heaviest_sets(Nodes pool, std::vector<double> weights);
// One set a size: the tokens with the greatest weights.
SetsOfSize growing_set(Nodes pool, std::vector<double> weights);

// Of each size the sets of `first`, then those of `rest` that aren't among them.
SetsOfSize first_then(SetsOfSize first, SetsOfSize rest);

// A graph over some tokens: node i is token tokens[i].
struct TokenGraph {
  MixedGraph graph;
  Nodes tokens;
};
// Legal sets of the target's tree in any of the graphs, by their least distance, then in index order; the
// graphs without the target have none. Source: CLEANN, Rohekar et al. 2023; joining heads is ours.
SetsOfSize near_sets(std::span<const TokenGraph> graphs, Index target);

}  // namespace volley
