// Where the values of a run go: .npz, or NIRData for other tools of spiking networks.
#pragma once

#include "sim/graph/graph.hpp"
#include "sim/measure/collector.hpp"

namespace volley::cli {

bool is_nir_data_name(const std::string& path);  // .h5, .hdf5 or .nirdata

// Outputs by their names, recorded ports by theirs. dt: of a step [s], which only NIRData holds.
void write_recording(const std::string& path, const Graph& graph, const Collector& collector,
                     const std::set<Port>& recorded, double dt);

}  // namespace volley::cli
