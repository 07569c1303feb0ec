// Writes a model as files: graph and weights.
#pragma once

#include "models/families/blocks.hpp"

namespace volley {

// path: NAME.txtpb or NAME.pb, with NAME.safetensors beside it; else a folder, made when missing, for
// model.txtpb and model.safetensors. The graph comes last, so that a graph never lacks its weights. Returns
// the graph's path. metadata goes into the weights file.
std::string write_model(const std::string& path, const BuiltModel& model,
                        const std::map<std::string, std::string>& metadata = {});

}  // namespace volley
