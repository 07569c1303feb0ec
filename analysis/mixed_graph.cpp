// Marks in a square table, and the graph as text.
#include "analysis/mixed_graph.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace volley {

std::vector<Index> MixedGraph::neighbours(Index a) const {
  std::vector<Index> found;
  for (Index b = 0; b < size_; ++b) {
    if (adjacent(a, b)) {
      found.push_back(b);
    }
  }
  return found;
}

Index MixedGraph::edge_count() const {
  Index ends = 0;
  for (const Mark mark : marks_) {
    ends += mark != Mark::none ? 1 : 0;
  }
  return ends / 2;
}

bool MixedGraph::set(Index a, Index b, Mark mark) {
  VOLLEY_ASSERT(adjacent(a, b) && mark != Mark::none);
  Mark& old = marks_[a * size_ + b];
  const bool changed = old != mark;
  old = mark;
  return changed;
}

void MixedGraph::add(Index a, Index b, Mark at_a, Mark at_b) {
  VOLLEY_ASSERT(a != b && at_a != Mark::none && at_b != Mark::none);
  marks_[a * size_ + b] = at_b;
  marks_[b * size_ + a] = at_a;
}

void MixedGraph::remove(Index a, Index b) {
  marks_[a * size_ + b] = Mark::none;
  marks_[b * size_ + a] = Mark::none;
}

void MixedGraph::set_all(Mark mark) {
  for (Mark& old : marks_) {
    old = old == Mark::none ? old : mark;
  }
}

MixedGraph complete_graph(Index size, Mark mark) {
  MixedGraph graph(size);
  for (Index a = 0; a < size; ++a) {
    for (Index b = a + 1; b < size; ++b) {
      graph.add(a, b, mark, mark);
    }
  }
  return graph;
}

std::string edge_text(Mark at_a, Mark at_b) {
  const char left = at_a == Mark::head ? '<' : at_a == Mark::circle ? 'o' : '-';
  const char right = at_b == Mark::head ? '>' : at_b == Mark::circle ? 'o' : '-';
  return {left, '-', right};
}

namespace {

const char* dot_arrow(Mark mark) {
  return mark == Mark::head ? "normal" : mark == Mark::circle ? "odot" : "none";
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') {
      out += '\\';
    }
    out += letter;
  }
  return out + '"';
}

}  // namespace

std::string as_dot(const MixedGraph& graph, const std::vector<std::string>& names, const std::string& title) {
  std::string out = fmt::format("digraph {} {{\n", quoted(title));
  for (const std::string& name : names) {
    out += fmt::format("  {};\n", quoted(name));
  }
  for (Index a = 0; a < graph.size(); ++a) {
    for (Index b = a + 1; b < graph.size(); ++b) {
      if (graph.adjacent(a, b)) {
        out += fmt::format("  {} -> {} [dir=both, arrowtail={}, arrowhead={}];\n", quoted(names[a]),
                           quoted(names[b]), dot_arrow(graph.at(b, a)), dot_arrow(graph.at(a, b)));
      }
    }
  }
  return out + "}\n";
}

std::string as_one_dot(const std::vector<NamedGraph>& graphs) {
  std::string out =
      "digraph {\n  graph [fontname=\"DejaVu Sans\", fontsize=13, nodesep=0.3];\n"
      "  node [fontname=\"DejaVu Sans\", fontsize=12, shape=circle, fixedsize=true, width=0.45];\n"
      "  edge [dir=both, arrowsize=0.8];\n";
  for (std::size_t g = 0; g < graphs.size(); ++g) {
    const auto& [title, names, graph] = graphs[g];
    out += fmt::format("  subgraph cluster{} {{\n    label={}; color=gray70;\n", g, quoted(title));
    std::string alone;
    for (Index a = 0; a < graph.size(); ++a) {
      if (graph.neighbours(a).empty()) {
        alone += (alone.empty() ? "" : ", ") + names[a];
        continue;
      }
      out += fmt::format("    n{}_{} [label={}, width={}];\n", g, a, quoted(names[a]),
                         0.3 + 0.08 * static_cast<double>(std::max<std::size_t>(2, names[a].size())));
      for (const Index b : graph.neighbours(a)) {
        if (a < b) {
          out += fmt::format("    n{0}_{1} -> n{0}_{2} [arrowtail={3}, arrowhead={4}];\n", g, a, b,
                             dot_arrow(graph.at(b, a)), dot_arrow(graph.at(a, b)));
        }
      }
    }
    if (!alone.empty()) {
      out += fmt::format("    alone{} [shape=plaintext, fixedsize=false, fontcolor=gray40, label={}];\n", g,
                         quoted("not joined: " + alone));
    }
    out += "  }\n";
  }
  return out + "}\n";
}

}  // namespace volley
