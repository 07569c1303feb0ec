// Edges by tests of growing sets, then colliders, then three rules.
#include "analysis/pc.hpp"

#include <algorithm>

#include "analysis/subsets.hpp"

namespace volley {
namespace {

Nodes neighbours_without(const MixedGraph& graph, Index node, Index other) {
  Nodes found = graph.neighbours(node);
  std::erase(found, other);
  return found;
}

bool some_degree_above(const MixedGraph& graph, Index k) {
  for (Index i = 0; i < graph.size(); ++i) {
    if (static_cast<Index>(graph.neighbours(i).size()) > k) {
      return true;
    }
  }
  return false;
}

MixedGraph skeleton(Index nodes, const IndependenceTest& independent, PcOrder order, Index largest_set,
                    Separations& separations) {
  MixedGraph graph = complete_graph(nodes, Mark::tail);
  for (Index k = 0; some_degree_above(graph, k) && (largest_set < 0 || k <= largest_set); ++k) {
    const MixedGraph frozen = graph;
    const MixedGraph& known = order == PcOrder::stable ? frozen : graph;
    for (Index i = 0; i < nodes; ++i) {
      for (Index j = i + 1; j < nodes; ++j) {
        if (!graph.adjacent(i, j)) {
          continue;
        }
        const auto separates = [&](const Nodes& set) {
          if (!independent(i, j, set)) {
            return false;
          }
          graph.remove(i, j);
          separations.keep(i, j, set);
          return true;
        };
        if (!any_subset(neighbours_without(known, i, j), k, separates)) {
          any_subset(neighbours_without(known, j, i), k, separates);
        }
      }
    }
  }
  return graph;
}

// All heads are collected first; an edge with two heads turns undirected again.
void orient_colliders(MixedGraph& graph, const Separations& separations) {
  for (Index z = 0; z < graph.size(); ++z) {
    const Nodes around = graph.neighbours(z);
    for (const Index x : around) {
      for (const Index y : around) {
        if (x < y && !graph.adjacent(x, y) && !separations.holds(x, y, z)) {
          graph.set(x, z, Mark::head);
          graph.set(y, z, Mark::head);
        }
      }
    }
  }
  for (Index x = 0; x < graph.size(); ++x) {
    for (Index y = x + 1; y < graph.size(); ++y) {
      if (graph.at(x, y) == Mark::head && graph.at(y, x) == Mark::head) {
        graph.set(x, y, Mark::tail);
        graph.set(y, x, Mark::tail);
      }
    }
  }
}

// z -> x --- y, z and y not adjacent.
bool rule1(const MixedGraph& graph, Index x, Index y) {
  return std::ranges::any_of(
      graph.neighbours(x), [&](Index z) { return z != y && graph.directed(z, x) && !graph.adjacent(z, y); });
}

// x -> z -> y.
bool rule2(const MixedGraph& graph, Index x, Index y) {
  return std::ranges::any_of(graph.neighbours(x),
                             [&](Index z) { return graph.directed(x, z) && graph.directed(z, y); });
}

// x --- w -> y and x --- v -> y, w and v not adjacent.
bool rule3(const MixedGraph& graph, Index x, Index y) {
  Nodes between;
  for (const Index w : graph.neighbours(x)) {
    if (graph.undirected(x, w) && graph.directed(w, y)) {
      between.push_back(w);
    }
  }
  for (const Index w : between) {
    for (const Index v : between) {
      if (w < v && !graph.adjacent(w, v)) {
        return true;
      }
    }
  }
  return false;
}

bool sweep(MixedGraph& graph, bool (*rule)(const MixedGraph&, Index, Index)) {
  bool changed = false;
  for (Index y = 0; y < graph.size(); ++y) {
    for (Index x = 0; x < graph.size(); ++x) {
      if (x != y && graph.undirected(x, y) && rule(graph, x, y)) {
        changed |= graph.set(x, y, Mark::head);
      }
    }
  }
  return changed;
}

}  // namespace

MixedGraph learn_pc(Index nodes, const IndependenceTest& independent, PcOrder order, Index largest_set) {
  Separations separations;
  MixedGraph graph = skeleton(nodes, independent, order, largest_set, separations);
  orient_colliders(graph, separations);
  bool changed = true;
  while (changed) {
    changed = sweep(graph, rule1);
    changed |= sweep(graph, rule2);
    changed |= sweep(graph, rule3);
  }
  return graph;
}

}  // namespace volley
