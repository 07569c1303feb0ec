// The conventions' tables: sums by node, layer, head, step or sample.
#include "cli/measure_counts.hpp"

#include <algorithm>
#include <cmath>

#include "sim/base/check.hpp"

namespace volley::cli {
namespace {

constexpr double pj_per_uj = 1e6;
constexpr double bytes_per_parameter = 4;  // float32

std::string known_conventions() {
  std::string text;
  for (const Convention& one : conventions()) {
    text += (text.empty() ? "" : ", ") + std::string(one.id);
  }
  return text;
}

const Convention* checked(const std::string& id) {
  const Convention* convention = find_convention(id);
  VOLLEY_CHECK(convention != nullptr, Fault::usage, "no counting convention is named '{}', wanted all or: {}",
               id, known_conventions());
  return convention;
}

// What a row is about: the numbers sort the rows, the cells head them.
struct Label {
  std::vector<Index> order;
  std::vector<Cell> cells;
};
struct Group {
  std::vector<Cell> cells;
  std::vector<Tally> counts;
};
using Groups = std::map<std::vector<Index>, Group>;

void add(Groups& groups, Label label, const std::vector<Tally>& counts) {
  Group& group = groups[label.order];
  group.cells = std::move(label.cells);
  group.counts.resize(counts.size());
  for (std::size_t i = 0; i < counts.size(); ++i) {
    group.counts[i] += counts[i];
  }
}

std::vector<Column> label_columns(Per per) {
  switch (per) {
    case Per::node:
      return {{"node", "node"}, {"op", "op"}};
    case Per::layer:
      return {{"layer", "layer"}};
    case Per::head:
      return {{"node", "node"}, {"op", "op"}, {"head", "head"}};
    case Per::step:
      return {{"node", "node"}, {"op", "op"}, {"step", "step"}};
    case Per::sample:
      return {{"sample", "sample"}};
  }
  return {};
}

Label label_of(const Graph& graph, const ConventionLedger::Row& row, Per per,
               const std::map<NodeId, Index>& position, const std::map<std::string, Index>& layers) {
  const Index at = position.at(row.node);
  const std::string name = graph.node_name(row.node);
  Cell head;
  if (row.head >= 0) {
    head = row.head;
  }
  const std::vector<Cell> node{name, std::string(graph.op(row.node).kind())};
  switch (per) {
    case Per::layer:
      return {{layers.at(layer_of(name))}, {layer_of(name)}};
    case Per::head:
      return {{at, row.head}, {node[0], node[1], head}};
    case Per::step:
      return {{at, row.step}, {node[0], node[1], row.step}};
    case Per::node:
    case Per::sample:
      break;
  }
  return {{at}, node};
}

Groups groups_of(const Graph& graph, const ConventionLedger& ledger, Per per) {
  Groups groups;
  if (per == Per::sample) {
    for (const ConventionLedger::SampleRow& row : ledger.samples()) {
      add(groups, {{row.sample}, {row.sample}}, row.counts);
    }
    return groups;
  }
  std::map<NodeId, Index> position;
  std::map<std::string, Index> layers;
  for (const NodeId node : graph.order()) {
    position.emplace(node, static_cast<Index>(position.size()));
    layers.emplace(layer_of(graph.node_name(node)), static_cast<Index>(layers.size()));
  }
  for (const ConventionLedger::Row& row : ledger.rows()) {
    add(groups, label_of(graph, row, per, position, layers), row.counts);
  }
  return groups;
}

Spread spread(const ConventionLedger& ledger, std::size_t convention, double (Tally::*part)() const) {
  std::map<Index, Tally> by_sample;
  for (const ConventionLedger::SampleRow& row : ledger.samples()) {
    by_sample[row.sample] += row.counts[convention];
  }
  std::vector<double> values;
  for (const auto& [sample, tally] : by_sample) {
    values.push_back((tally.*part)());
  }
  return spread_of(values);
}

// A sum of no counts is not known: "-".
Cell known(const Tally& tally, double number) {
  Cell cell;
  if (tally.counted > 0) {
    cell = number;
  }
  return cell;
}

std::string joined(const std::vector<std::string>& names) {
  constexpr std::size_t most = 6;
  std::string text;
  for (std::size_t i = 0; i < std::min(most, names.size()); ++i) {
    text += (i > 0 ? ", " : "") + names[i];
  }
  return names.size() > most ? fmt::format("{} and {} more", text, names.size() - most) : text;
}

}  // namespace

std::vector<const Convention*> conventions_of(const std::string& list, const std::string& wanted) {
  std::vector<const Convention*> chosen;
  if (list == "all") {
    for (const Convention& one : conventions()) {
      chosen.push_back(&one);
    }
  } else {
    for (std::size_t at = 0; at < list.size();) {
      const std::size_t end = std::min(list.find(',', at), list.size());
      const Convention* one = checked(list.substr(at, end - at));
      if (std::find(chosen.begin(), chosen.end(), one) == chosen.end()) {
        chosen.push_back(one);
      }
      at = end + 1;
    }
  }
  const Convention* must = checked(wanted);
  if (std::find(chosen.begin(), chosen.end(), must) == chosen.end()) {
    chosen.push_back(must);
  }
  return chosen;
}

std::string layer_of(const std::string& node_name) {
  auto end = node_name.find('.');
  while (end != std::string::npos) {
    const auto next = std::min(node_name.find('.', end + 1), node_name.size());
    const bool is_number = next > end + 1 && node_name.find_first_not_of("0123456789", end + 1) >= next;
    if (!is_number) {
      break;
    }
    end = next == node_name.size() ? std::string::npos : next;
  }
  return node_name.substr(0, end);
}

std::set<Port> activation_ports(const Graph& graph) {
  std::set<Port> ports;
  for (const NodeId node : graph.order()) {
    const std::string_view kind = graph.op(node).kind();
    if (kind.starts_with("neuron.") || kind == "relu") {
      ports.insert({node, 0});
    }
  }
  return ports;
}

Tally total_of(const ConventionLedger& ledger, const Convention& convention) {
  const auto& all = ledger.conventions();
  const auto at = static_cast<std::size_t>(std::find(all.begin(), all.end(), &convention) - all.begin());
  Tally total;
  for (const ConventionLedger::Row& row : ledger.rows()) {
    total += row.counts.at(at);
  }
  return total;
}

Table counts_table(const Graph& graph, const ConventionLedger& ledger, Per per, Index samples) {
  Table table{"counts", label_columns(per), {}};
  const std::string unit = per == Per::sample ? "" : "_per_sample";
  for (const Convention* one : ledger.conventions()) {
    const std::string id(one->id);
    table.columns.push_back({id + "_ac" + unit, id + " ac", 1});
    table.columns.push_back({id + "_mac" + unit, id + " mac", 1});
  }
  const double parts = per == Per::sample ? 1.0 : static_cast<double>(samples);
  for (auto& [order, group] : groups_of(graph, ledger, per)) {
    std::vector<Cell> row = group.cells;
    for (const Tally& tally : group.counts) {
      row.push_back(known(tally, tally.all_ac() / parts));
      row.push_back(known(tally, tally.all_mac() / parts));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table conventions_table(const ConventionLedger& ledger, Index samples, const Profile& profile) {
  Table table{"conventions",
              {{"convention", "convention"},
               {"ac_per_sample", "ac per sample", 1},
               {"ac_deviation", "+-", 1},
               {"mac_per_sample", "mac per sample", 1},
               {"mac_deviation", "+-", 1},
               {"ac_mac_energy_uj_per_sample", "uJ of both", 4},
               {"not_counted", "products left out"},
               {"description", "what it counts"},
               {"source", "source"}},
              {}};
  for (std::size_t i = 0; i < ledger.conventions().size(); ++i) {
    const Convention& one = *ledger.conventions()[i];
    const Tally total = total_of(ledger, one);
    const double parts = static_cast<double>(samples);
    Cost cost;
    cost.ac = std::llround(total.all_ac());
    cost.mac = std::llround(total.all_mac());
    table.rows.push_back({std::string(one.id), total.all_ac() / parts,
                          spread(ledger, i, &Tally::all_ac).deviation, total.all_mac() / parts,
                          spread(ledger, i, &Tally::all_mac).deviation,
                          energy_of(cost, profile).picojoules / parts / pj_per_uj, total.missed,
                          std::string(one.description), std::string(one.source)});
  }
  return table;
}

Table neurobench_table(const ConventionLedger& ledger, const Model& model, const Plan& plan, Index samples) {
  const Tally total = total_of(ledger, *find_convention("neurobench"));
  const auto parts = static_cast<double>(samples);
  Index dense = 0;  // the plan is for one sample
  for (const PlannedNode& node : plan.nodes()) {
    const bool has_weight = node.op->kind() == "linear" || node.op->kind() == "conv2d";
    dense += has_weight ? plan.dense_mac(node) : 0;
  }
  const auto cell = [](const std::optional<double>& number) {
    Cell known_cell;
    if (number) {
      known_cell = *number;
    }
    return known_cell;
  };
  return {"neurobench",
          {{"footprint_bytes", "footprint", 0},
           {"connection_sparsity", "connection sparsity", 4},
           {"activation_sparsity", "activation sparsity", 4},
           {"effective_macs_per_sample", "Effective_MACs", 1},
           {"effective_acs_per_sample", "Effective_ACs", 1},
           {"dense_per_sample", "Dense", 1}},
          {{static_cast<double>(model.parameters) * bytes_per_parameter, cell(ledger.connection_sparsity()),
            cell(ledger.activation_sparsity()), total.all_mac() / parts, total.all_ac() / parts,
            static_cast<double>(dense)}}};
}

std::vector<std::string> counts_remarks(const Graph& graph, const ConventionLedger& ledger) {
  std::vector<std::string> remarks;
  const auto rows = ledger.rows();
  for (std::size_t i = 0; i < ledger.conventions().size(); ++i) {
    std::vector<std::string> left_out;
    for (const ConventionLedger::Row& row : rows) {
      const std::string name = graph.node_name(row.node);
      if (row.counts[i].missed > 0 && (left_out.empty() || left_out.back() != name)) {
        left_out.push_back(name);
      }
    }
    std::sort(left_out.begin(), left_out.end());
    left_out.erase(std::unique(left_out.begin(), left_out.end()), left_out.end());
    if (!left_out.empty()) {
      remarks.push_back(
          fmt::format("{} has no count for: {}", ledger.conventions()[i]->id, joined(left_out)));
    }
  }
  remarks.emplace_back(
      "conventions count products alone: bias, residual, pooling, norms and neurons are in none of them");
  return remarks;
}

}  // namespace volley::cli
