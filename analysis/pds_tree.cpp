// Grows the tree, and sets along its branches.
#include "analysis/pds_tree.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace volley {

PdsTree::PdsTree(const MixedGraph& graph, Index root, Index depth)
    : distance_(static_cast<std::size_t>(graph.size())), places_of_(static_cast<std::size_t>(graph.size())) {
  MixedGraph left = graph;
  const auto place = [&](Index node, Index at, Index parent) {
    places_of_[node].push_back(static_cast<Index>(places_.size()));
    places_.push_back({node, at, parent});
    distance_[node] = distance_[node] == 0 ? at : std::min(distance_[node], at);
  };
  for (const Index b : graph.neighbours(root)) {
    place(b, 1, -1);
    left.remove(root, b);
  }
  for (std::size_t next = 0; next < places_.size(); ++next) {
    const Place here = places_[next];
    if (here.depth >= depth) {
      continue;
    }
    const Index a = here.parent < 0 ? root : places_[here.parent].node;
    const Index b = here.node;
    for (const Index c : left.neighbours(b)) {
      const bool collider = graph.at(a, b) == Mark::head && graph.at(c, b) == Mark::head;
      if (a != c && (graph.adjacent(a, c) || collider)) {
        left.remove(b, c);
        place(c, here.depth + 1, static_cast<Index>(next));
      }
    }
  }
}

Nodes PdsTree::nodes() const {
  Nodes found;
  for (std::size_t node = 0; node < distance_.size(); ++node) {
    if (distance_[node] > 0) {
      found.push_back(static_cast<Index>(node));
    }
  }
  return found;
}

Index PdsTree::distance(const Nodes& set) const {
  Index sum = 0;
  for (const Index node : set) {
    sum += distance_[node];
  }
  return sum;
}

bool PdsTree::reached(Index node, const std::vector<char>& inside) const {
  return std::ranges::any_of(places_of_[node], [&](Index place) {
    Index above = places_[place].parent;
    while (above >= 0 && inside[places_[above].node] != 0) {
      above = places_[above].parent;
    }
    return above < 0;
  });
}

bool PdsTree::legal(const Nodes& set) const {
  std::vector<char> inside(distance_.size());
  for (const Index node : set) {
    inside[node] = 1;
  }
  return std::ranges::all_of(set, [&](Index node) { return reached(node, inside); });
}

struct PdsTree::Growth {
  Index size;
  Nodes pool;
  Nodes set;
  std::vector<char> inside;
  std::vector<char> left_out;
  std::vector<Nodes> found;
};

// The first node that can be added is taken or left out: each legal set is met once, since the node that lies
// deepest in a legal set can be taken away from it.
void PdsTree::grow(Growth& growth) const {
  if (static_cast<Index>(growth.set.size()) == growth.size) {
    growth.found.push_back(growth.set);
    std::ranges::sort(growth.found.back());
    return;
  }
  const auto next = std::ranges::find_if(growth.pool, [&](Index node) {
    return growth.inside[node] == 0 && growth.left_out[node] == 0 && reached(node, growth.inside);
  });
  if (next == growth.pool.end()) {
    return;
  }
  const Index node = *next;
  growth.inside[node] = 1;
  growth.set.push_back(node);
  grow(growth);
  growth.set.pop_back();
  growth.inside[node] = 0;
  growth.left_out[node] = 1;
  grow(growth);
  growth.left_out[node] = 0;
}

std::vector<Nodes> PdsTree::legal_sets(Index size, const std::vector<char>& allowed) const {
  VOLLEY_ASSERT(allowed.size() == distance_.size());
  Growth growth{size, nodes(), {}, std::vector<char>(distance_.size()), std::vector<char>(distance_.size()),
                {}};
  std::erase_if(growth.pool, [&](Index node) { return allowed[node] == 0; });
  if (size <= static_cast<Index>(growth.pool.size())) {
    grow(growth);
  }
  std::ranges::sort(growth.found);
  std::ranges::stable_sort(growth.found, {}, [&](const Nodes& set) { return distance(set); });
  return std::move(growth.found);
}

}  // namespace volley
