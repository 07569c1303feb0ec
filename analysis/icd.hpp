// ICD: a PAG from tests, when causes may be hidden.
#pragma once

#include "analysis/independence.hpp"
#include "analysis/mixed_graph.hpp"

namespace volley {

struct IcdSettings {
  bool selection = true;   // selection bias may be: R5 - R7 are used
  Index largest_set = -1;  // of a test; -1: no limit. Dense graphs take time exponential in it.
  std::function<void(Index round, Index edges)> progress;  // told at the start of each round
};

// Iterative causal discovery: round r tests sets of r nodes that lie close in the graph found so far.
// Source: Rohekar et al. 2021, arXiv 2111.04095.
MixedGraph learn_icd(Index nodes, const IndependenceTest& independent, const IcdSettings& settings = {});

}  // namespace volley
