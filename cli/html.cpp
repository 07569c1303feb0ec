// A page from a report and what a run left behind.
#include "cli/html.hpp"

#include <CLI/CLI.hpp>
#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>

#include "cli/page_charts.hpp"
#include "models/lints.hpp"
#include "sim/base/check.hpp"
#include "sim/io/crc32.hpp"
#include "sim/io/graph_proto.hpp"
#include "sim/measure/activity_trace.hpp"

namespace volley::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr double pj_per_nj = 1e3;
constexpr double pj_per_uj = 1e6;
constexpr Index watched_unless_said = 32;
constexpr std::size_t largest_score = std::size_t{256} << 20;  // of one batch [bytes]

// Of the first row of any table, or of the facts.
const Cell* find_cell(const Report& report, std::string_view key) {
  for (const Fact& fact : report.facts) {
    if (fact.key == key) {
      return &fact.value;
    }
  }
  for (const Table& table : report.tables) {
    for (std::size_t c = 0; c < table.columns.size() && !table.rows.empty(); ++c) {
      if (table.columns[c].key == key && !std::holds_alternative<std::monostate>(table.rows[0][c])) {
        return &table.rows[0][c];
      }
    }
  }
  return nullptr;
}

std::string hashed(const std::string& path) {
  return fmt::format("{}  crc32 {}", path, crc32_of_file(path));
}

// Files of MODEL, and those of DATA that are named in it.
std::vector<std::string> files_of(const Session& session, const std::string& data) {
  std::vector<std::string> files;
  if (std::filesystem::exists(session.model.spec)) {
    const std::string graph = graph_file(session.model.spec);
    files.push_back(hashed(graph));
    const std::string& weights = session.model.description.weights_file;
    if (!weights.empty()) {
      files.push_back(hashed((std::filesystem::path(graph).parent_path() / weights).string()));
    }
  }
  const std::vector<std::string> of_data = data_files(data);
  for (const std::string& path : of_data) {
    files.push_back(hashed(path));
  }
  if (of_data.empty()) {
    files.push_back(data + "  (made by volley, no file)");
  }
  return files;
}

Json map_json(const AttentionMap& map) {
  const auto [least, greatest] = std::minmax_element(map.cells.begin(), map.cells.end());
  const float range = *greatest - *least;
  Json cells = Json::array();
  for (const float cell : map.cells) {
    cells.push_back(range > 0 ? static_cast<int>(255.0f * (cell - *least) / range + 0.5f) : 0);
  }
  return {{"name", map.name},         {"step", map.step}, {"head", map.head},
          {"queries", map.queries},   {"keys", map.keys}, {"rows", map.rows},
          {"columns", map.columns},   {"least", *least},  {"greatest", *greatest},
          {"cells", std::move(cells)}};
}

// A float as short as it reads back, not as the double beside it.
Json short_numbers(const std::vector<float>& numbers) {
  Json out = Json::array();
  for (const float number : numbers) {
    out.push_back(std::stod(fmt::format("{:.5g}", number)));
  }
  return out;
}

void add_layers(PageParts& parts, const Session& session, const ActivityTrace& activity,
                const Profile& profile) {
  const auto samples = static_cast<double>(session.samples());
  const Graph& graph = session.model.graph;
  Json kinds = Json::array();
  for (const CostKind& kind : cost_kinds) {
    kinds.push_back(kind.name);
  }
  Json layers = Json::array();
  Json energies = Json::array();
  Json rates = Json::array();
  for (const NodeId node : graph.order()) {
    const auto at = activity.ledger().nodes().find(node);
    if (at == activity.ledger().nodes().end()) {
      continue;
    }
    const NodeEntry& entry = at->second;
    Json counts = Json::array();
    double all = 0;
    for (const CostKind& kind : cost_kinds) {
      const double count = static_cast<double>(entry.cost().*kind.count) / samples;
      counts.push_back(count);
      all += count;
    }
    const double nanojoules = energy_of(entry.cost(), profile).picojoules / samples / pj_per_nj;
    if (all > 0) {
      layers.push_back({{"name", graph.node_name(node)}, {"counts", std::move(counts)}});
    }
    if (nanojoules > 0) {
      energies.push_back({{"name", graph.node_name(node)}, {"nanojoules", nanojoules}});
    }
    if (entry.out.is_spikes() && graph.op(node).kind() != InputOp::op_kind) {
      Json steps = Json::array();
      for (const StepEntry& step : entry.steps) {
        steps.push_back(static_cast<double>(step.spikes_out) /
                        static_cast<double>(std::max<Index>(step.elements_out, 1)));
      }
      rates.push_back({{"name", graph.node_name(node)},
                       {"rates", std::move(steps)},
                       {"spikes_per_sample", static_cast<double>(entry.spikes_out()) / samples}});
    }
  }
  if (!layers.empty()) {
    parts.data["operations"] = script_text({{"kinds", std::move(kinds)}, {"layers", std::move(layers)}});
  }
  if (!energies.empty()) {
    parts.data["energy"] = script_text({{"profile", profile.id}, {"layers", std::move(energies)}});
  }
  if (!rates.empty()) {
    parts.data["spikes"] = script_text(rates);
  }
}

void add_sample(PageParts& parts, const ActivityTrace& activity) {
  Json raster = Json::array();
  Json membrane = Json::array();
  for (const WatchedNeurons& watched : activity.watched()) {
    raster.push_back({{"name", watched.name},
                      {"sample", activity.sample()},
                      {"neurons", watched.neurons},
                      {"spikes", watched.spikes}});
    constexpr std::size_t traces = 6;
    Json lines = Json::array();
    for (std::size_t i = 0; i < std::min(traces, watched.membrane.size()); ++i) {
      lines.push_back({{"neuron", watched.neurons[i]}, {"v", short_numbers(watched.membrane[i])}});
    }
    if (!lines.empty()) {
      membrane.push_back({{"name", watched.name}, {"lines", std::move(lines)}});
    }
  }
  if (!raster.empty()) {
    parts.data["raster"] = script_text(raster);
  }
  if (!membrane.empty()) {
    parts.data["membrane"] = script_text(membrane);
  }
  if (!activity.maps().empty()) {
    Json maps = Json::array();
    for (const AttentionMap& map : activity.maps()) {
      maps.push_back(map_json(map));
    }
    parts.data["attention"] =
        script_text({{"maps", std::move(maps)}, {"left_out", activity.maps_left_out()}});
  }
}

std::string verdict_of(const Report& report, const Session& session, const ActivityTrace& activity,
                       const Profile& profile) {
  std::string text = fmt::format("{}, {} samples: ", session.model.graph.name, session.samples());
  if (const Cell* right = find_cell(report, "accuracy_percent"); right != nullptr) {
    text += as_text(*right, 2) + " % right, ";
  }
  const Energy energy = energy_of(activity.ledger().total(), profile);
  const Cell* stated = find_cell(report, "energy_uj_per_sample");  // by another convention, perhaps
  text +=
      fmt::format("{} uJ a sample ({}",
                  as_text(stated != nullptr
                              ? *stated
                              : Cell(energy.picojoules / static_cast<double>(session.samples()) / pj_per_uj)),
                  profile.id);
  std::string kinds;
  for (const std::string& kind : energy.unpriced) {
    kinds += (kinds.empty() ? "; not priced: " : ", ") + kind;
  }
  Index spikes = 0;
  Index places = 0;
  for (const auto& [node, entry] : activity.ledger().nodes()) {
    if (entry.cost().neuron > 0) {
      spikes += entry.spikes_out();
      places += entry.elements_out();
    }
  }
  text += kinds + ")";
  return places == 0 ? text
                     : text + fmt::format(", firing rate {:.4f}",
                                          static_cast<double>(spikes) / static_cast<double>(places));
}

}  // namespace

void add_html_options(CLI::App& app, HtmlOptions& options) {
  app.add_option("--html", options.file, "FILE.html: the report as one page that needs no network");
  app.add_option(
      "--watch", options.watch,
      "NODE or NODE:i,j,...: neurons on the page (default: the first 32 of the first spiking node)");
}

void write_html(const std::string& path, const Report& report, const std::string& verdict) {
  if (path.empty()) {
    return;
  }
  PageParts parts;
  parts.verdict = verdict;
  add_charts(parts, report);
  write_page(path, report, parts);
}

HtmlPage::HtmlPage(const HtmlOptions& options, Session& session, std::string data)
    : options_(options), session_(session), data_(std::move(data)) {
  if (options.file.empty()) {
    VOLLEY_CHECK(options.watch.empty(), Fault::usage, "--watch needs --html FILE");
    return;
  }
  activity_ = std::make_unique<ActivityTrace>(session.settings.first);
  for (const std::string& text : options.watch) {
    watch(text);
  }
  if (options.watch.empty()) {
    watch_first_neurons();
  }
  watch_attention();
  const auto ports = activity_->ports();
  session.settings.recorded.insert(ports.begin(), ports.end());
}

HtmlPage::~HtmlPage() = default;

Recorder& HtmlPage::recorder() {
  return activity_ ? *activity_ : nobody_;
}

namespace {

// Output that holds the membrane; 0 when there is none.
std::size_t membrane_of(const Operator& op) {
  const auto names = op.output_names();
  const auto at = std::find(names.begin(), names.end(), "v");
  return at == names.end() ? 0 : static_cast<std::size_t>(at - names.begin());
}

}  // namespace

void HtmlPage::watch(const std::string& text) {
  const Graph& graph = session_.model.graph;
  const std::string name = text.substr(0, text.find(':'));
  const auto node = graph.find(name);
  VOLLEY_CHECK(node.has_value(), Fault::usage, "--watch: no node or input is named '{}'", name);
  const Index steps = steps_of_run(session_.model, session_.data, session_.settings);
  const ValueSpec spec = infer_specs(graph, 1, steps)[*node][0];
  VOLLEY_CHECK(spec.is_spikes(), Fault::usage, "--watch: '{}' carries {}, wanted spikes", name, domain(spec));
  const Index size = spec.shape.with(Axis::T, 1).count();
  std::vector<Index> neurons;
  if (name.size() == text.size()) {
    neurons.resize(static_cast<std::size_t>(std::min(size, watched_unless_said)));
    std::iota(neurons.begin(), neurons.end(), Index{0});
  }
  for (std::size_t at = name.size(); at < text.size(); at = std::min(text.find(',', at + 1), text.size())) {
    Index neuron = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + at + 1, end, neuron);
    VOLLEY_CHECK(error == std::errc() && (stop == end || *stop == ',') && neuron >= 0 && neuron < size,
                 Fault::usage, "--watch is '{}', wanted NODE:i,j,... with numbers of 0 to {}", text,
                 size - 1);
    neurons.push_back(neuron);
  }
  VOLLEY_CHECK(static_cast<Index>(neurons.size()) <= ActivityTrace::most_neurons, Fault::usage,
               "--watch names {} neurons of '{}', wanted at most {}", neurons.size(), name,
               ActivityTrace::most_neurons);
  activity_->watch(*node, name, std::move(neurons), membrane_of(graph.op(*node)));
}

void HtmlPage::watch_first_neurons() {
  const Graph& graph = session_.model.graph;
  for (const NodeId node : graph.order()) {
    if (graph.op(node).kind().starts_with("neuron.")) {
      watch(graph.node_name(node));
      return;
    }
  }
}

void HtmlPage::watch_attention() {
  const Graph& graph = session_.model.graph;
  const Index steps = steps_of_run(session_.model, session_.data, session_.settings);
  const auto specs = infer_specs(graph, std::min(session_.settings.batch, session_.samples()), steps);
  for (const NodeId node : graph.order()) {
    const auto names = graph.op(node).output_names();
    const auto at = std::find(names.begin(), names.end(), "score");
    if (at == names.end()) {
      continue;
    }
    const Port port{node, static_cast<std::size_t>(at - names.begin())};
    if (specs[node][port.output].bytes() > largest_score) {
      notes_.push_back(fmt::format(
          "the scores of '{}' are not drawn: more than {} MiB for a batch; a smaller --batch helps",
          graph.node_name(node), largest_score >> 20));
      continue;
    }
    activity_->watch_attention(port, graph.node_name(node));
  }
}

void HtmlPage::write(const Report& report, const Profile& profile) const {
  if (!activity_) {
    return;
  }
  PageParts parts;
  parts.verdict = verdict_of(report, session_, *activity_, profile);
  const Index steps = steps_of_run(session_.model, session_.data, session_.settings);
  for (const Lint& lint : find_lints(session_.runtime, session_.model.graph, steps)) {
    parts.warnings.push_back(fmt::format("{} {}", lint.node, lint.finding));
  }
  parts.warnings.insert(parts.warnings.end(), notes_.begin(), notes_.end());
  parts.origin = files_of(session_, data_);
  parts.origin.insert(parts.origin.begin(), fmt::format("seed {}", session_.settings.seed));
  add_layers(parts, session_, *activity_, profile);
  add_sample(parts, *activity_);
  add_charts(parts, report);
  write_page(options_.file, report, parts);
}

}  // namespace volley::cli
