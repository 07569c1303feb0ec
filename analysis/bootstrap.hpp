// How often an edge is found when steps are drawn anew.
#pragma once

#include <functional>
#include <span>

#include "analysis/correlation.hpp"
#include "analysis/mixed_graph.hpp"

namespace volley {

struct EdgeShare {
  Index a;  // a < b
  Index b;
  double joined;  // share of the draws in which a and b are joined
  double same;    // share in which the edge has the marks of the graph of all steps; 0 when it has no edge
};

// Each draw takes as many steps as there are, with replacement, and learns a graph of their mean. Pairs that
// are joined in `graph` or in any draw, in index order. Throws Error (usage) with fewer than 2 steps or 1
// draw.
std::vector<EdgeShare> edge_shares(std::span<const SquareMatrix> steps, const MixedGraph& graph, Index draws,
                                   std::uint64_t seed,
                                   const std::function<MixedGraph(const SquareMatrix&)>& learn);

}  // namespace volley
