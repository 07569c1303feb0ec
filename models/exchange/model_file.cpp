// Weights first, then the graph that names them.
#include "models/exchange/model_file.hpp"

#include <filesystem>

#include "sim/base/check.hpp"
#include "sim/io/graph_proto.hpp"
#include "sim/io/safetensors.hpp"

namespace volley {

std::string write_model(const std::string& path, const BuiltModel& model,
                        const std::map<std::string, std::string>& metadata) {
  namespace fs = std::filesystem;
  fs::path graph = path;
  const bool is_file = graph.extension() == ".txtpb" || graph.extension() == ".pb";
  if (!is_file) {
    std::error_code error;
    fs::create_directories(graph, error);
    VOLLEY_CHECK(!error, Fault::run, "{}: can't make this folder: {}", path, error.message());
    graph /= "model.txtpb";
  }
  Description description = model.description;
  if (!model.weights.empty()) {
    const fs::path weights = fs::path(graph).replace_extension(".safetensors");
    write_safetensors(weights.string(), model.weights, metadata);
    description.weights_file = weights.filename().string();
  }
  write_graph(graph.string(), description);
  return graph.string();
}

}  // namespace volley
