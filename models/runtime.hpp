// Where all meets: operators, kernels, a model and its runs.
#pragma once

#include <functional>
#include <optional>

#include "models/families/blocks.hpp"
#include "models/input_data.hpp"
#include "sim/exec/executor.hpp"
#include "sim/measure/collector.hpp"

namespace volley {

struct Runtime {
  Registry registry;
  KernelTable kernels;
};
Runtime make_runtime();  // with every built-in operator and kernel

struct Model {
  std::string spec;  // as the user wrote it
  Description description;
  Graph graph;  // after the passes
  Index parameters = 0;
  std::vector<std::string> notes;  // what the passes did
};

enum class Folding : std::uint8_t {
  fold,
  keep
};  // batch norms into the layer in front of them, or as they are

// spec: a graph file (.txtpb, .pb), a folder that holds one, or a family (models/families.hpp):
// "spikformer:size=cifar10-4-384,depth=2,seed=1".
Model load_model(const Runtime& runtime, const std::string& spec, Folding folding = Folding::fold);
// Rounds the weights to 8 bits where spikes are read; notes say what was done.
void round_model(Model& model);
// The same spec as it stands in the file, before anything is built.
BuiltModel read_model(const std::string& spec);
Model make_model(const Runtime& runtime, const BuiltModel& built, Folding folding = Folding::fold);

struct RunSettings {
  std::optional<Index> steps;  // T; default: of the data, else 4
  Index first = 0;             // samples [first, end)
  std::optional<Index> end;
  Index batch = 32;
  Order order = Order::layered;
  std::uint64_t seed = 0;
  std::map<std::string, std::string> kernels;  // op kind -> kernel
  std::set<Port> recorded;                     // beside what the recorder wants
};

struct RunSummary {
  Index samples = 0;
  Index steps = 1;                   // T; 1 when the model has no steps
  Index batch = 1;                   // the batch that was planned
  double seconds = 0;                // wall time inside the executor [s]
  std::size_t activation_bytes = 0;  // peak, for one batch [bytes]
  std::size_t state_bytes = 0;       // membranes of one batch [bytes]
  std::size_t weight_bytes = 0;      // [bytes]
};

using Progress = std::function<void(Index done, Index total)>;

// Does any node of the model work in steps?
bool has_steps(const Graph& graph);
Plan make_plan(const Runtime& runtime, const Model& model, const RunSettings& settings, Index steps,
               Index batch, bool with_cost);
// T for these settings and data. Throws Error (usage) when the data has fewer steps.
Index steps_of_run(const Model& model, const InputData& data, const RunSettings& settings);

// Runs the samples in batches. Throws Error (usage) for a sample range outside of the data.
RunSummary run_model(const Runtime& runtime, const Model& model, const InputData& data,
                     const RunSettings& settings, Recorder& recorder, const Progress& progress);

}  // namespace volley
