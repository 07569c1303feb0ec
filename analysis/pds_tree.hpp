// The tree of nodes that may separate a node from others, and its legal sets.
#pragma once

#include "analysis/independence.hpp"
#include "analysis/mixed_graph.hpp"

namespace volley {

// Breadth first from the root over edges of the graph: below (a, b) stands c when a and c are adjacent or b
// is a collider a *-> b <-* c; an edge is used once. A node may stand at several places. Source: Rohekar et
// al. 2021 (ICD), arXiv 2111.04095, and their released code.
class PdsTree {
 public:
  PdsTree(const MixedGraph& graph, Index root, Index depth);  // depth >= 1

  Nodes nodes() const;                                          // ascending, without the root
  Index distance(Index node) const { return distance_[node]; }  // least depth; 0: not in the tree
  Index distance(const Nodes& set) const;                       // the sum

  // Each node of the set is reached from the root over nodes of the set.
  bool legal(const Nodes& set) const;
  // All legal sets of this size made of allowed nodes, by sum of distances, then in index order.
  std::vector<Nodes> legal_sets(Index size, const std::vector<char>& allowed) const;

 private:
  struct Place {
    Index node;
    Index depth;
    Index parent;  // a place; -1: below the root
  };
  bool reached(Index node, const std::vector<char>& inside) const;
  struct Growth;
  void grow(Growth& growth) const;

  std::vector<Place> places_;
  std::vector<Index> distance_;
  std::vector<std::vector<Index>> places_of_;  // by node
};

}  // namespace volley
