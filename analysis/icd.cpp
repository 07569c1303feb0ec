// Rounds of growing sets; the graph is oriented anew after each.
#include "analysis/icd.hpp"

#include <algorithm>

#include "analysis/pag_rules.hpp"
#include "analysis/pds_tree.hpp"
#include "analysis/uncovered_path.hpp"

namespace volley {
namespace {

// Nodes with a path to the target that no mark forbids to be directed.
void add_possible_ancestors(const MixedGraph& graph, Index target, std::vector<char>& found) {
  Nodes queue{target};
  std::vector<char> seen(found.size());
  seen[target] = 1;
  for (std::size_t next = 0; next < queue.size(); ++next) {
    const Index v = queue[next];
    found[v] = 1;
    for (const Index u : graph.neighbours(v)) {
      if (seen[u] == 0 && potentially_directed(graph, u, v)) {
        seen[u] = 1;
        queue.push_back(u);
      }
    }
  }
}

class Icd {
 public:
  Icd(Index nodes, const IndependenceTest& independent, const IcdSettings& settings)
      : graph_(complete_graph(nodes, Mark::circle)), independent_(independent), settings_(settings) {}

  MixedGraph learn() {
    tell(0);
    each_edge([&](Index i, Index j) { test(i, j, {}); });
    orient_arrows(graph_, separations_);
    tell(1);
    if (in_limit(1)) {
      each_edge([&](Index i, Index j) { test_neighbours(i, j); });
    }
    graph_.set_all(Mark::circle);
    orient_arrows(graph_, separations_);
    orient_rest();
    for (Index r = 2; in_limit(r) && test_round(r); ++r) {
      graph_.set_all(Mark::circle);
      orient_arrows(graph_, separations_);
    }
    orient_rest();
    return std::move(graph_);
  }

 private:
  bool in_limit(Index r) const { return settings_.largest_set < 0 || r <= settings_.largest_set; }

  void tell(Index round) const {
    if (settings_.progress) {
      settings_.progress(round, graph_.edge_count());
    }
  }

  void orient_rest() {
    if (settings_.selection) {
      orient_undirected(graph_);
    }
    orient_tails(graph_);
  }

  template <class Visit>
  void each_edge(Visit&& visit) {
    for (Index i = 0; i < graph_.size(); ++i) {
      for (Index j = i + 1; j < graph_.size(); ++j) {
        if (graph_.adjacent(i, j)) {
          visit(i, j);
        }
      }
    }
  }

  bool test(Index i, Index j, const Nodes& set) {
    if (!independent_(i, j, set)) {
      return false;
    }
    graph_.remove(i, j);
    separations_.keep(i, j, set);
    return true;
  }

  void test_neighbours(Index i, Index j) {
    Nodes tried;
    for (const Index end : {i, j}) {
      for (const Index z : graph_.neighbours(end)) {
        if (z == i || z == j || std::ranges::find(tried, z) != tried.end()) {
          continue;
        }
        tried.push_back(z);
        if (test(i, j, {z})) {
          return;
        }
      }
    }
  }

  // Sets of r possible ancestors of i or j that are legal in the tree of i or of j, the nearest first.
  std::vector<Nodes> candidates(Index i, Index j, Index r) const {
    std::vector<char> allowed(static_cast<std::size_t>(graph_.size()));
    add_possible_ancestors(graph_, i, allowed);
    add_possible_ancestors(graph_, j, allowed);
    allowed[i] = 0;
    allowed[j] = 0;
    std::vector<std::pair<Index, Nodes>> sets;
    for (const Index root : {i, j}) {
      const PdsTree tree(graph_, root, r);
      for (Nodes& set : tree.legal_sets(r, allowed)) {
        const Index distance = tree.distance(set);
        sets.emplace_back(distance, std::move(set));
      }
    }
    std::ranges::stable_sort(sets, {}, &std::pair<Index, Nodes>::first);
    std::vector<Nodes> sorted;
    for (auto& [distance, set] : sets) {
      sorted.push_back(std::move(set));
    }
    return sorted;
  }

  // False when there was no set to try.
  bool test_round(Index r) {
    tell(r);
    bool tried = false;
    each_edge([&](Index i, Index j) {
      const std::vector<Nodes> sets = candidates(i, j, r);
      tried |= !sets.empty();
      std::ranges::any_of(sets, [&](const Nodes& set) { return test(i, j, set); });
    });
    return tried;
  }

  MixedGraph graph_;
  const IndependenceTest& independent_;
  const IcdSettings& settings_;
  Separations separations_;
};

}  // namespace

MixedGraph learn_icd(Index nodes, const IndependenceTest& independent, const IcdSettings& settings) {
  return Icd(nodes, independent, settings).learn();
}

}  // namespace volley
