// volley analyze spectrum: singular values of attention, layer by layer.
#include <CLI/CLI.hpp>
#include <cmath>

#include "analysis/map_distance.hpp"
#include "analysis/picture.hpp"
#include "analysis/spectrum.hpp"
#include "cli/analyze_layers.hpp"
#include "sim/base/check.hpp"

namespace volley::cli {
namespace {

struct SpectrumOptions {
  SourceOptions sources;
  double tolerance = 1e-6;
  std::vector<Index> at = {1, 2, 4, 8};
  bool heads = false;
  bool curves = false;
  std::string picture;
  Format format = Format::table;
};

// Means over maps of one layer and one head, or of all heads.
struct Gathered {
  std::vector<Mean> decay, cumulative, explained;  // decay: sigma_i / sigma_1
  Mean greatest, rank, effective;
  Index silent = 0;

  void add(const Matrix& map, double tolerance) {
    if (is_zero(map)) {
      ++silent;
      return;
    }
    const Spectrum found = spectrum(map, tolerance);
    const std::size_t count = found.singular.size();
    for (auto* each : {&decay, &cumulative, &explained}) {
      each->resize(count);
    }
    for (std::size_t i = 0; i < count; ++i) {
      decay[i].add(found.singular[i] / found.singular[0]);
      cumulative[i].add(found.cumulative[i]);
      explained[i].add(found.explained[i]);
    }
    greatest.add(found.singular[0]);
    rank.add(static_cast<double>(found.rank));
    effective.add(found.effective_rank);
  }
};

Cell cell(const Mean& mean) {
  return mean.mean() ? Cell(*mean.mean()) : Cell();
}

// The share that so many singular values hold: all of them when there are fewer.
Cell share_at(const std::vector<Mean>& shares, Index count) {
  if (shares.empty()) {
    return {};
  }
  return cell(shares[static_cast<std::size_t>(std::min(count, static_cast<Index>(shares.size()))) - 1]);
}

Table summary_table(const SpectrumOptions& options) {
  Table table{"layers",
              {{"model", "model"},
               {"layer", "layer"},
               {"matrix", "matrix"},
               {"head", "head"},
               {"maps", "maps"},
               {"silent_maps", "silent"},
               {"greatest_singular_value", "sigma 1", 3},
               {"rank", "rank", 1},
               {"effective_rank", "effective rank", 2}},
              {}};
  for (const Index at : options.at) {
    table.columns.push_back({fmt::format("sigma_share_first_{}", at), fmt::format("sigma 1..{}", at), 3});
  }
  for (const Index at : options.at) {
    table.columns.push_back(
        {fmt::format("explained_variance_first_{}", at), fmt::format("variance 1..{}", at), 3});
  }
  table.columns.push_back({"objective", "J", 4});
  return table;
}

struct Tables {
  Table summary;
  Table curves{"curves",
               {{"model", "model"},
                {"layer", "layer"},
                {"matrix", "matrix"},
                {"index", "index"},
                {"singular_value_over_greatest", "sigma / sigma 1", 6},
                {"sigma_share", "share of sigma", 6},
                {"explained_variance", "share of variance", 6}},
               {}};
  Curves picture{"Singular values of attention", "index", "sigma / sigma 1", false, true, {}};
};

void add_row(Table& table, const SpectrumOptions& options, const std::string& model,
             const LayerMatrices& layer, Cell head, const Gathered& found) {
  std::vector<Cell> row{model,
                        layer.maps.name,
                        layer.matrix,
                        std::move(head),
                        found.greatest.count + found.silent,
                        found.silent,
                        cell(found.greatest),
                        cell(found.rank),
                        cell(found.effective)};
  for (const Index at : options.at) {
    row.push_back(share_at(found.cumulative, at));
  }
  for (const Index at : options.at) {
    row.push_back(share_at(found.explained, at));
  }
  row.push_back(layer.objective ? Cell(*layer.objective) : Cell());
  table.rows.push_back(std::move(row));
}

void add_curves(Tables& tables, const std::string& model, const LayerMatrices& layer, const Gathered& all) {
  Curve curve{fmt::format("{} {}{}", model, layer.maps.name, layer.matrix == "A" ? "" : " " + layer.matrix),
              {},
              {},
              {}};
  for (std::size_t i = 0; i < all.decay.size(); ++i) {
    tables.curves.rows.push_back({model, layer.maps.name, layer.matrix, static_cast<Index>(i + 1),
                                  cell(all.decay[i]), cell(all.cumulative[i]), cell(all.explained[i])});
    // Below the tolerance of float32 it is the rounding that one would see.
    if (all.decay[i].mean().value_or(0) > 1e-7) {
      curve.x.push_back(static_cast<double>(i + 1));
      curve.y.push_back(*all.decay[i].mean());
    }
  }
  if (layer.matrix == "A" || layer.matrix == "K") {
    tables.picture.curves.push_back(std::move(curve));
  }
}

void add_layer(Tables& tables, const SpectrumOptions& options, const std::string& model,
               const LayerMatrices& layer) {
  const LayerMaps& maps = layer.maps;
  Gathered all;
  std::vector<Gathered> of_head(static_cast<std::size_t>(maps.heads));
  for (Index sample = 0; sample < maps.samples; ++sample) {
    for (Index head = 0; head < maps.heads; ++head) {
      for (Index step = 0; step < (options.sources.per_step ? maps.steps : 1); ++step) {
        const Matrix map =
            matrix_of(maps, options.sources.per_step ? std::optional(step) : std::nullopt, sample, head);
        all.add(map, options.tolerance);
        if (options.heads) {
          of_head[head].add(map, options.tolerance);
        }
      }
    }
  }
  VOLLEY_CHECK(all.greatest.count > 0, Fault::model,
               "{}: all {} maps of '{}' are zero: of rank 0, they have no spectrum", model, all.silent,
               maps.name);
  add_row(tables.summary, options, model, layer, "all", all);
  for (Index head = 0; options.heads && head < maps.heads; ++head) {
    add_row(tables.summary, options, model, layer, head, of_head[head]);
  }
  add_curves(tables, model, layer, all);
}

void spectrum_command(const SpectrumOptions& options) {
  for (const Index at : options.at) {
    VOLLEY_CHECK(at >= 1, Fault::usage, "--at is {}, wanted 1 or more", at);
  }
  Tables tables;
  tables.summary = summary_table(options);
  Report report{"volley.analyze.spectrum/1", {}, {}, {}};
  std::string list;
  std::optional<double> zero;
  for (const std::string& source : options.sources.sources) {
    list += (list.empty() ? "" : " ") + source;
    for (const LayerMatrices& layer : read_layer_matrices(options.sources.of(source), Wanted::matrices)) {
      add_layer(tables, options, short_name(options.sources, source), layer);
      if (layer.zero) {
        zero = std::max(zero.value_or(0), *layer.zero);
      }
    }
  }
  report.facts = {{"sources", list},
                  {"input", options.sources.run.input},
                  {"maps_are", std::string(options.sources.per_step ? "single steps" : "means over steps")},
                  {"rank_tolerance", options.tolerance}};
  if (zero) {
    report.facts.push_back({"objective_at_singular_triplets_over_trace", *zero});
  }
  report.tables.push_back(std::move(tables.summary));
  if (options.curves) {
    report.tables.push_back(std::move(tables.curves));
  }
  if (!options.picture.empty()) {
    write_curves(options.picture, tables.picture);
  }
  print(report, options.format);
}

}  // namespace

void add_analyze_spectrum(CLI::App& analyze, Run& chosen) {
  auto options = std::make_shared<SpectrumOptions>();
  CLI::App* command = analyze.add_subcommand("spectrum", "singular values of attention, and effective rank");
  add_source_options(*command, options->sources);
  command->add_flag("--per-step", options->sources.per_step, "a matrix for each step, not their mean");
  command
      ->add_option("--tolerance", options->tolerance, "rank: singular values above this share of the first")
      ->capture_default_str();
  command->add_option("--at", options->at, "how many singular values the shares are given for")
      ->delimiter(',')
      ->capture_default_str();
  command->add_flag("--heads", options->heads, "a row for each head too");
  command->add_flag("--curves", options->curves, "a table of all singular values too");
  add_picture_option(*command, options->picture, "decay curves of maps and kernels");
  add_format_option(*command, options->format);
  command->footer(
      "Example: volley analyze spectrum examples/digits/dense.txtpb examples/primal/primal.txtpb -i digits");
  command->callback([options, &chosen] { chosen = [options] { spectrum_command(*options); }; });
}

}  // namespace volley::cli
