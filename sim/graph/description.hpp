// A graph as it stands in a file: names and attributes, nothing checked yet.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/graph/weight_numbers.hpp"
#include "sim/op/params.hpp"
#include "sim/tensor/value.hpp"

namespace volley {

// What an input or a loop edge carries, of one sample in one step (T and B are put in front).
struct TypeDescription {
  Shape shape;
  Form form = Form::dense;
  SpikeCode code;
  bool operator==(const TypeDescription&) const = default;
};

struct InputDescription {
  std::string name;
  TypeDescription type;
  bool per_step = false;  // the array has a T axis
  bool operator==(const InputDescription&) const = default;
};

struct EdgeDescription {
  std::string from;                        // "node", "node:output" or a graph input
  Index delay = 0;                         // [steps]
  std::vector<TypeDescription> loop_type;  // one entry on an edge that closes a loop, else none
  bool operator==(const EdgeDescription&) const = default;
};

struct NodeDescription {
  std::string name;
  std::string op;
  std::vector<EdgeDescription> in;
  Attributes attributes;
  std::map<std::string, std::string> weights;  // slot -> tensor name
  bool operator==(const NodeDescription&) const = default;
};

struct OutputDescription {
  std::string name;
  std::string from;
  bool operator==(const OutputDescription&) const = default;
};

struct Description {
  std::string name;
  std::string weights_file;  // as written in the file; empty: none
  std::vector<InputDescription> inputs;
  std::vector<NodeDescription> nodes;
  std::vector<OutputDescription> outputs;
  bool operator==(const Description&) const = default;
};

// A tensor of a weights file, as float32.
struct WeightTensor {
  std::vector<Index> sizes;
  WeightNumbers numbers;
};
using Weights = std::map<std::string, WeightTensor>;

}  // namespace volley
