// volley import: a model of another tool as a graph and weights.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>

#include "cli/command.hpp"
#include "models/exchange/checkpoint_import.hpp"
#include "models/exchange/model_file.hpp"
#include "models/exchange/nir.hpp"
#include "models/families/settings.hpp"
#include "models/lints.hpp"
#include "sim/base/check.hpp"
#include "sim/io/hdf5_file.hpp"

namespace volley::cli {
namespace {

struct Options {
  std::string source, output;
  NirOptions nir;
  bool has_dt = false;
  CheckpointOptions checkpoint;
  std::vector<std::string> config, family_files;
  bool ema = false;
  Format format = Format::table;
};

double time_step(const Options& options, const NirFile& file, std::vector<std::string>& notes) {
  const auto at = file.metadata.find("dt");
  if (options.has_dt) {
    return options.nir.dt;
  }
  if (at != file.metadata.end()) {
    notes.push_back(fmt::format("dt is {:g}, from the file's metadata", at->second));
    return at->second;
  }
  notes.push_back(fmt::format("dt is {:g}, the default: the file does not say", options.nir.dt));
  return options.nir.dt;
}

template <class F>
auto with_source(const std::string& source, const F& f) {
  try {
    return f();
  } catch (const Error& error) {
    throw Error(error.fault(), fmt::format("{}: {}", source, error.what()));
  }
}

// A graph that can't run is not written.
void write_checked(const Options& options, const BuiltModel& built,
                   const std::map<std::string, std::string>& metadata, Report& report) {
  const Index parameters = make_model(make_runtime(), built).parameters;
  report.facts.push_back({"graph", write_model(options.output, built, metadata)});
  report.facts.push_back({"parameters", parameters});
}

void import_nir_command(Options options) {
  const NirFile file = read_nir(options.source);
  Report report{"volley.import/1", {}, {}, {}};
  report.remarks = file.notes;
  options.nir.dt = time_step(options, file, report.remarks);
  const ImportedModel imported = with_source(options.source, [&] { return import_nir(file, options.nir); });
  report.facts.push_back({"nir_version", file.version});
  write_checked(options, imported.model, {{"source", options.source}, {"nir_version", file.version}}, report);
  report.remarks.insert(report.remarks.end(), imported.notes.begin(), imported.notes.end());
  print(report, options.format);
}

std::vector<CheckpointFamily> known_families(const Options& options) {
  std::vector<std::string> files = options.family_files;
  for (const auto& entry : std::filesystem::directory_iterator(checkpoint_folder())) {
    files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  std::vector<CheckpointFamily> families;
  for (const std::string& file : files) {
    families.push_back(read_checkpoint_family(file));
  }
  return families;
}

Table tensor_table(const CheckpointImport& imported) {
  Table table{"tensors", {{"tensor", "tensor"}, {"key", "key of the file"}, {"sizes", "sizes"}}, {}};
  for (const KeyUse& use : imported.tensors) {
    table.rows.push_back({use.tensor, use.key.empty() ? Cell("missing") : Cell(use.key), text(use.sizes)});
  }
  return table;
}

Table unused_table(const CheckpointImport& imported) {
  std::map<std::string, std::pair<Index, std::string>> reasons;  // why -> count, first key
  for (const auto& [key, why] : imported.unused) {
    auto& reason = reasons[why];
    reason.second = reason.first++ == 0 ? key : reason.second;
  }
  Table table{"unused", {{"keys", "unused keys"}, {"first", "first"}, {"why", "why"}}, {}};
  for (const auto& [why, reason] : reasons) {
    table.rows.push_back({reason.first, reason.second, why});
  }
  return table;
}

Table quirk_table(const CheckpointImport& imported) {
  Table table{"quirks", {{"quirk", "quirk of the authors' code"}, {"state", "here"}, {"what", "what"}}, {}};
  for (const FoundQuirk& quirk : imported.quirks) {
    table.rows.push_back({quirk.name, std::string(name(quirk.state)), quirk.what});
  }
  return table;
}

// What the graph can't tell goes with the weights, for inspect.
std::map<std::string, std::string> metadata_of(const Options& options, const CheckpointImport& imported) {
  std::map<std::string, std::string> metadata{{"source", options.source}, {"family", imported.variant}};
  for (const FoundQuirk& quirk : imported.quirks) {
    metadata[std::string(quirk_key) + quirk.name] = std::string(name(quirk.state));
  }
  return metadata;
}

void import_checkpoint_command(Options options) {
  for (const std::string& entry : options.config) {
    const auto [key, value] = read_setting("--config", entry);
    options.checkpoint.config[key] = value;
  }
  StateDict state = read_state_dict(options.source, options.ema ? WeightAverage::ema : WeightAverage::plain);
  const std::string entry = state.entry;
  const CheckpointImport imported = with_source(options.source, [&] {
    return import_checkpoint(std::move(state), known_families(options), options.checkpoint);
  });
  Report report{"volley.import/1", {{"family", imported.variant}}, {}, imported.notes};
  std::string settings;
  for (const auto& [key, value] : imported.settings) {
    settings += fmt::format("{}{}={}", settings.empty() ? "" : " ", key, value);
  }
  report.facts.push_back({"settings", settings});
  if (!entry.empty()) {
    report.facts.push_back({"entry", entry});
  }
  write_checked(options, imported.model, metadata_of(options, imported), report);
  report.tables = {tensor_table(imported), unused_table(imported), quirk_table(imported)};
  print(report, options.format);
}

void import_command(const Options& options) {
  if (is_hdf5(options.source)) {
    import_nir_command(options);
  } else {
    import_checkpoint_command(options);
  }
}

}  // namespace

void add_import(CLI::App& app, Run& chosen) {
  CLI::App* command = app.add_subcommand("import", "read a model of another tool");
  auto options = std::make_shared<Options>();
  command
      ->add_option("source", options->source,
                   "FILE.nir, or a checkpoint: .pt .pth .pth.tar .ckpt .safetensors .npz")
      ->required();
  command->add_option("-o,--output", options->output, "NAME.txtpb (NAME.safetensors beside it) or a folder")
      ->required();
  auto* dt =
      command->add_option("--dt", options->nir.dt, "time step in the file's unit of time, mostly seconds")
          ->check(CLI::PositiveNumber)
          ->capture_default_str();
  const std::map<std::string, TimeRule> rules{
      {"euler", TimeRule::euler}, {"exact", TimeRule::exact}, {"exponential", TimeRule::exponential}};
  command
      ->add_option("--rule", options->nir.rule, "from continuous time to steps: euler | exact | exponential")
      ->transform(CLI::CheckedTransformer(rules))
      ->default_str("euler")
      ->option_text("euler | exact | exponential [euler]");
  command->add_option("--fire", options->nir.fire, "at the threshold (ge) or only above it (gt)")
      ->check(CLI::IsMember({"ge", "gt"}))
      ->capture_default_str();
  command->add_option("--reset", options->nir.reset, "to v_reset (hard) or down by the threshold (soft)")
      ->check(CLI::IsMember({"hard", "soft"}))
      ->capture_default_str();
  command->add_option("--reset-time", options->nir.reset_time, "in the step of the spike, or in the next one")
      ->check(CLI::IsMember({"now", "next"}))
      ->capture_default_str();
  command
      ->add_option("--family", options->checkpoint.family,
                   "of a checkpoint: auto, a family (spikformer) or a variant of it (spikformer-cifar)")
      ->capture_default_str();
  command
      ->add_option("--config", options->config,
                   "KEY=VALUE: a setting of the family that the file does not say; may be repeated")
      ->allow_extra_args(false);
  command
      ->add_option("--family-file", options->family_files,
                   "FILE.txtpb: how another family is read; may be repeated")
      ->allow_extra_args(false);
  command
      ->add_option(
          "--compat", options->checkpoint.compat,
          "QUIRK: do as the authors' code does where it is not what their paper says; may be repeated")
      ->allow_extra_args(false);
  command->add_flag("--ema", options->ema, "the averaged weights of a checkpoint that holds both");
  command->add_flag("--allow-missing", options->checkpoint.allow_missing,
                    "tensors that the file lacks stay as in a new model");
  add_format_option(*command, options->format);
  command->footer(
      "volley import checkpoint-199.pth.tar -o spikformer.txtpb && volley inspect spikformer.txtpb");
  command->callback([options, dt, &chosen] {
    options->has_dt = dt->count() > 0;
    chosen = [options] { import_command(*options); };
  });
}

}  // namespace volley::cli
