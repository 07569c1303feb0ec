// Passes to the first set that changes the decision, for orders held side by side.
#include "cli/analyze_explain.hpp"

#include <array>
#include <cmath>
#include <functional>
#include <numeric>

#include "cli/masked_runs.hpp"
#include "sim/base/check.hpp"

namespace volley::cli {
namespace {

enum Order : std::size_t { by_graph, graph_first, by_attention, by_index, by_growing, orders };
constexpr std::array<const char*, orders> order_names{"graph", "graph first", "attention", "all sets",
                                                      "growing"};
constexpr std::array<const char*, orders> order_keys{"graph", "graph_first", "attention", "all_sets",
                                                     "growing"};
constexpr std::array<const char*, orders> order_texts{
    "near in the graphs of the heads, no others", "of each size, those near in the graphs, then as attention",
    "of each size, most attended first", "of each size, in index order",
    "the most attended token, then the two most, ..."};

// One sample: what each order found.
struct Trial {
  Index sample = 0;
  Index decision = 0;
  Index target = 0;
  std::array<FirstFound, orders> found;
};

// Attention of the target to each token, mean over heads and steps.
std::vector<double> attention_of(const LayerMaps& maps, Index sample, Index target) {
  std::vector<double> weights(static_cast<std::size_t>(maps.columns));
  for (Index head = 0; head < maps.heads; ++head) {
    for (Index step = 0; step < maps.steps; ++step) {
      for (Index key = 0; key < maps.columns; ++key) {
        weights[key] += maps.at(step, sample, head, target, key);
      }
    }
  }
  return weights;
}

Trial try_sample(const LayerMaps& maps, Index sample, Index target, const MaskedRuns& runs, Index at,
                 const LearnOptions& learn, const std::vector<Index>& heads, Index largest) {
  Trial trial;
  trial.sample = at;
  trial.target = target;
  trial.decision = runs.decisions(at, {{}}).front();
  MaskTrials trials([&](const std::vector<Nodes>& sets) {
    std::vector<char> changed;
    for (const Index decision : runs.decisions(at, sets)) {
      changed.push_back(decision != trial.decision ? 1 : 0);
    }
    return changed;
  });
  std::vector<TokenGraph> graphs;
  for (const Index head : heads) {
    graphs.push_back(learn_token_graph(learn, maps.mean_over_steps(sample, head), {}));
  }
  Nodes pool(static_cast<std::size_t>(maps.rows));
  std::iota(pool.begin(), pool.end(), Index{0});
  pool.erase(pool.begin() + target);
  const std::vector<double> weights = attention_of(maps, sample, target);
  const SetsOfSize near = near_sets(graphs, target);
  const SetsOfSize attended = heaviest_sets(pool, weights);
  trial.found[by_graph] = first_found(near, largest, trials);
  trial.found[graph_first] = first_found(first_then(near, attended), largest, trials);
  trial.found[by_index] = first_found(every_set(pool), largest, trials);
  trial.found[by_attention] = first_found(attended, largest, trials);
  trial.found[by_growing] = first_found(growing_set(pool, weights), maps.rows - 1, trials);
  return trial;
}

Table trial_table(const std::vector<Trial>& trials) {
  Table table{"inputs",
              {{"sample", "sample"},
               {"decision", "decides"},
               {"target", "target"},
               {"smallest", "smallest set"},
               {"masked", "first found"},
               {"valid_sets", "valid of its size"},
               {"random_order_passes", "passes: random order", 1}},
              {}};
  for (std::size_t order = 0; order < orders; ++order) {
    table.columns.push_back({fmt::format("{}_passes", order_keys[order]), order_names[order]});
  }
  table.columns.push_back({"graph_set", "set of graph"});
  for (const Trial& trial : trials) {
    const FirstFound& all = trial.found[by_index];
    std::vector<Cell> row{trial.sample, trial.decision, trial.target};
    if (all.is_found) {
      row.insert(row.end(),
                 {static_cast<Index>(all.set.size()), token_list(all.set), all.valid, all.random_passes});
    } else {
      row.resize(row.size() + 4);
    }
    for (const FirstFound& found : trial.found) {
      row.push_back(found.is_found ? Cell(found.passes) : Cell());
    }
    row.push_back(trial.found[by_graph].is_found ? Cell(token_list(trial.found[by_graph].set)) : Cell());
    table.rows.push_back(std::move(row));
  }
  return table;
}

struct Sums {
  Index count = 0;
  double sum = 0;
  double squares = 0;

  void add(double number) {
    ++count;
    sum += number;
    squares += number * number;
  }
  double mean() const { return sum / static_cast<double>(count); }
  // Half of the 95 % interval of the mean, normal; nothing for one number.
  std::optional<double> half_interval() const {
    if (count < 2) {
      return std::nullopt;
    }
    const auto n = static_cast<double>(count);
    return 1.96 * std::sqrt(std::max(0.0, squares - sum * sum / n) / (n - 1) / n);
  }
};

// One order, over the inputs in which it finds a set.
std::vector<Cell> order_row(const std::vector<Trial>& trials, const std::string& name,
                            const std::string& text, const std::function<double(const Trial&)>& passes_of,
                            std::size_t order) {
  Sums passes;
  Sums sizes;
  Sums less_than_random;
  Sums less_than_attention;
  Index smallest = 0;
  for (const Trial& trial : trials) {
    const FirstFound& all = trial.found[by_index];
    const FirstFound& found = trial.found[order];
    if (!all.is_found || !found.is_found) {
      continue;
    }
    passes.add(passes_of(trial));
    sizes.add(static_cast<double>(found.set.size()));
    less_than_random.add(all.random_passes - passes_of(trial));
    less_than_attention.add(static_cast<double>(trial.found[by_attention].passes) - passes_of(trial));
    smallest += found.set.size() == all.set.size() ? 1 : 0;
  }
  std::vector<Cell> row{name, text, passes.count, smallest};
  for (const Sums* sums : {&sizes, &passes, &less_than_random, &less_than_attention}) {
    row.push_back(sums->count > 0 ? Cell(sums->mean()) : Cell());
    if (sums == &less_than_random || sums == &less_than_attention) {
      const auto half = sums->half_interval();
      row.push_back(half ? Cell(*half) : Cell());
    }
  }
  return row;
}

Table order_table(const std::vector<Trial>& trials) {
  Table table{"orders",
              {{"order", "order"},
               {"sets", "sets, first to last"},
               {"found", "finds one in"},
               {"smallest", "a smallest"},
               {"mean_size", "mean size"},
               {"mean_passes", "mean passes", 1},
               {"passes_less_than_random", "less than random", 1},
               {"less_than_random_half_interval_95", "+-", 1},
               {"passes_less_than_attention", "less than attention", 1},
               {"less_than_attention_half_interval_95", "+-", 1}},
              {}};
  for (std::size_t order = 0; order < orders; ++order) {
    table.rows.push_back(order_row(
        trials, order_names[order], order_texts[order],
        [order](const Trial& trial) { return static_cast<double>(trial.found[order].passes); }, order));
  }
  table.rows.push_back(order_row(
      trials, "random", "of each size, in random order (mean)",
      [](const Trial& trial) { return trial.found[by_index].random_passes; }, by_index));
  return table;
}

std::vector<Index> targets_of(const Session& session, const MapOptions& maps, const ExplainOptions& options,
                              Index tokens) {
  if (options.target) {
    VOLLEY_CHECK(*options.target >= 0 && *options.target < tokens, Fault::usage,
                 "target {} isn't there; the map has {} tokens", *options.target, tokens);
    return std::vector<Index>(static_cast<std::size_t>(session.samples()), *options.target);
  }
  const auto loudest = loudest_tokens(session, maps.run);
  VOLLEY_CHECK(
      loudest, Fault::usage,
      "{} has no readout.mean over tokens in front of its last linear node: name a token with --target",
      maps.source);
  for (const Index token : *loudest) {
    VOLLEY_CHECK(token < tokens, Fault::usage, "the readout has other tokens than the map: give --target");
  }
  return *loudest;
}

}  // namespace

void explain_command(const MapOptions& source, const LearnOptions& learn, const std::vector<Index>& wanted,
                     const ExplainOptions& options, Format format) {
  VOLLEY_CHECK(!source.is_file(), Fault::usage, "--explain runs a model; {} only holds maps", source.source);
  VOLLEY_CHECK(options.largest >= 1, Fault::usage, "--largest is {}, wanted 1 or more", options.largest);
  const LayerMaps maps = read_deepest_maps(source);
  VOLLEY_CHECK(maps.rows == maps.columns, Fault::model,
               "the map '{}' is {} x {}, wanted as many rows as columns", maps.name, maps.rows, maps.columns);
  const std::vector<Index> heads = wanted_heads(wanted, maps.heads);
  const Session session = open_session(source.source, source.run);
  const MaskedRuns runs(session, source.run, maps.rows, options.mask_node);
  const std::vector<Index> targets = targets_of(session, source, options, maps.rows);
  const Progress progress = progress_on_stderr("explain");
  std::vector<Trial> trials;
  for (Index i = 0; i < session.samples(); ++i) {
    progress(i, session.samples());
    trials.push_back(
        try_sample(maps, i, targets[i], runs, session.settings.first + i, learn, heads, options.largest));
  }
  progress(session.samples(), session.samples());
  Report report{"volley.analyze.explain/1", {}, {}, {}};
  report.facts = {{"model", source.source}, {"input", source.run.input},
                  {"layer", maps.name},     {"masked_node", runs.node()},
                  {"tokens", maps.rows},    {"largest_set", options.largest}};
  const auto more = learn_facts(learn, fisher_settings(learn, maps.rows));
  report.facts.insert(report.facts.end(), more.begin(), more.end());
  report.tables = {trial_table(trials), order_table(trials)};
  Index without = 0;
  for (const Trial& trial : trials) {
    without += trial.found[by_index].is_found ? 0 : 1;
  }
  report.remarks.push_back(
      fmt::format("a set explains when the model decides otherwise with its tokens silent behind '{}'; a "
                  "pass is one run; the "
                  "target stays",
                  runs.node()));
  report.remarks.push_back(
      "means and differences are over the inputs in which the order finds a set; +-: 95 % of the mean of the "
      "paired differences");
  report.remarks.push_back(fmt::format("{} of {} inputs have no such set of up to {} tokens", without,
                                       trials.size(), options.largest));
  print(report, format);
}

}  // namespace volley::cli
