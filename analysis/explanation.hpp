// Sets of tokens that explain a target, the nearest in the graph first.
#pragma once

#include <functional>

#include "analysis/independence.hpp"
#include "analysis/mixed_graph.hpp"

namespace volley {

struct ExplanationSettings {
  Index range = 0;           // depth of the tree; 0: no limit
  Index largest = 0;         // tokens in a set; 0: no limit
  bool minimal_only = true;  // stop at the first size that has one
};

struct Explanation {
  Nodes nodes;
  Index distance;  // sum of the least depths in the tree of the target
};

struct Explanations {
  std::vector<Explanation> found;
  Index tests = 0;  // calls of the tester: passes through the model
};

// True when the model says something else for the target with these nodes masked.
using ExplanationTester = std::function<bool(const Nodes& masked, Index target)>;

// Legal sets of the target's tree by size, then by distance. Source: CLEANN, Rohekar et al. 2023.
// Throws Error (usage) when the target or a limit can't be.
Explanations explain(const MixedGraph& graph, Index target, const ExplanationTester& explains,
                     const ExplanationSettings& settings = {});

}  // namespace volley
