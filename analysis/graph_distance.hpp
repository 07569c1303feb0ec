// How far a graph is from another over the same nodes.
#pragma once

#include "analysis/mixed_graph.hpp"

namespace volley {

// 2 right / (2 right + wrong + missing), over pairs of nodes that are joined, whatever the marks; 1 when
// neither graph has an edge.
double skeleton_f1(const MixedGraph& found, const MixedGraph& truth);

// Structural Hamming distance: pairs of nodes whose edge, or its absence, or a mark of it, isn't the same.
Index structural_distance(const MixedGraph& found, const MixedGraph& truth);

}  // namespace volley
