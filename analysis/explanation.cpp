// Legal sets, one size after the other, each held to the tester.
#include "analysis/explanation.hpp"

#include <algorithm>

#include "analysis/pds_tree.hpp"
#include "sim/base/check.hpp"

namespace volley {

Explanations explain(const MixedGraph& graph, Index target, const ExplanationTester& explains,
                     const ExplanationSettings& settings) {
  VOLLEY_CHECK(target >= 0 && target < graph.size(), Fault::usage,
               "target {} isn't there; the graph has {} nodes", target, graph.size());
  VOLLEY_CHECK(settings.range >= 0 && settings.largest >= 0, Fault::usage,
               "range {} and largest {} must be 0 (no limit) or more", settings.range, settings.largest);
  const Index depth = settings.range > 0 ? settings.range : std::max<Index>(1, graph.size() - 1);
  const PdsTree tree(graph, target, depth);
  const std::vector<char> all(static_cast<std::size_t>(graph.size()), 1);
  Index largest = static_cast<Index>(tree.nodes().size());
  if (settings.largest > 0) {
    largest = std::min(largest, settings.largest);
  }
  Explanations out;
  for (Index size = 1; size <= largest; ++size) {
    for (const Nodes& set : tree.legal_sets(size, all)) {
      ++out.tests;
      if (explains(set, target)) {
        out.found.push_back({set, tree.distance(set)});
      }
    }
    if (!out.found.empty() && settings.minimal_only) {
      break;
    }
  }
  return out;
}

}  // namespace volley
