// Matrices of attention layers: recorded maps, and those that operators without a score imply.
#pragma once

#include "analysis/kernel_svd.hpp"
#include "cli/analyze.hpp"

namespace volley::cli {

// Several models or files of maps, analysed alike.
struct SourceOptions {
  std::vector<std::string> sources;
  std::vector<std::string> layers;
  RunOptions run;
  bool per_step = false;

  MapOptions of(const std::string& source) const { return {source, layers, run}; }
};
void add_source_options(CLI::App& app, SourceOptions& options);
// What tables call the source: its file's name without folder and ending; in full when another has the same.
std::string short_name(const SourceOptions& options, const std::string& source);

enum class Wanted : std::uint8_t {
  maps,     // [N M] only: the score of a node, A of attention.cat
  matrices  // and K, e and r of a primal layer
};

struct LayerMatrices {
  LayerMaps maps;
  std::string matrix = "A";         // A: the attention map; K: the kernel of a primal layer; e, r: its scores
  std::optional<double> objective;  // J of a primal layer, mean over samples and steps; stands with K
  std::optional<double> zero;       // greatest |J| / tr(W_e^T W_r) at the leading triplets of each K
};
// In the order of the graph. Throws Error as read_layer_maps does.
std::vector<LayerMatrices> read_layer_matrices(const MapOptions& options, Wanted wanted);

// The layers of a model that is open already, run with other settings or attributes.
std::vector<LayerMatrices> run_layer_matrices(Session& session, const MapOptions& options, Wanted wanted,
                                              Recorder* beside = nullptr);

// One head of one sample: of a step, or the mean over the steps.
Matrix matrix_of(const LayerMaps& maps, std::optional<Index> step, Index sample, Index head);
// Mean over the heads and the steps.
Matrix head_mean(const LayerMaps& maps, Index sample);

}  // namespace volley::cli
