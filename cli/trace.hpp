// --trace: each call of a node as an event for Perfetto or chrome://tracing.
#pragma once

#include <functional>
#include <string>

#include "sim/graph/graph.hpp"
#include "sim/measure/recorder.hpp"

namespace volley::cli {

// Calls run with a recorder that writes events while the run goes on; the file appears when it is whole.
// Without a path run gets nullptr.
void with_trace(const std::string& path, const Graph& graph, const std::function<void(Recorder*)>& run);

}  // namespace volley::cli
