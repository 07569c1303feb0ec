// A model as a NIR graph, where NIR has a word for each of its nodes.
#pragma once

#include "models/runtime.hpp"
#include "sim/io/nir_file.hpp"

namespace volley {

struct ExportedNir {
  NirFile file;
  std::vector<std::string> notes;  // where NIR means something else than volley computes
};

// dt: length of a step in the file's unit of time, seconds as other tools have it. Nodes that have a word:
// inputs with steps, linear, conv2d, merge.add (edges that meet), layout.flatten, layout.transpose in front
// of it or behind an input, pool.average without rim, neuron.lif and neuron.if with hard reset,
// neuron.heterogeneous_lif and _leak, delays. All others are refused by node: NIR has no attention, no norm
// and no soft reset. Constants follow the euler rule, so import_nir with it gives the same model.
ExportedNir export_nir(const Runtime& runtime, const BuiltModel& built, double dt);

}  // namespace volley
