// Causal truth worked out from its definitions: d-separation, MAGs, equivalence classes.
#pragma once

#include <functional>
#include <random>
#include <vector>

#include "analysis/mixed_graph.hpp"

namespace volley::reference {

// True when every walk from x to y is blocked by the set: a search over (node, came with a head). A collider
// is open when it is an ancestor of the set. For a DAG this is d-separation, for a MAG m-separation.
inline bool separated(const MixedGraph& graph, Index x, Index y, const std::vector<Index>& given) {
  const Index n = graph.size();
  std::vector<char> inside(static_cast<std::size_t>(n));
  std::vector<char> above(static_cast<std::size_t>(n));
  std::vector<Index> queue = given;
  for (const Index z : given) {
    inside[z] = above[z] = 1;
  }
  while (!queue.empty()) {
    const Index v = queue.back();
    queue.pop_back();
    for (Index u = 0; u < n; ++u) {
      if (graph.directed(u, v) && above[u] == 0) {
        above[u] = 1;
        queue.push_back(u);
      }
    }
  }
  std::vector<char> seen(static_cast<std::size_t>(2 * n));
  std::vector<Index> places;
  const auto reach = [&](Index from, Index to) {
    const Index place = 2 * to + (graph.at(from, to) == Mark::head ? 1 : 0);
    if (seen[place] == 0) {
      seen[place] = 1;
      places.push_back(place);
    }
  };
  for (const Index v : graph.neighbours(x)) {
    reach(x, v);
  }
  while (!places.empty()) {
    const Index v = places.back() / 2;
    const bool came_with_head = places.back() % 2 == 1;
    places.pop_back();
    if (v == y) {
      return false;
    }
    for (const Index w : graph.neighbours(v)) {
      const bool collider = came_with_head && graph.at(w, v) == Mark::head;
      if (collider ? above[v] != 0 : inside[v] == 0) {
        reach(v, w);
      }
    }
  }
  return true;
}

inline bool is_ancestor(const MixedGraph& graph, Index a, Index b) {
  std::vector<char> seen(static_cast<std::size_t>(graph.size()));
  std::vector<Index> queue{a};
  while (!queue.empty()) {
    const Index v = queue.back();
    queue.pop_back();
    if (v == b) {
      return true;
    }
    for (Index w = 0; w < graph.size(); ++w) {
      if (graph.directed(v, w) && seen[w] == 0) {
        seen[w] = 1;
        queue.push_back(w);
      }
    }
  }
  return false;
}

// The first `observed` nodes of a DAG stay: adjacent when no set of observed ancestors separates them; a tail
// where a node is an ancestor of the other.
inline MixedGraph mag_of(const MixedGraph& dag, Index observed) {
  MixedGraph mag(observed);
  for (Index a = 0; a < observed; ++a) {
    for (Index b = a + 1; b < observed; ++b) {
      std::vector<Index> ancestors;
      for (Index z = 0; z < observed; ++z) {
        if (z != a && z != b && (is_ancestor(dag, z, a) || is_ancestor(dag, z, b))) {
          ancestors.push_back(z);
        }
      }
      if (!separated(dag, a, b, ancestors)) {
        mag.add(a, b, is_ancestor(dag, a, b) ? Mark::tail : Mark::head,
                is_ancestor(dag, b, a) ? Mark::tail : Mark::head);
      }
    }
  }
  return mag;
}

// No directed circle, and no edge a <-> b with a an ancestor of b.
inline bool is_ancestral(const MixedGraph& graph) {
  for (Index a = 0; a < graph.size(); ++a) {
    for (Index b = 0; b < graph.size(); ++b) {
      if (a != b && graph.at(b, a) == Mark::head && is_ancestor(graph, a, b)) {
        return false;
      }
    }
  }
  return true;
}

// Answers for all pairs and all sets of others.
inline bool same_separations(const MixedGraph& one, const MixedGraph& other) {
  const Index n = one.size();
  for (Index a = 0; a < n; ++a) {
    for (Index b = a + 1; b < n; ++b) {
      for (Index bits = 0; bits < (Index{1} << n); ++bits) {
        if ((bits >> a & 1) != 0 || (bits >> b & 1) != 0) {
          continue;
        }
        std::vector<Index> given;
        for (Index z = 0; z < n; ++z) {
          if ((bits >> z & 1) != 0) {
            given.push_back(z);
          }
        }
        if (separated(one, a, b, given) != separated(other, a, b, given)) {
          return false;
        }
      }
    }
  }
  return true;
}

// Calls visit for each way to mark the edges; bidirected edges too when wanted.
inline void each_marking(const MixedGraph& skeleton, bool bidirected,
                         const std::function<void(const MixedGraph&)>& visit) {
  std::vector<std::pair<Index, Index>> edges;
  for (Index a = 0; a < skeleton.size(); ++a) {
    for (Index b = a + 1; b < skeleton.size(); ++b) {
      if (skeleton.adjacent(a, b)) {
        edges.emplace_back(a, b);
      }
    }
  }
  MixedGraph graph = skeleton;
  const std::function<void(std::size_t)> mark = [&](std::size_t edge) {
    if (edge == edges.size()) {
      visit(graph);
      return;
    }
    const auto [a, b] = edges[edge];
    graph.add(a, b, Mark::tail, Mark::head);
    mark(edge + 1);
    graph.add(a, b, Mark::head, Mark::tail);
    mark(edge + 1);
    if (bidirected) {
      graph.add(a, b, Mark::head, Mark::head);
      mark(edge + 1);
    }
  };
  mark(0);
}

inline bool same_colliders(const MixedGraph& one, const MixedGraph& other) {
  for (Index z = 0; z < one.size(); ++z) {
    for (const Index a : one.neighbours(z)) {
      for (const Index b : one.neighbours(z)) {
        if (a < b && !one.adjacent(a, b) &&
            (one.at(a, z) == Mark::head && one.at(b, z) == Mark::head) !=
                (other.at(a, z) == Mark::head && other.at(b, z) == Mark::head)) {
          return false;
        }
      }
    }
  }
  return true;
}

// What all graphs of the class agree on: marks that all share stay, others become `differs`.
inline MixedGraph class_of(const MixedGraph& truth, bool bidirected, Mark differs) {
  MixedGraph common(truth.size());
  bool first = true;
  each_marking(truth, bidirected, [&](const MixedGraph& graph) {
    if (!same_colliders(truth, graph) || !is_ancestral(graph) ||
        (bidirected && !same_separations(truth, graph))) {
      return;
    }
    if (first) {
      common = graph;
      first = false;
    }
    for (Index a = 0; a < truth.size(); ++a) {
      for (const Index b : truth.neighbours(a)) {
        if (common.at(a, b) != graph.at(a, b)) {
          common.set(a, b, differs);
        }
      }
    }
  });
  if (differs == Mark::tail) {  // a CPDAG: an edge that may point both ways has two tails
    for (Index a = 0; a < truth.size(); ++a) {
      for (const Index b : truth.neighbours(a)) {
        if (common.at(a, b) == Mark::head && common.at(b, a) == Mark::head) {
          common.set(a, b, Mark::tail);
          common.set(b, a, Mark::tail);
        }
      }
    }
  }
  return common;
}

// Edges go from higher numbers to lower ones, each with this chance; then nodes are renamed at random.
inline MixedGraph random_dag(Index nodes, double chance, std::mt19937& random) {
  std::vector<Index> name(static_cast<std::size_t>(nodes));
  for (Index i = 0; i < nodes; ++i) {
    name[i] = i;
  }
  for (Index i = nodes - 1; i > 0; --i) {
    std::swap(name[i], name[static_cast<Index>(random()) % (i + 1)]);
  }
  MixedGraph dag(nodes);
  for (Index a = 0; a < nodes; ++a) {
    for (Index b = a + 1; b < nodes; ++b) {
      if (static_cast<double>(random()) < chance * 4294967296.0) {
        dag.add(name[a], name[b], Mark::tail, Mark::head);
      }
    }
  }
  return dag;
}

}  // namespace volley::reference
