// What the kinds of `analyze` share: attention maps and pictures.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "analysis/correlation.hpp"
#include "cli/command.hpp"

namespace volley::cli {

// Where maps come from: a model that is run over data, or a file that holds them.
struct MapOptions {
  std::string source;               // MODEL, or MAPS.npz
  std::vector<std::string> layers;  // nodes of MODEL or arrays of MAPS.npz; empty: all that hold maps
  RunOptions run;                   // of MODEL
  bool is_file() const { return source.ends_with(".npz"); }
};
// The positional SOURCE, --array (or --layer), and the options of a run, of which -i is wanted for a model
// only.
void add_map_options(CLI::App& app, MapOptions& options);

// Maps of one layer: [T S H N M], rows are queries.
struct LayerMaps {
  std::string name;  // "block0.attn", or the array
  std::string op;    // kind of the node; empty for a file
  Index steps = 1;   // T
  Index samples = 1;
  Index heads = 1;
  Index rows = 0;     // queries, N
  Index columns = 0;  // keys, M
  std::vector<double> numbers;

  double at(Index step, Index sample, Index head, Index row, Index column) const {
    return numbers[(((step * samples + sample) * heads + head) * rows + row) * columns + column];
  }
  // Throws Error (model) when N isn't M.
  SquareMatrix step_map(Index step, Index sample, Index head) const;
  SquareMatrix mean_over_steps(Index sample, Index head) const;
};

// In the order of the graph. Of a file: [N M], [H N M], [S H N M] or [T S H N M]. Of a model: the "score"
// output of every attention node that has one. Throws Error (usage) for a layer that isn't there or a model
// without -i, (model) for other sizes, a number that isn't finite, or a model without maps.
std::vector<LayerMaps> read_layer_maps(const MapOptions& options);
// The last of them, as the deepest layer; of a file with several arrays one is to be named.
LayerMaps read_deepest_maps(const MapOptions& options);
// Nodes with a "score" output, in the order of the graph.
std::vector<Port> score_ports(const Graph& graph);

// --picture FILE.svg|png; another extension is a mistake of usage, told before anything runs.
void add_picture_option(CLI::App& app, std::string& path, const std::string& what,
                        const std::string& name = "--picture");

// One function a kind: adds it to `analyze`.
void add_analyze_causal(CLI::App& analyze, Run& chosen);
void add_analyze_recovery(CLI::App& analyze, Run& chosen);
void add_analyze_spectrum(CLI::App& analyze, Run& chosen);
void add_analyze_flow(CLI::App& analyze, Run& chosen);
void add_analyze_fidelity(CLI::App& analyze, Run& chosen);
void add_analyze_depth(CLI::App& analyze, Run& chosen);
void add_analyze_rank(CLI::App& analyze, Run& chosen);

}  // namespace volley::cli
