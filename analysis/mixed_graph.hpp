// A graph whose edges carry a mark at each end.
#pragma once

#include <string>
#include <vector>

#include "sim/base/device_fn.hpp"

namespace volley {

enum class Mark : std::uint8_t { none, circle, head, tail };  // none: no edge

// Nodes 0 .. size - 1, at most one edge a pair. CPDAGs, MAGs and PAGs are such graphs.
class MixedGraph {
 public:
  explicit MixedGraph(Index size = 0) : size_(size), marks_(static_cast<std::size_t>(size * size)) {}

  Index size() const { return size_; }
  // The mark at b of the edge a *-* b.
  Mark at(Index a, Index b) const { return marks_[a * size_ + b]; }
  bool adjacent(Index a, Index b) const { return at(a, b) != Mark::none; }
  bool directed(Index a, Index b) const { return at(a, b) == Mark::head && at(b, a) == Mark::tail; }
  bool undirected(Index a, Index b) const { return at(a, b) == Mark::tail && at(b, a) == Mark::tail; }
  std::vector<Index> neighbours(Index a) const;  // ascending
  Index edge_count() const;

  // Sets the mark at b; true when it was another. The edge is there.
  bool set(Index a, Index b, Mark mark);
  void add(Index a, Index b, Mark at_a, Mark at_b);
  void remove(Index a, Index b);
  void set_all(Mark mark);  // both ends of every edge

  bool operator==(const MixedGraph&) const = default;

 private:
  Index size_;
  std::vector<Mark> marks_;
};

MixedGraph complete_graph(Index size, Mark mark);
std::string edge_text(Mark at_a, Mark at_b);  // "o->", "<->", "---"

// Graphviz; names are as many as nodes.
std::string as_dot(const MixedGraph& graph, const std::vector<std::string>& names, const std::string& title);

struct NamedGraph {
  std::string title;
  std::vector<std::string> names;
  MixedGraph graph;
};
// Several graphs side by side as one, for a picture. Nodes without an edge are listed below their graph.
std::string as_one_dot(const std::vector<NamedGraph>& graphs);

}  // namespace volley
