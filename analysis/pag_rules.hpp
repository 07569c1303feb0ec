// The rules that orient a PAG.
#pragma once

#include "analysis/independence.hpp"
#include "analysis/mixed_graph.hpp"

namespace volley {

// Marks are written *; "o-o" has circles. Each rule is one sweep over the graph, orients at once, and tells
// whether it changed a mark. Source: Zhang 2008, Artificial Intelligence 172; R10 as there: every step of its
// paths is potentially directed (the released code asks this of the first step alone).
namespace pag {

// Heads at z for each x *-* z *-* y, x and y not adjacent, when z did not separate them.
bool rule0(MixedGraph& graph, const Separations& separations);
bool rule1(MixedGraph& graph);
bool rule2(MixedGraph& graph);
bool rule3(MixedGraph& graph);
bool rule4(MixedGraph& graph, const Separations& separations);
bool rule5(MixedGraph& graph);  // 5, 6 and 7: under selection bias
bool rule6(MixedGraph& graph);
bool rule7(MixedGraph& graph);
bool rule8(MixedGraph& graph);
bool rule9(MixedGraph& graph);
bool rule10(MixedGraph& graph);

}  // namespace pag

// Groups of rules, each to a fixed point.
void orient_arrows(MixedGraph& graph, const Separations& separations);  // R0, then R1 - R4
void orient_undirected(MixedGraph& graph);                              // R5 - R7
void orient_tails(MixedGraph& graph);                                   // R8 - R10

}  // namespace volley
