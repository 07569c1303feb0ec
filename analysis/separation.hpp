// Separation in a graph: which independences it implies.
#pragma once

#include "analysis/independence.hpp"
#include "analysis/mixed_graph.hpp"

namespace volley {

// True when the set blocks every path from x to y: a node inside it that isn't a collider, or a collider
// without a node of the set below it. For a DAG this is d-separation, for a MAG m-separation. x and y differ
// and aren't in the set. Source: Pearl 1988; Richardson and Spirtes 2002.
bool is_separated(const MixedGraph& graph, Index x, Index y, const Nodes& given);

}  // namespace volley
