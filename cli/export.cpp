// volley export: a model for another tool.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "cli/command.hpp"
#include "models/exchange/nir_export.hpp"
#include "sim/base/check.hpp"
#include "sim/io/file.hpp"
#include "sim/io/graph_proto.hpp"
#include "sim/io/safetensors.hpp"

namespace volley::cli {
namespace {

struct Options {
  std::string model, to, output;
  double dt = 1e-4;
};

void write_text(const std::string& path, const std::string& text) {
  const std::span<const std::byte> pieces[] = {std::as_bytes(std::span(text))};
  write_pieces(path, pieces);
}

void export_command(const Options& options) {
  const Runtime runtime = make_runtime();
  const BuiltModel built = read_model(options.model);
  if (options.to == "nir") {
    ExportedNir exported;
    try {
      exported = export_nir(runtime, built, options.dt);
    } catch (const Error& error) {
      throw Error(error.fault(), fmt::format("{}: {}", options.model, error.what()));
    }
    write_nir(options.output, exported.file);
    for (const std::string& note : exported.notes) {
      std::printf("%s\n", note.c_str());
    }
  } else if (options.to == "safetensors") {
    write_safetensors(options.output, built.weights, {{"graph", built.description.name}});
  } else if (options.to == "json") {
    write_text(options.output, graph_json(built.description));
  } else {
    write_text(options.output, make_model(runtime, built, Folding::keep).graph.dot());
  }
}

}  // namespace

void add_export(CLI::App& app, Run& chosen) {
  CLI::App* command = app.add_subcommand("export", "write a model for another tool");
  auto options = std::make_shared<Options>();
  command->add_option("model", options->model, "MODEL")->required();
  command
      ->add_option("--to", options->to, "dot (graphviz) | json (the graph) | safetensors (the weights) | nir")
      ->required()
      ->check(CLI::IsMember({"dot", "json", "safetensors", "nir"}));
  command->add_option("-o,--output", options->output, "FILE")->required();
  command->add_option("--dt", options->dt, "length of a step, for nir [s]")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->footer("Example: volley export net.txtpb --to nir --dt 1e-3 -o net.nir");
  command->callback([options, &chosen] { chosen = [options] { export_command(*options); }; });
}

}  // namespace volley::cli
