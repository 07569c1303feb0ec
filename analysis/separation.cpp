// Walks node by node; each node is entered at most twice: with a head, and without.
#include "analysis/separation.hpp"

#include <array>

namespace volley {
namespace {

// The set and all from which a directed path leads into it.
std::vector<char> ancestors(const MixedGraph& graph, const Nodes& set) {
  std::vector<char> found(static_cast<std::size_t>(graph.size()));
  Nodes open = set;
  while (!open.empty()) {
    const Index node = open.back();
    open.pop_back();
    if (found[node] != 0) {
      continue;
    }
    found[node] = 1;
    for (Index parent = 0; parent < graph.size(); ++parent) {
      if (graph.directed(parent, node)) {
        open.push_back(parent);
      }
    }
  }
  return found;
}

}  // namespace

bool is_separated(const MixedGraph& graph, Index x, Index y, const Nodes& given) {
  const std::vector<char> opens_collider = ancestors(graph, given);
  std::vector<char> inside(static_cast<std::size_t>(graph.size()));
  for (const Index node : given) {
    inside[node] = 1;
  }
  struct Entry {
    Index node;
    bool by_head;
  };
  std::vector<std::array<char, 2>> entered(static_cast<std::size_t>(graph.size()));
  std::vector<Entry> open;
  const auto enter = [&](Index from, Index to) {
    const bool by_head = graph.at(from, to) == Mark::head;
    if (entered[to][by_head ? 1 : 0] == 0) {
      entered[to][by_head ? 1 : 0] = 1;
      open.push_back({to, by_head});
    }
  };
  for (const Index next : graph.neighbours(x)) {
    enter(x, next);
  }
  while (!open.empty()) {
    const Entry here = open.back();
    open.pop_back();
    if (here.node == y) {
      return false;
    }
    for (const Index next : graph.neighbours(here.node)) {
      const bool is_collider = here.by_head && graph.at(next, here.node) == Mark::head;
      if (is_collider ? opens_collider[here.node] != 0 : inside[here.node] == 0) {
        enter(here.node, next);
      }
    }
  }
  return true;
}

}  // namespace volley
