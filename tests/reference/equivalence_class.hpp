// Equivalence classes too large to list: compelled edges of a DAG, and a walk through the class of a MAG.
#pragma once

#include <set>
#include <string>

#include "tests/reference/causal_truth.hpp"

namespace volley::reference {

// The CPDAG of a DAG: compelled edges stay directed, others get two tails. Source: Chickering 1995, A
// transformational characterization of equivalent Bayesian network structures, Order-Edges and Label-Edges.
inline MixedGraph cpdag_of(const MixedGraph& dag) {
  const Index n = dag.size();
  std::vector<Index> order;
  std::vector<char> placed(static_cast<std::size_t>(n));
  while (static_cast<Index>(order.size()) < n) {
    for (Index v = 0; v < n; ++v) {
      bool is_free = placed[v] == 0;
      for (Index u = 0; u < n; ++u) {
        is_free = is_free && !(dag.directed(u, v) && placed[u] == 0);
      }
      if (is_free) {
        placed[v] = 1;
        order.push_back(v);
      }
    }
  }
  std::vector<std::pair<Index, Index>>
      edges;  // by the head, earliest first; of one head, the latest tail first
  for (const Index y : order) {
    for (auto x = order.rbegin(); x != order.rend(); ++x) {
      if (dag.directed(*x, y)) {
        edges.emplace_back(*x, y);
      }
    }
  }
  enum class Label { unknown, compelled, reversible };
  std::vector<Label> label(static_cast<std::size_t>(n * n), Label::unknown);
  const auto into = [&](Index y, Label with) {
    for (Index u = 0; u < n; ++u) {
      if (dag.directed(u, y) && label[u * n + y] == Label::unknown) {
        label[u * n + y] = with;
      }
    }
  };
  for (const auto& [x, y] : edges) {
    if (label[x * n + y] != Label::unknown) {
      continue;
    }
    bool is_done = false;
    for (Index w = 0; w < n && !is_done; ++w) {
      if (!dag.directed(w, x) || label[w * n + x] != Label::compelled) {
        continue;
      }
      if (!dag.directed(w, y)) {
        into(y, Label::compelled);
        is_done = true;
      } else {
        label[w * n + y] = Label::compelled;
      }
    }
    if (is_done) {
      continue;
    }
    bool has_other = false;
    for (Index z = 0; z < n; ++z) {
      has_other = has_other || (z != x && dag.directed(z, y) && !dag.directed(z, x));
    }
    into(y, has_other ? Label::compelled : Label::reversible);
  }
  MixedGraph out(n);
  for (const auto& [x, y] : edges) {
    out.add(x, y, Mark::tail, label[x * n + y] == Label::compelled ? Mark::head : Mark::tail);
  }
  return out;
}

// A discriminating path for a whose end is b: <d, ..., q, a, b>, d not adjacent to b, each node between d and
// a a collider and a parent of b.
inline bool is_discriminated(const MixedGraph& mag, Index a, Index b) {
  std::vector<char> seen(static_cast<std::size_t>(mag.size()));
  std::vector<Index> open;
  for (const Index q : mag.neighbours(a)) {
    if (q != b && mag.at(a, q) == Mark::head && mag.directed(q, b)) {
      seen[q] = 1;
      open.push_back(q);
    }
  }
  while (!open.empty()) {
    const Index q = open.back();
    open.pop_back();
    for (const Index d : mag.neighbours(q)) {
      if (d == a || d == b || mag.at(d, q) != Mark::head) {
        continue;
      }
      if (!mag.adjacent(d, b)) {
        return true;
      }
      if (seen[d] == 0 && mag.at(q, d) == Mark::head && mag.directed(d, b)) {
        seen[d] = 1;
        open.push_back(d);
      }
    }
  }
  return false;
}

// May a -> b become a <-> b in this MAG, and the class stay the same? Conditions t1 - t3 of Zhang and Spirtes
// 2005, A transformational characterization of Markov equivalence for DAGs with latent variables.
inline bool may_turn(const MixedGraph& mag, Index a, Index b) {
  MixedGraph without = mag;
  without.remove(a, b);
  if (is_ancestor(without, a, b)) {
    return false;
  }
  for (const Index c : mag.neighbours(a)) {
    if (c == b || mag.at(c, a) != Mark::head) {
      continue;
    }
    const bool fits = mag.at(a, c) == Mark::tail ? mag.directed(c, b) : mag.at(c, b) == Mark::head;
    if (!fits) {
      return false;
    }
  }
  return !is_discriminated(mag, a, b);
}

struct ClassWalk {
  MixedGraph common;  // a circle where two visited members differ
  Index members = 0;  // different ones
};

// Members of the class of a MAG without undirected edges, by random changes of one mark: any two members are
// joined by such changes (Zhang and Spirtes 2005). A circle is certain: two members differ. Another mark is
// that of all members that were visited.
inline ClassWalk walk_class(const MixedGraph& truth, Index tries, std::mt19937& random) {
  std::vector<std::pair<Index, Index>> edges;
  for (Index a = 0; a < truth.size(); ++a) {
    for (const Index b : truth.neighbours(a)) {
      edges.emplace_back(a, b);
    }
  }
  ClassWalk walk{truth, 1};
  if (edges.empty()) {
    return walk;
  }
  MixedGraph mag = truth;
  std::set<std::string> visited;
  const auto visit = [&] {
    std::string marks;
    for (const auto& [a, b] : edges) {
      marks += static_cast<char>(mag.at(a, b));
      if (walk.common.at(a, b) != mag.at(a, b)) {
        walk.common.set(a, b, Mark::circle);
      }
    }
    visited.insert(marks);
  };
  visit();
  for (Index i = 0; i < tries; ++i) {
    const auto [a, b] = edges[static_cast<std::size_t>(random()) % edges.size()];
    if (mag.directed(a, b) && may_turn(mag, a, b)) {
      mag.set(b, a, Mark::head);
      visit();
    } else if (mag.at(a, b) == Mark::head && mag.at(b, a) == Mark::head) {
      MixedGraph turned = mag;
      turned.set(b, a, Mark::tail);
      if (is_ancestral(turned) && may_turn(turned, a, b)) {
        mag = turned;
        visit();
      }
    }
  }
  walk.members = static_cast<Index>(visited.size());
  return walk;
}

}  // namespace volley::reference
