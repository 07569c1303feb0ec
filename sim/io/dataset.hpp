// Samples for a run: arrays by the names of the graph's inputs.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "sim/io/array.hpp"

namespace volley {

struct Dataset {
  Arrays arrays;              // by name of input; floats are finite
  std::vector<Index> labels;  // class of each sample, 0 or more; empty: none
};

// spec: the path of an .npz with one array per input and, if it likes, "labels" (one axis of integers); or
// "idx:IMAGES,LABELS" (gzip too), which gives "image" [S, 1, rows, columns] as k / 256 in float32.
// inputs: the arrays that are wanted, each must be there; none: all.
Dataset read_dataset(const std::string& spec, std::span<const std::string> inputs = {});

}  // namespace volley
