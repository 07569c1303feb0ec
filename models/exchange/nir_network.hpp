// A NIR graph without its sub-graphs, in an order in which it can be computed.
#pragma once

#include <string>
#include <vector>

#include "sim/io/nir_file.hpp"

namespace volley {

struct NirEdge {
  std::size_t from = 0;      // place in NirNetwork::nodes
  bool closes_loop = false;  // its source is computed later: it takes one step
};

struct NirUnit {
  std::string name;  // of a node in a sub-graph: "graph.node"
  const NirNode* node = nullptr;
  std::vector<NirEdge> in;
};

// Input and Output nodes of sub-graphs are gone, each edge leads through them.
struct NirNetwork {
  std::vector<NirUnit> nodes;  // sources first, but for edges that close a loop
  std::vector<std::string> notes;
};

// graph must outlive the result. Loops are closed where a walk from the inputs, names in order, comes back to
// a node that it has not left: there the signal takes one step. Refused: no Input or no Output, a sub-graph
// without them; a node that no input reaches is dropped with a note; so is an edge that is there twice.
NirNetwork flatten_nir(const NirGraph& graph);

}  // namespace volley
