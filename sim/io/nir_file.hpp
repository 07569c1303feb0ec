// .nir: the Neuromorphic Intermediate Representation as it stands in a file.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sim/io/array.hpp"

namespace volley {

struct NirGraph;

struct NirNode {
  std::string type;  // "Affine", "LIF", "NIRGraph" ...
  std::map<std::string, Array> numbers;
  std::map<std::string, std::string> texts;  // padding may be a word
  std::shared_ptr<const NirGraph> graph;     // of a NIRGraph
};

struct NirGraph {
  std::map<std::string, NirNode> nodes;
  std::vector<std::pair<std::string, std::string>> edges;  // from, to; as in the file
};

struct NirFile {
  std::string version;
  NirGraph graph;
  std::map<std::string, double> metadata;  // the numbers among it
  std::vector<std::string> notes;          // what was mended
};

// Versions 0.1 to 1.x (J. Pedersen et al., Nature Communications 2024; HDF5 layout of the nir package 1.0).
// What a node type means is not looked at here. Refused: no NIRGraph at the root, an edge to a node that
// isn't there, a parameter that is neither numbers nor text, more than 16 graphs within each other.
NirFile read_nir(const std::string& path);

// As version 1.0, through write_whole.
void write_nir(const std::string& path, const NirFile& file);

}  // namespace volley
