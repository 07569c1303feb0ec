// volley analyze recovery: planted structures, and how much of them comes back.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>

#include "analysis/graph_distance.hpp"
#include "analysis/picture.hpp"
#include "analysis/planted.hpp"
#include "analysis/separation.hpp"
#include "cli/analyze_learn.hpp"
#include "sim/base/check.hpp"

namespace volley::cli {
namespace {

// Exact covariances: only what rounding leaves counts as independent.
constexpr FisherSettings exact_test{100'000'000'000'000, 1e-4};
constexpr Index seeds_apart = 100'000;  // seeds of the graphs of one --seed

struct RecoveryOptions {
  LearnOptions learn;
  std::vector<Index> nodes = {5, 8, 12, 16, 20};
  std::vector<Index> steps = {4, 16, 64, 256, 1024, 4096};
  Index spiking_nodes = 10;
  double degree = 2;
  double hidden = 0.2;
  double background = 0.5;
  Index graphs = 20;
  Index seed = 0;
  std::string picture;
  Format format = Format::table;
};

struct Mean {
  std::vector<double> numbers;

  double mean() const {
    double sum = 0;
    for (const double number : numbers) {
      sum += number;
    }
    return sum / static_cast<double>(numbers.size());
  }
  double standard_error() const {
    double squares = 0;
    for (const double number : numbers) {
      squares += (number - mean()) * (number - mean());
    }
    const auto n = static_cast<double>(numbers.size());
    return n > 1 ? std::sqrt(squares / (n - 1) / n) : 0;
  }
};

Planted planted(const RecoveryOptions& options, Index nodes, bool positive, Index graph) {
  PlantSettings settings;
  settings.nodes = nodes;
  settings.degree = options.degree;
  settings.positive = positive;
  settings.seed = static_cast<std::uint64_t>(options.seed * seeds_apart + graph);
  return plant(settings);
}

Nodes first_nodes(Index count) {
  Nodes nodes;
  for (Index node = 0; node < count; ++node) {
    nodes.push_back(node);
  }
  return nodes;
}

// What the learner finds when it is told the truth about every independence.
MixedGraph true_graph(const LearnOptions& learn, const MixedGraph& dag, Index seen) {
  const IndependenceTest ask = [&](Index x, Index y, const Nodes& given) {
    return is_separated(dag, x, y, given);
  };
  return learn_graph(learn, seen, exact_test.samples, ask, {});
}

MixedGraph found_graph(const LearnOptions& learn, const SquareMatrix& map, Index seen,
                       const FisherSettings& fisher) {
  const TokenCorrelation token = token_correlation(map, first_nodes(seen), covariance_settings(learn));
  FisherTest test(token.rho, fisher);
  const IndependenceTest ask = [&](Index x, Index y, const Nodes& given) { return test(x, y, given); };
  const MixedGraph small = learn_graph(learn, token.rho.size, fisher.samples, ask, {});
  MixedGraph graph(seen);  // a silent row is a node without edges
  for (Index a = 0; a < small.size(); ++a) {
    for (const Index b : small.neighbours(a)) {
      if (a < b) {
        graph.add(token.tokens[a], token.tokens[b], small.at(b, a), small.at(a, b));
      }
    }
  }
  return graph;
}

void add_exact_row(Table& table, const RecoveryOptions& options, Index seen, Index hidden,
                   const std::string& method) {
  LearnOptions learn;
  learn.method = method;
  Index equal = 0;
  double slowest = 0;
  Mean edges;
  Mean distance;
  for (Index graph = 0; graph < options.graphs; ++graph) {
    const Planted model = planted(options, seen + hidden, false, graph);
    const MixedGraph truth = true_graph(learn, model.dag, seen);
    const auto start = std::chrono::steady_clock::now();
    const MixedGraph found = found_graph(learn, model.effects, seen, exact_test);
    slowest =
        std::max(slowest, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    edges.numbers.push_back(static_cast<double>(truth.edge_count()));
    distance.numbers.push_back(static_cast<double>(structural_distance(found, truth)));
    equal += found == truth ? 1 : 0;
  }
  table.rows.push_back({method, seen, hidden, options.graphs, edges.mean(), equal, distance.mean(), slowest});
}

Table exact_table(const RecoveryOptions& options) {
  Table table{"exact",
              {{"method", "method"},
               {"seen", "seen nodes"},
               {"hidden", "hidden"},
               {"graphs", "graphs"},
               {"edges", "edges", 1},
               {"equal", "equal"},
               {"shd", "SHD"},
               {"slowest_s", "slowest [s]", 3}},
              {}};
  for (const Index nodes : options.nodes) {
    add_exact_row(table, options, nodes, 0, "pc");
    add_exact_row(table, options, nodes, 0, "icd");
    add_exact_row(table, options, nodes,
                  static_cast<Index>(std::lround(static_cast<double>(nodes) * options.hidden)), "icd");
  }
  return table;
}

struct Code {
  const char* name;
  bool positive;
  bool has_background;
  bool centred;
};
constexpr Code codes[] = {{"signed spikes", false, false, false},
                          {"counts", true, false, false},
                          {"counts, rows centred", true, false, true},
                          {"counts on a background", true, true, false},
                          {"counts on a background, rows centred", true, true, true}};

struct Score {
  Mean f1;
  Mean distance;
};

// steps 0: the rates themselves, which is what endless time would give.
Score score_of(const RecoveryOptions& options, const Code& code, Index steps) {
  Score score;
  LearnOptions learn = options.learn;
  learn.centred = code.centred;
  const FisherSettings fisher = fisher_settings(learn, options.spiking_nodes);
  for (Index graph = 0; graph < options.graphs; ++graph) {
    const Planted model = planted(options, options.spiking_nodes, code.positive, graph);
    const double background = code.has_background ? options.background : 0;
    SquareMatrix map = model.effects;
    if (steps > 0) {
      map = rate_coded(map, {steps, background, static_cast<std::uint64_t>(graph)});
    } else {
      const double greatest = *std::ranges::max_element(map.numbers);
      for (double& number : map.numbers) {
        number += background * greatest;
      }
    }
    const MixedGraph truth = true_graph(learn, model.dag, options.spiking_nodes);
    const MixedGraph found = found_graph(learn, map, options.spiking_nodes, fisher);
    score.f1.numbers.push_back(skeleton_f1(found, truth));
    score.distance.numbers.push_back(static_cast<double>(structural_distance(found, truth)));
  }
  return score;
}

Table spike_table(const RecoveryOptions& options, Curves& curves) {
  Table table{"spikes",
              {{"code", "map"},
               {"steps", "T"},
               {"skeleton_f1", "skeleton F1", 3},
               {"skeleton_f1_error", "+-", 3},
               {"shd", "SHD"},
               {"shd_error", "+-"}},
              {}};
  const Progress progress = progress_on_stderr("recovery");
  const Index all = static_cast<Index>(std::size(codes) * (options.steps.size() + 1));
  Index done = 0;
  for (const Code& code : codes) {
    Curve curve{code.name, {}, {}, {}};
    std::vector<Index> steps = options.steps;
    steps.push_back(0);
    for (const Index count : steps) {
      progress(done++, all);
      const Score score = score_of(options, code, count);
      table.rows.push_back({std::string(code.name), count > 0 ? Cell(count) : Cell(std::string("rates")),
                            score.f1.mean(), score.f1.standard_error(), score.distance.mean(),
                            score.distance.standard_error()});
      if (count > 0) {
        curve.x.push_back(static_cast<double>(count));
        curve.y.push_back(score.f1.mean());
        curve.error.push_back(score.f1.standard_error());
      }
    }
    curves.curves.push_back(std::move(curve));
  }
  progress(all, all);
  return table;
}

void check(const RecoveryOptions& options) {
  VOLLEY_CHECK(options.graphs >= 1, Fault::usage, "--graphs is {}, wanted 1 or more", options.graphs);
  VOLLEY_CHECK(options.hidden >= 0 && options.hidden <= 2, Fault::usage, "--hidden is {}, wanted 0 to 2",
               options.hidden);
  VOLLEY_CHECK(options.seed >= 0, Fault::usage, "--seed is {}, wanted 0 or more", options.seed);
  for (const Index steps : options.steps) {
    VOLLEY_CHECK(steps >= 1, Fault::usage, "--steps has {}, wanted 1 or more", steps);
  }
}

void recovery_command(const RecoveryOptions& options) {
  check(options);
  Report report{"volley.analyze.recovery/1", {}, {}, {}};
  report.facts = {{"degree", options.degree},
                  {"weights", std::string("0.4 to 0.9")},
                  {"seed", options.seed},
                  {"spiking_nodes", options.spiking_nodes},
                  {"background", options.background}};
  const auto more = learn_facts(options.learn, fisher_settings(options.learn, options.spiking_nodes));
  report.facts.insert(report.facts.end(), more.begin(), more.end() - 1);  // rows: in the table
  Curves curves{fmt::format("Planted graphs of {} nodes from spikes", options.spiking_nodes),
                "steps T",
                "skeleton F1",
                true,
                false,
                {}};
  report.tables = {exact_table(options), spike_table(options, curves)};
  report.remarks = {
      "exact: the covariance of the planted model itself; equal: mark by mark the graph that the planted "
      "independences imply",
      "spikes: A = (I - G)^-1 as rates, in each step a place fires with |a| / greatest; +- is the standard "
      "error "
      "of the mean over graphs; 'rates' is endless time",
      "that a planted structure comes back says that the code is right, not that trained attention is "
      "causal"};
  if (!options.picture.empty()) {
    write_curves(options.picture, curves);
  }
  print(report, options.format);
}

}  // namespace

void add_analyze_recovery(CLI::App& analyze, Run& chosen) {
  auto options = std::make_shared<RecoveryOptions>();
  options->learn.effective_samples = 300;
  CLI::App* recovery =
      analyze.add_subcommand("recovery", "planted causal structures, and what is found of them");
  add_learn_options(*recovery, options->learn);
  recovery->remove_option(recovery->get_option("--centre-rows"));  // both are in the table
  recovery->add_option("--nodes", options->nodes, "seen nodes of the exact models")
      ->delimiter(',')
      ->capture_default_str();
  recovery->add_option("--hidden", options->hidden, "hidden nodes for each seen one")->capture_default_str();
  recovery->add_option("--degree", options->degree, "edges at a node, in the mean")->capture_default_str();
  recovery->add_option("--graphs", options->graphs, "planted graphs for each row")->capture_default_str();
  recovery->add_option("-T,--steps", options->steps, "steps of the spike trains")
      ->delimiter(',')
      ->capture_default_str();
  recovery->add_option("--spiking-nodes", options->spiking_nodes, "nodes of the spiking ones")
      ->capture_default_str();
  recovery->add_option("--background", options->background, "rate of the background, of the greatest effect")
      ->capture_default_str();
  recovery->add_option("--seed", options->seed, "of the graphs")->capture_default_str();
  add_picture_option(*recovery, options->picture, "picture of F1 over T");
  add_format_option(*recovery, options->format);
  recovery->footer("Example: volley analyze recovery --graphs 20 --picture recovery.svg");
  recovery->callback([options, &chosen] { chosen = [options] { recovery_command(*options); }; });
}

}  // namespace volley::cli
