// What a reader of a paper would ask about a spiking model, found in its graph.
#pragma once

#include "models/runtime.hpp"
#include "sim/graph/value_domains.hpp"

namespace volley {

// A finding is no error: it says where the model is not what "spike-driven" promises.
struct Lint {
  std::string code;  // "integer_input", stable: for filters
  std::string node;
  std::string finding;
};

// steps: T of the runs that are meant.
std::vector<Lint> find_lints(const Runtime& runtime, const Graph& graph, Index steps);

// What `volley import` wrote beside the weights about the code that they were trained with.
constexpr std::string_view quirk_key = "quirk ";  // before the quirk's name
std::vector<Lint> quirk_lints(const std::map<std::string, std::string>& metadata);

}  // namespace volley
