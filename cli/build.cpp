// volley build: a model of a published family, with random weights, as files.
#include <CLI/CLI.hpp>

#include "cli/command.hpp"
#include "models/exchange/model_file.hpp"
#include "models/families/families.hpp"
#include "models/families/settings.hpp"
#include "sim/base/check.hpp"

namespace volley::cli {
namespace {

struct Options {
  std::string family, size, output;
  std::vector<std::string> settings;
  Index seed = 0;
  bool list = false;
  Format format = Format::table;
};

// Counted from the shapes alone.
Index parameters(const Family& family, const FamilySize& size) {
  return family.build(size.settings, 0, Draw::sizes).parameter_count();
}

template <class Number>
Cell known(Number number) {
  return number > 0 ? Cell(number) : Cell();
}

void list_families(const Options& options) {
  Report report{"volley.build.list/1", {}, {}, {}};
  Table table{"sizes",
              {{"family", "family"},
               {"size", "size"},
               {"parameters", "parameters"},
               {"of_authors", "of authors"},
               {"unread", "unread there"},
               {"published_m", "published [M]"},
               {"settings", "settings"}},
              {}};
  for (const Family& family : families()) {
    if (!options.family.empty() && family.name != options.family) {
      continue;
    }
    report.remarks.push_back(family.name + ": " + family.about);
    for (const FamilySize& size : family.sizes) {
      std::string settings;
      for (const auto& [key, value] : size.settings) {
        settings += fmt::format("{}{}={}", settings.empty() ? "" : " ", key, value);
      }
      table.rows.push_back({family.name, size.name, parameters(family, size), known(size.of_authors),
                            known(size.unread), known(size.published_m), settings});
    }
  }
  report.tables.push_back(std::move(table));
  if (!options.family.empty()) {
    Table keys{"settings", {{"key", "key"}, {"default", "default"}, {"meaning", "meaning"}}, {}};
    for (const SettingDoc& doc : find_family(options.family).settings()) {
      keys.rows.push_back({doc.key, doc.standard, doc.doc});
    }
    report.tables.push_back(std::move(keys));
  }
  print(report, options.format);
}

void build_command(const Options& options) {
  if (options.list) {
    if (!options.family.empty()) {
      (void)find_family(options.family);
    }
    list_families(options);
    return;
  }
  VOLLEY_CHECK(!options.family.empty(), Fault::usage, "build wants a FAMILY, or --list");
  VOLLEY_CHECK(!options.output.empty(), Fault::usage, "build wants -o MODEL.txtpb");
  Settings settings;
  for (const std::string& entry : options.settings) {
    settings.insert(read_setting("--set", entry));
  }
  const BuiltModel built =
      build_family(options.family, options.size, settings, static_cast<std::uint64_t>(options.seed));
  const Runtime runtime = make_runtime();
  (void)infer_domains(make_model(runtime, built, Folding::keep).graph);  // what can't run is not written
  const std::string graph = write_model(
      options.output, built,
      {{"family", options.family},
       {"size", options.size.empty() ? find_family(options.family).sizes.front().name : options.size},
       {"seed", std::to_string(options.seed)}});
  Report report{"volley.build/1", {}, {}, {}};
  report.facts.push_back({"graph", graph});
  report.facts.push_back({"nodes", static_cast<Index>(built.description.nodes.size())});
  report.facts.push_back({"parameters", built.parameter_count()});
  print(report, options.format);
}

}  // namespace

void add_build(CLI::App& app, Run& chosen) {
  CLI::App* command = app.add_subcommand("build", "a model of a published family, with random weights");
  auto options = std::make_shared<Options>();
  command->add_option("family", options->family, "FAMILY: see --list");
  command->add_option("--size", options->size, "a published size (default: the first of the list)");
  command->add_option("--set", options->settings, "KEY=VALUE: changes the size; may be repeated")
      ->allow_extra_args(false);
  command->add_option("--seed", options->seed, "of the weights")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("-o,--output", options->output, "NAME.txtpb (NAME.safetensors beside it) or a folder");
  command->add_flag("--list", options->list, "all families and sizes; with FAMILY also what --set takes");
  add_format_option(*command, options->format);
  command->footer("Example: volley build qkformer --size cifar10-4-384 --set depth=3 -o qk.txtpb");
  command->callback([options, &chosen] { chosen = [options] { build_command(*options); }; });
}

}  // namespace volley::cli
