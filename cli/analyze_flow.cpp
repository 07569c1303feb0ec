// volley analyze flow: attention between groups of tokens, and what cutting it does.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>

#include "analysis/flow.hpp"
#include "analysis/map_distance.hpp"
#include "analysis/picture.hpp"
#include "analysis/rank_correlation.hpp"
#include "cli/analyze_ablation.hpp"
#include "cli/gathered_flow.hpp"
#include "sim/base/check.hpp"
#include "sim/io/npz.hpp"

namespace volley::cli {
namespace {

struct FlowOptions {
  SourceOptions sources;
  std::string groups;
  std::string labels;
  std::vector<Index> special;
  bool ablate = false;
  bool blocks = false;
  std::string picture;
  Format format = Format::table;
};

TokenLabels labels_for(const FlowOptions& options) {
  if (!options.groups.empty()) {
    return read_token_labels(options.groups, tokens_named(options.groups));
  }
  const NpzFile file(options.labels);
  const auto names = file.names();
  const std::string name = names.size() == 1 ? names.front() : "groups";
  const std::vector<Index> numbers = as_integers(file.read(name), name);
  return labels_of(numbers, static_cast<Index>(numbers.size()));
}

// Of layers that nobody named, those of as many tokens as there are labels.
void keep_labelled(std::vector<LayerMatrices>& layers, const TokenLabels& labels, const std::string& source) {
  const Index tokens = static_cast<Index>(labels.group.size());
  std::erase_if(layers, [&](const LayerMatrices& layer) { return layer.maps.rows != tokens; });
  VOLLEY_CHECK(!layers.empty(), Fault::model, "{}: no map has {} tokens, one for each label", source, tokens);
}

struct Tables {
  Table layers, blocks, ablation;
  Bars picture{"Flow between groups of tokens", "excess over chance (0: uniform attention)", {}, {}};
  std::vector<double> layer_flow, layer_drop;  // one a layer of a model that was cut
};

Tables empty_tables(const TokenLabels& labels) {
  Tables tables;
  tables.layers = {"layers",
                   {{"model", "model"},
                    {"layer", "layer"},
                    {"tokens", "tokens"},
                    {"rows", "rows"},
                    {"zero_rows_percent", "zero rows %", 2}},
                   {}};
  for (const std::string& name : labels.names) {
    tables.layers.columns.push_back(
        {fmt::format("outward_share_of_{}", name), fmt::format("{} from others", name), 3});
  }
  for (const Column& column : std::initializer_list<Column>{{"direction", "direction", 3},
                                                            {"direction_sd", "sd", 3},
                                                            {"direction_excess", "excess", 3},
                                                            {"direction_over_chance", "over chance", 3},
                                                            {"share", "share", 3},
                                                            {"share_excess", "excess of share", 3}}) {
    tables.layers.columns.push_back(column);
  }
  for (const std::string& name : labels.names) {
    tables.layers.columns.push_back(
        {fmt::format("rollout_into_{}", name), fmt::format("rollout into {}", name), 3});
  }
  tables.blocks = {"blocks",
                   {{"model", "model"},
                    {"layer", "layer"},
                    {"tokens", "tokens"},
                    {"rows", "rows"},
                    {"query_group", "query"},
                    {"key_group", "key"},
                    {"sum", "sum a sample", 4}},
                   {}};
  tables.ablation = {"ablation",
                     {{"model", "model"},
                      {"cut", "cross blocks zeroed in"},
                      {"accuracy_percent", "accuracy %", 2},
                      {"accuracy_drop_percentage_points", "drop", 2},
                      {"margin_drop_mean", "margin lost", 3},
                      {"flow_excess", "excess", 3},
                      {"rank_correlation", "rank corr. with the flow", 3},
                      {"rank_correlation_samples", "samples"},
                      {"rank_correlation_sd_by_chance", "sd by chance", 3}},
                     {}};
  return tables;
}

void add_rows(Tables& tables, const std::string& model, const std::string& layer, const FlowView& view,
              const GatheredFlow& found) {
  const FlowChance chance = chance_of(view.labels);
  const auto less = [](const Spread& from, double by) {
    return from.plain.mean() ? Cell(*from.plain.mean() - by) : Cell();
  };
  std::vector<Cell> row{model, layer, view.tokens, std::string(word(view.rows)),
                        100 * static_cast<double>(found.zero_rows) / static_cast<double>(found.rows)};
  for (const Spread& each : found.outward) {
    row.push_back(each.mean());
  }
  row.insert(row.end(),
             {found.direction.mean(), found.direction.deviation(), less(found.direction, chance.direction),
              found.direction.plain.mean() ? Cell(*found.direction.plain.mean() / chance.direction) : Cell(),
              found.share.mean(), less(found.share, chance.share)});
  for (const Spread& each : found.rollout) {
    row.push_back(each.mean());
  }
  row.resize(tables.layers.columns.size());
  tables.layers.rows.push_back(std::move(row));
  for (Index a = 0; a < found.sums.rows; ++a) {
    for (Index b = 0; b < found.sums.columns; ++b) {
      tables.blocks.rows.push_back({model, layer, view.tokens, std::string(word(view.rows)),
                                    view.labels.names[a], view.labels.names[b],
                                    found.sums(a, b) / static_cast<double>(found.samples)});
    }
  }
}

// Normalised rows alone: those of softmax are the same, and the table has both.
void add_bars(Bars& picture, const std::string& model, const std::vector<FlowView>& views,
              const std::vector<LayerMatrices>& layers, const std::vector<std::vector<GatheredFlow>>& all) {
  for (const LayerMatrices& layer : layers) {
    if (std::ranges::find(picture.groups, layer.maps.name) == picture.groups.end()) {
      picture.groups.push_back(layer.maps.name);
    }
  }
  for (std::size_t v = 0; v < views.size(); ++v) {
    if (views[v].rows == RowUse::raw) {
      continue;
    }
    BarSeries series{fmt::format("{}, {} tokens", model, views[v].tokens), {}, {}};
    for (const std::string& group : picture.groups) {
      const auto at =
          std::ranges::find_if(layers, [&](const LayerMatrices& layer) { return layer.maps.name == group; });
      const Spread* direction = at == layers.end() ? nullptr : &all[at - layers.begin()][v].direction;
      const bool known = direction != nullptr && direction->plain.count > 0;
      series.values.push_back(known ? *direction->plain.mean() - chance_of(views[v].labels).direction
                                    : std::nan(""));
      series.error.push_back(known ? direction->deviation() : std::nan(""));
    }
    picture.series.push_back(std::move(series));
  }
}

// Over the samples: does what is cut matter more where more flows?
void add_ablation_row(Tables& tables, const std::string& model, const std::string& cut, const Outcome& whole,
                      const Outcome& after, const GatheredFlow* flow, double chance) {
  std::vector<double> flows, drops;
  Mean lost;
  for (std::size_t s = 0; s < whole.margins.size(); ++s) {
    const double drop = whole.margins[s] - after.margins[s];
    lost.add(drop);
    if (flow != nullptr && std::isfinite(flow->of_sample[s])) {
      flows.push_back(flow->of_sample[s]);
      drops.push_back(drop);
    }
  }
  const double accuracy_drop = 100 * (whole.accuracy - after.accuracy);
  std::vector<Cell> row{model, cut, 100 * after.accuracy, accuracy_drop, *lost.mean()};
  row.resize(tables.ablation.columns.size());
  if (flow != nullptr && flow->direction.plain.count > 0) {
    row[5] = *flow->direction.plain.mean() - chance;
    tables.layer_flow.push_back(std::get<double>(row[5]));
    tables.layer_drop.push_back(accuracy_drop);
    const auto correlation = flows.size() >= 2 ? rank_correlation(flows, drops) : std::nullopt;
    row[6] = correlation ? Cell(*correlation) : Cell();
    row[7] = static_cast<Index>(flows.size());
    row[8] = flows.size() > 1 ? Cell(1 / std::sqrt(static_cast<double>(flows.size() - 1))) : Cell();
  }
  tables.ablation.rows.push_back(std::move(row));
}

void add_ablation(Tables& tables, const FlowOptions& options, const std::string& source,
                  const std::vector<LayerMatrices>& layers, const TokenLabels& labels, const Outcome& whole,
                  const std::vector<const GatheredFlow*>& flows) {
  const std::string model = short_name(options.sources, source);
  const double chance = chance_of(labels).direction;
  add_ablation_row(tables, model, "no layer", whole, whole, nullptr, chance);
  std::vector<std::string> all;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    all.push_back(layers[l].maps.name);
    add_ablation_row(tables, model, all.back(), whole,
                     outcome_when_cut(options.sources.of(source), {all.back()}, labels), flows[l], chance);
  }
  if (all.size() > 1) {
    add_ablation_row(tables, model, "all of them", whole,
                     outcome_when_cut(options.sources.of(source), all, labels), nullptr, chance);
  }
}

void add_source(Tables& tables, const FlowOptions& options, const std::string& source) {
  const MapOptions one = options.sources.of(source);
  std::optional<Outcome> whole;
  std::vector<LayerMatrices> layers;
  if (options.ablate) {
    VOLLEY_CHECK(!one.is_file(), Fault::usage, "--ablate needs a model, got '{}'", source);
    layers = maps_and_outcome(one, whole);
  } else {
    layers = read_layer_matrices(one, Wanted::maps);
  }
  std::vector<FlowView> views;
  const TokenLabels labels = labels_for(options);
  if (options.sources.layers.empty()) {
    keep_labelled(layers, labels, source);
  }
  for (const RowUse rows : {RowUse::raw, RowUse::normalised}) {
    views.push_back({"all", rows, labels});
  }
  for (const RowUse rows : {RowUse::raw, RowUse::normalised}) {
    if (!options.special.empty()) {
      views.push_back({"without special", rows, without(labels, options.special)});
    }
  }
  if (tables.layers.columns.empty()) {
    tables = empty_tables(labels);
  }
  const auto found = gather_flow(layers, views);
  const std::string model = short_name(options.sources, source);
  std::vector<const GatheredFlow*> flows;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    for (std::size_t v = 0; v < views.size(); ++v) {
      add_rows(tables, model, layers[l].maps.name, views[v], found[l][v]);
    }
    flows.push_back(&found[l][1]);
  }
  add_bars(tables.picture, model, views, layers, found);
  if (options.ablate) {
    add_ablation(tables, options, source, layers, labels, *whole, flows);
  }
}

void add_layer_correlation(Report& report, const Tables& tables) {
  const Index layers = static_cast<Index>(tables.layer_flow.size());
  if (layers < 2) {
    return;
  }
  const auto correlation = rank_correlation(tables.layer_flow, tables.layer_drop);
  report.facts.push_back({"rank_correlation_over_layers", correlation ? Cell(*correlation) : Cell()});
  report.facts.push_back({"rank_correlation_layers", layers});
  if (layers < 10) {
    report.remarks.push_back(fmt::format(
        "over {} layers a rank correlation says little: by chance its standard deviation is {:.2f}", layers,
        1 / std::sqrt(static_cast<double>(layers - 1))));
  }
}

void flow_command(const FlowOptions& options) {
  VOLLEY_CHECK(options.groups.empty() != options.labels.empty(), Fault::usage,
               "flow needs --groups NAME:FIRST-LAST,... or --labels FILE.npz");
  Tables tables;
  std::string list;
  for (const std::string& source : options.sources.sources) {
    list += (list.empty() ? "" : " ") + source;
    add_source(tables, options, source);
  }
  Report report{"volley.analyze.flow/1", {}, {}, {}};
  report.facts = {{"sources", list},
                  {"input", options.sources.run.input},
                  {"groups", options.groups.empty() ? options.labels : options.groups},
                  {"maps_are", std::string("means over heads and steps")}};
  add_layer_correlation(report, tables);
  report.tables.push_back(std::move(tables.layers));
  if (options.blocks) {
    report.tables.push_back(std::move(tables.blocks));
  }
  if (options.ablate) {
    report.tables.push_back(std::move(tables.ablation));
  }
  report.remarks.push_back("flow alone shows no understanding; ours are the definitions (docs/analysing.md)");
  if (!options.picture.empty()) {
    for (BarSeries& series : tables.picture.series) {  // layers that only later models have
      series.values.resize(tables.picture.groups.size(), std::nan(""));
      series.error.resize(tables.picture.groups.size(), std::nan(""));
    }
    write_bars(options.picture, tables.picture);
  }
  print(report, options.format);
}

}  // namespace

void add_analyze_flow(CLI::App& analyze, Run& chosen) {
  auto options = std::make_shared<FlowOptions>();
  CLI::App* command = analyze.add_subcommand("flow", "attention between groups of tokens (image, text)");
  add_source_options(*command, options->sources);
  command->add_option("--groups", options->groups,
                      "NAME:FIRST-LAST,... of all tokens: image:0-15,text:16-25");
  command->add_option("--labels", options->labels,
                      "FILE.npz with one array, or 'groups': a whole number for each token");
  command->add_option("--special", options->special, "tokens to leave out of a second table, as 16,25")
      ->delimiter(',');
  command->add_flag(
      "--ablate", options->ablate,
      "run the model again with the blocks between groups zeroed, layer by layer (needs labels)");
  command->add_flag("--blocks", options->blocks, "a table of the block sums too");
  add_picture_option(*command, options->picture, "flow of each layer");
  add_format_option(*command, options->format);
  command->footer(
      "Example: volley analyze flow dense.txtpb ssa.txtpb -i test.npz --layer joint0.attn,joint1.attn "
      "--groups image:0-15,text:16-25 --ablate");
  command->callback([options, &chosen] { chosen = [options] { flow_command(*options); }; });
}

}  // namespace volley::cli
