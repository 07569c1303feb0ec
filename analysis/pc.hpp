// The PC algorithm: a CPDAG from tests, when nothing is hidden.
#pragma once

#include "analysis/independence.hpp"
#include "analysis/mixed_graph.hpp"

namespace volley {

enum class PcOrder : std::uint8_t {
  stable,    // neighbours are frozen for each size of the sets: the result does not depend on the order of
             // nodes
  published  // an edge is gone at once, as in the released code
};

// largest_set: of a test; -1: no limit.
// Edges are directed (tail, head) or undirected (tail, tail). Causal sufficiency is assumed.
// Source: Spirtes and Glymour 1991; stable order: Colombo and Maathuis 2014; sweeps of the rules as in the
// code of Rohekar et al. 2023.
MixedGraph learn_pc(Index nodes, const IndependenceTest& independent, PcOrder order = PcOrder::stable,
                    Index largest_set = -1);

}  // namespace volley
