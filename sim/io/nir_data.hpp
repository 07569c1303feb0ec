// NIRData: spikes and signals recorded of the nodes of a NIR graph.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "sim/io/array.hpp"

namespace volley {

struct NirObservable {
  // gridded: a number for each step. events: which neuron fired when. valued_events: and how much.
  enum class Form : std::uint8_t { gridded, events, valued_events };
  Form form = Form::gridded;
  Array numbers;  // [samples, steps, neurons]; events: u8, 0 or 1; else f32
  bool operator==(const NirObservable&) const = default;
};

struct NirData {
  double dt = 1e-4;                                                   // of a step [s]
  std::map<std::string, std::map<std::string, NirObservable>> nodes;  // node -> "spikes", "v" ...
};

// As the nir package 1.0.8 (read_data, write_data): HDF5 with __type__ on each group. Step k of an event is
// at k dt, or as little later that dividing by dt gives k back. dt is also an attribute of the root, which
// that package ignores.
void write_nir_data(const std::string& path, const NirData& data);

// dt is that of the root, else of the gridded data, else t_max / steps; Error (usage) when none is there. A
// graph within the graph gets names with dots. Events of one neuron in one step count once, the last of
// valued ones; a neuron of -1 is no event. Refused: other types, steps of another length, events outside of
// the neurons or steps.
NirData read_nir_data(const std::string& path, std::optional<Index> steps = {});

bool is_nir_data(const std::string& path);  // HDF5 whose root is NIRGraphData

}  // namespace volley
