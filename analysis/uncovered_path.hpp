// Uncovered paths: the ends of every three nodes in a row aren't adjacent.
#pragma once

#include <functional>
#include <optional>

#include "analysis/independence.hpp"
#include "analysis/mixed_graph.hpp"

namespace volley {

using Step = std::function<bool(Index from, Index to)>;

// No head at u and no tail at v: v may follow u on a potentially directed path.
inline bool potentially_directed(const MixedGraph& graph, Index u, Index v) {
  const Mark at_u = graph.at(v, u);
  return at_u != Mark::none && at_u != Mark::head && graph.at(u, v) != Mark::tail;
}

// A simple uncovered path first, second, ..., last over allowed steps (the first one included) that keeps off
// `avoid` (-1: nothing); second may be last.
std::optional<Nodes> uncovered_path(const MixedGraph& graph, Index first, Index second, Index last,
                                    Index avoid, const Step& allowed);

}  // namespace volley
