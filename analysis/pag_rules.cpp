// R0 - R4 and R6 - R8: rules that look at few edges, and the fixed points.
#include "analysis/pag_rules.hpp"

#include <algorithm>
#include <optional>

namespace volley {
namespace pag {
namespace {

// The ends <d, ..., a> of a discriminating path <d, ..., a, b, c> for b, the shortest.
struct Discriminating {
  Index d;
  Index a;
};

std::optional<Discriminating> discriminating_path(const MixedGraph& graph, Index b, Index c) {
  struct Place {
    Index node;
    Index start;  // the node beside b
  };
  std::vector<char> seen(static_cast<std::size_t>(graph.size()));
  std::vector<Place> queue;
  for (const Index a : graph.neighbours(b)) {
    if (a != c && graph.at(b, a) == Mark::head && graph.directed(a, c)) {
      queue.push_back({a, a});
      seen[a] = 1;
    }
  }
  for (std::size_t next = 0; next < queue.size(); ++next) {
    const Place place = queue[next];
    for (const Index v : graph.neighbours(place.node)) {
      if (v == b || v == c || seen[v] != 0 || graph.at(v, place.node) != Mark::head) {
        continue;
      }
      if (!graph.adjacent(v, c)) {
        return Discriminating{v, place.start};
      }
      if (graph.directed(v, c) && graph.at(place.node, v) == Mark::head) {
        seen[v] = 1;
        queue.push_back({v, place.start});
      }
    }
  }
  return std::nullopt;
}

// Calls visit(a, b, c) for all a *-* b *-* c of three nodes.
template <class Visit>
bool each_triple(MixedGraph& graph, Visit&& visit) {
  bool changed = false;
  for (Index b = 0; b < graph.size(); ++b) {
    const Nodes around = graph.neighbours(b);
    for (const Index a : around) {
      for (const Index c : around) {
        if (a != c) {
          changed |= visit(a, b, c);
        }
      }
    }
  }
  return changed;
}

}  // namespace

bool rule0(MixedGraph& graph, const Separations& separations) {
  return each_triple(graph, [&](Index x, Index z, Index y) {
    if (graph.adjacent(x, y) || separations.holds(x, y, z)) {
      return false;
    }
    const bool changed = graph.set(x, z, Mark::head);
    return graph.set(y, z, Mark::head) || changed;
  });
}

// a *-> b o-* c, a and c not adjacent: b -> c.
bool rule1(MixedGraph& graph) {
  return each_triple(graph, [&](Index a, Index b, Index c) {
    if (graph.at(a, b) != Mark::head || graph.at(c, b) != Mark::circle || graph.adjacent(a, c)) {
      return false;
    }
    graph.set(c, b, Mark::tail);
    graph.set(b, c, Mark::head);
    return true;
  });
}

// a -> b *-> c or a *-> b -> c, and a *-o c: a *-> c.
bool rule2(MixedGraph& graph) {
  return each_triple(graph, [&](Index a, Index b, Index c) {
    const bool heads = graph.at(a, b) == Mark::head && graph.at(b, c) == Mark::head;
    const bool tail = graph.at(b, a) == Mark::tail || graph.at(c, b) == Mark::tail;
    return heads && tail && graph.at(a, c) == Mark::circle && graph.set(a, c, Mark::head);
  });
}

// a *-> b <-* c, a *-o d o-* c, a and c not adjacent, d *-o b: d *-> b.
bool rule3(MixedGraph& graph) {
  return each_triple(graph, [&](Index a, Index b, Index c) {
    if (a > c || graph.at(a, b) != Mark::head || graph.at(c, b) != Mark::head || graph.adjacent(a, c)) {
      return false;
    }
    bool changed = false;
    for (const Index d : graph.neighbours(b)) {
      if (graph.at(d, b) == Mark::circle && graph.at(a, d) == Mark::circle &&
          graph.at(c, d) == Mark::circle) {
        changed |= graph.set(d, b, Mark::head);
      }
    }
    return changed;
  });
}

// A discriminating path <d, ..., a, b, c> for b, b o-* c: b -> c when b separated d and c, else a <-> b <->
// c.
bool rule4(MixedGraph& graph, const Separations& separations) {
  bool changed = false;
  for (Index b = 0; b < graph.size(); ++b) {
    for (const Index c : graph.neighbours(b)) {
      if (graph.at(c, b) != Mark::circle) {
        continue;
      }
      const auto path = discriminating_path(graph, b, c);
      if (!path) {
        continue;
      }
      changed = true;
      graph.set(b, c, Mark::head);
      if (separations.holds(path->d, c, b)) {
        graph.set(c, b, Mark::tail);
      } else {
        graph.set(c, b, Mark::head);
        graph.set(path->a, b, Mark::head);
        graph.set(b, path->a, Mark::head);
      }
    }
  }
  return changed;
}

// a --- b o-* c: tail at b.
bool rule6(MixedGraph& graph) {
  return each_triple(graph, [&](Index a, Index b, Index c) {
    return graph.undirected(a, b) && graph.at(c, b) == Mark::circle && graph.set(c, b, Mark::tail);
  });
}

// a -o b o-* c, a and c not adjacent: tail at b.
bool rule7(MixedGraph& graph) {
  return each_triple(graph, [&](Index a, Index b, Index c) {
    return graph.at(b, a) == Mark::tail && graph.at(a, b) == Mark::circle && graph.at(c, b) == Mark::circle &&
           !graph.adjacent(a, c) && graph.set(c, b, Mark::tail);
  });
}

// a -> b -> c or a -o b -> c, and a o-> c: a -> c.
bool rule8(MixedGraph& graph) {
  return each_triple(graph, [&](Index a, Index b, Index c) {
    const bool first = graph.at(b, a) == Mark::tail && graph.at(a, b) != Mark::tail;
    return first && graph.directed(b, c) && graph.at(c, a) == Mark::circle && graph.at(a, c) == Mark::head &&
           graph.set(c, a, Mark::tail);
  });
}

}  // namespace pag

void orient_arrows(MixedGraph& graph, const Separations& separations) {
  pag::rule0(graph, separations);
  bool changed = true;
  while (changed) {
    changed = pag::rule1(graph);
    changed |= pag::rule2(graph);
    changed |= pag::rule3(graph);
    changed |= pag::rule4(graph, separations);
  }
}

void orient_undirected(MixedGraph& graph) {
  bool changed = true;
  while (changed) {
    changed = pag::rule5(graph);
    changed |= pag::rule6(graph);
    changed |= pag::rule7(graph);
  }
}

void orient_tails(MixedGraph& graph) {
  bool changed = true;
  while (changed) {
    changed = pag::rule8(graph);
    changed |= pag::rule9(graph);
    changed |= pag::rule10(graph);
  }
}

}  // namespace volley
