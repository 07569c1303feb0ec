// Loads a model from a file or a builder and runs the passes.
#include "models/families/families.hpp"
#include "models/families/repconv.hpp"
#include "models/runtime.hpp"
#include "sim/base/check.hpp"
#include "sim/io/graph_proto.hpp"

namespace volley {

Model make_model(const Runtime& runtime, const BuiltModel& built, Folding folding) {
  Model model;
  model.description = built.description;
  model.parameters = built.parameter_count();
  const auto folded = folding == Folding::fold ? fold_repconv(built) : std::nullopt;
  const BuiltModel& made = folded ? folded->model : built;
  model.graph = build_graph(made.description, made.weights, runtime.registry);
  if (folding == Folding::fold) {
    model.notes = fold_affines(model.graph);
  }
  if (folded) {
    model.notes.insert(model.notes.begin(), folded->notes.begin(), folded->notes.end());
  }
  insert_conversions(model.graph, runtime.registry);
  return model;
}

void round_model(Model& model) {
  const std::vector<std::string> notes = round_weights(model.graph);
  model.notes.insert(model.notes.end(), notes.begin(), notes.end());
}

BuiltModel read_model(const std::string& spec) {
  if (is_family_spec(spec)) {
    return build_family_spec(spec);
  }
  BuiltModel built;
  built.description = read_graph(spec);
  built.weights = read_weights_of(spec, built.description);
  return built;
}

Model load_model(const Runtime& runtime, const std::string& spec, Folding folding) {
  const BuiltModel built = read_model(spec);
  try {
    Model model = make_model(runtime, built, folding);
    model.spec = spec;
    return model;
  } catch (const Error& error) {
    if (is_family_spec(spec)) {
      throw;
    }
    throw Error(error.fault(), fmt::format("{}: {}", graph_file(spec), error.what()));
  }
}

}  // namespace volley
