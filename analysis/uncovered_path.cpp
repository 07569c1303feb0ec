// R5, R9 and R10, and the search for uncovered paths.
#include "analysis/uncovered_path.hpp"

#include <algorithm>

#include "analysis/pag_rules.hpp"

namespace volley {
namespace {

class PathSearch {
 public:
  PathSearch(const MixedGraph& graph, Index last, Index avoid, const Step& allowed)
      : graph_(graph), last_(last), avoid_(avoid), allowed_(allowed) {
    find_useful();
  }

  std::optional<Nodes> from(Index first, Index second) {
    if (second == avoid_ || first == last_ || !graph_.adjacent(first, second) || !allowed_(first, second)) {
      return std::nullopt;
    }
    path_ = {first, second};
    return extend() ? std::optional(path_) : std::nullopt;
  }

 private:
  // Edges u -> v from which a walk of uncovered steps leads to the end: else the search may take exponential
  // time to find nothing.
  void find_useful() {
    const Index n = graph_.size();
    useful_.assign(static_cast<std::size_t>(n * n), 0);
    std::vector<std::pair<Index, Index>> queue;
    const auto reach = [&](Index u, Index v) {
      if (u != avoid_ && useful_[u * n + v] == 0 && allowed_(u, v)) {
        useful_[u * n + v] = 1;
        queue.emplace_back(u, v);
      }
    };
    for (const Index u : graph_.neighbours(last_)) {
      reach(u, last_);
    }
    for (std::size_t next = 0; next < queue.size(); ++next) {
      const auto [v, w] = queue[next];
      for (const Index u : graph_.neighbours(v)) {
        if (u != w && !graph_.adjacent(u, w)) {
          reach(u, v);
        }
      }
    }
  }

  bool extend() {
    const Index here = path_.back();
    const Index before = path_[path_.size() - 2];
    if (useful_[before * graph_.size() + here] == 0) {
      return false;
    }
    if (here == last_) {
      return true;
    }
    for (const Index next : graph_.neighbours(here)) {
      if (next == avoid_ || next == before || graph_.adjacent(before, next) || !allowed_(here, next) ||
          std::ranges::find(path_, next) != path_.end()) {
        continue;
      }
      path_.push_back(next);
      if (extend()) {
        return true;
      }
      path_.pop_back();
    }
    return false;
  }

  const MixedGraph& graph_;
  Index last_;
  Index avoid_;
  const Step& allowed_;
  std::vector<char> useful_;
  Nodes path_;
};

// a, x, ..., y, b of o-o edges, a and y not adjacent, x and b not adjacent.
std::optional<Nodes> circle_path(const MixedGraph& graph, Index a, Index b) {
  const auto circles = [&](Index u, Index v) {
    return graph.at(u, v) == Mark::circle && graph.at(v, u) == Mark::circle;
  };
  for (const Index x : graph.neighbours(a)) {
    if (x == b || graph.adjacent(x, b)) {
      continue;
    }
    // The last step comes from a node that isn't adjacent to a; so a itself is kept off.
    const auto step = [&](Index u, Index v) {
      return circles(u, v) && (v != b || (u != a && !graph.adjacent(a, u)));
    };
    if (auto path = uncovered_path(graph, a, x, b, -1, step)) {
      return path;
    }
  }
  return std::nullopt;
}

// First nodes of uncovered potentially directed paths from a to b that keep off c.
Nodes first_steps(const MixedGraph& graph, Index a, Index b, Index c) {
  Nodes found;
  const Step step = [&](Index u, Index v) { return potentially_directed(graph, u, v); };
  PathSearch search(graph, b, c, step);
  for (const Index first : graph.neighbours(a)) {
    if (search.from(a, first)) {
      found.push_back(first);
    }
  }
  return found;
}

bool some_apart(const MixedGraph& graph, const Nodes& left, const Nodes& right) {
  return std::ranges::any_of(left, [&](Index m) {
    return std::ranges::any_of(right, [&](Index w) { return m != w && !graph.adjacent(m, w); });
  });
}

template <class Holds>
bool tails_at_first(MixedGraph& graph, Holds&& holds) {
  bool changed = false;
  for (Index a = 0; a < graph.size(); ++a) {
    for (const Index c : graph.neighbours(a)) {
      if (graph.at(a, c) == Mark::head && graph.at(c, a) == Mark::circle && holds(a, c)) {
        changed |= graph.set(c, a, Mark::tail);
      }
    }
  }
  return changed;
}

}  // namespace

std::optional<Nodes> uncovered_path(const MixedGraph& graph, Index first, Index second, Index last,
                                    Index avoid, const Step& allowed) {
  return PathSearch(graph, last, avoid, allowed).from(first, second);
}

namespace pag {

// a o-o b and an uncovered path a, x, ..., y, b of circles, a y and x b not adjacent: all of it a ring of
// tails.
bool rule5(MixedGraph& graph) {
  bool changed = false;
  for (Index a = 0; a < graph.size(); ++a) {
    for (Index b = a + 1; b < graph.size(); ++b) {
      if (graph.at(a, b) != Mark::circle || graph.at(b, a) != Mark::circle) {
        continue;
      }
      auto path = circle_path(graph, a, b);
      if (!path) {
        continue;
      }
      path->push_back(a);
      for (std::size_t i = 0; i + 1 < path->size(); ++i) {
        graph.set((*path)[i], (*path)[i + 1], Mark::tail);
        graph.set((*path)[i + 1], (*path)[i], Mark::tail);
      }
      changed = true;
    }
  }
  return changed;
}

// a o-> c and an uncovered potentially directed path a, b, ..., c, b and c not adjacent: a -> c.
bool rule9(MixedGraph& graph) {
  return tails_at_first(graph, [&](Index a, Index c) {
    const Step step = [&](Index u, Index v) { return potentially_directed(graph, u, v); };
    PathSearch search(graph, c, -1, step);
    return std::ranges::any_of(graph.neighbours(a), [&](Index b) {
      return b != c && !graph.adjacent(b, c) && search.from(a, b).has_value();
    });
  });
}

// a o-> c, b -> c <- d, uncovered potentially directed paths a..b and a..d off c whose first nodes differ and
// aren't adjacent: a -> c.
bool rule10(MixedGraph& graph) {
  return tails_at_first(graph, [&](Index a, Index c) {
    std::vector<Nodes> steps;
    for (const Index b : graph.neighbours(c)) {
      if (b == a || !graph.directed(b, c)) {
        continue;
      }
      steps.push_back(first_steps(graph, a, b, c));
      for (std::size_t i = 0; i + 1 < steps.size(); ++i) {
        if (some_apart(graph, steps[i], steps.back())) {
          return true;
        }
      }
    }
    return false;
  });
}

}  // namespace pag
}  // namespace volley
