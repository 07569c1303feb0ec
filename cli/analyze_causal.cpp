// volley analyze causal: the graph of tokens that attention maps imply.
#include <CLI/CLI.hpp>
#include <chrono>

#include "analysis/bootstrap.hpp"
#include "analysis/explanation.hpp"
#include "analysis/picture.hpp"
#include "cli/analyze.hpp"
#include "cli/analyze_explain.hpp"
#include "cli/analyze_learn.hpp"
#include "sim/base/check.hpp"
#include "sim/io/file.hpp"

namespace volley::cli {
namespace {

struct CausalOptions {
  MapOptions maps;
  LearnOptions learn;
  ExplainOptions explain;
  std::vector<Index> nodes;
  std::vector<Index> heads;
  Index sample = 0;
  Index draws = 0;
  std::string dot;
  std::string picture;
  std::string map_picture;
  Format format = Format::table;
};

// What is said of all heads, row by row.
struct Findings {
  Table summary{"heads",
                {{"head", "head"},
                 {"nodes", "nodes"},
                 {"edges", "edges"},
                 {"tests", "tests"},
                 {"too_few_samples", "too few samples"},
                 {"collinear", "collinear"},
                 {"entropy_score", "entropy score (ours)", 3},
                 {"time_s", "time [s]", 3}},
                {}};
  Table edges{"edges", {{"head", "head"}, {"from", "from"}, {"edge", "edge"}, {"to", "to"}}, {}};
  Table shares{"bootstrap",
               {{"head", "head"},
                {"from", "from"},
                {"edge", "edge"},
                {"to", "to"},
                {"share_joined", "joined in"},
                {"share_same_marks", "same marks in"}},
               {}};
  Table candidates{
      "candidates", {{"head", "head"}, {"masked", "tokens to mask"}, {"distance", "distance"}}, {}};
  std::vector<std::string> remarks;
  std::vector<NamedGraph> graphs;
  Index untested = 0;
};

// Sets in the order in which a tester would mask them.
void add_candidates(Table& table, const ExplainOptions& options, const TokenGraph& learnt, Index head) {
  const auto found = std::ranges::find(learnt.tokens, *options.target);
  VOLLEY_CHECK(found != learnt.tokens.end(), Fault::usage, "target {} is not among the tokens of head {}",
               *options.target, head);
  const ExplanationSettings settings{.range = 0, .largest = options.largest, .minimal_only = false};
  const auto all = explain(
      learnt.graph, found - learnt.tokens.begin(), [](const Nodes&, Index) { return true; }, settings);
  for (const Explanation& each : all.found) {
    Nodes tokens;
    for (const Index node : each.nodes) {
      tokens.push_back(learnt.tokens[node]);
    }
    table.rows.push_back({head, token_list(tokens), each.distance});
  }
}

std::string edge_of(const MixedGraph& graph, Index a, Index b) {
  return graph.adjacent(a, b) ? edge_text(graph.at(b, a), graph.at(a, b)) : "";
}

// A token whose row is zero in a draw is a node without edges there.
MixedGraph graph_over(const TokenGraph& learnt, const std::vector<Index>& tokens) {
  MixedGraph graph(static_cast<Index>(tokens.size()));
  const auto place = [&](Index node) {
    return std::ranges::find(tokens, learnt.tokens[node]) - tokens.begin();
  };
  for (Index a = 0; a < learnt.graph.size(); ++a) {
    for (const Index b : learnt.graph.neighbours(a)) {
      if (a < b) {
        graph.add(place(a), place(b), learnt.graph.at(b, a), learnt.graph.at(a, b));
      }
    }
  }
  return graph;
}

void add_shares(Findings& out, const CausalOptions& options, const LayerMaps& maps, const TokenGraph& learnt,
                Index head) {
  std::vector<SquareMatrix> steps;
  for (Index step = 0; step < maps.steps; ++step) {
    steps.push_back(maps.step_map(step, options.sample, head));
  }
  const Progress progress = progress_on_stderr(fmt::format("bootstrap, head {}", head));
  Index done = 0;
  const auto shares =
      edge_shares(steps, learnt.graph, options.draws, static_cast<std::uint64_t>(options.maps.run.seed),
                  [&](const SquareMatrix& map) {
                    progress(done++, options.draws);
                    return graph_over(learn_token_graph(options.learn, map, learnt.tokens), learnt.tokens);
                  });
  progress(options.draws, options.draws);
  for (const EdgeShare& share : shares) {
    const std::string edge = edge_of(learnt.graph, share.a, share.b);
    out.shares.rows.push_back({head, learnt.tokens[share.a], edge.empty() ? "none" : edge,
                               learnt.tokens[share.b], share.joined,
                               edge.empty() ? Cell() : Cell(share.same)});
  }
}

TokenGraph learn_head(Findings& out, const CausalOptions& options, const SquareMatrix& map, Index head) {
  const TokenCorrelation token = token_correlation(map, options.nodes, covariance_settings(options.learn));
  if (!token.dropped.empty()) {
    out.remarks.push_back(
        fmt::format("head {}: tokens with zero rows are left out: {}", head, token_list(token.dropped)));
  }
  const FisherSettings fisher = fisher_settings(options.learn, map.size);
  const auto start = std::chrono::steady_clock::now();
  FisherTest test(token.rho, fisher);
  const IndependenceTest ask = [&](Index x, Index y, const Nodes& given) { return test(x, y, given); };
  const Progress progress = progress_on_stderr(fmt::format("causal, head {}", head));
  const Index rounds = std::max<Index>(1, token.rho.size - 1);
  TokenGraph learnt{learn_graph(options.learn, token.rho.size, fisher.samples, ask,
                                [&](Index round, Index) { progress(std::min(round, rounds - 1), rounds); }),
                    token.tokens};
  progress(rounds, rounds);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const auto score = head_entropy_score(test.p_values(), options.learn.alpha);
  out.summary.rows.push_back({head, learnt.graph.size(), learnt.graph.edge_count(), test.tests(),
                              test.too_few_samples(), test.collinear(), score ? Cell(*score) : Cell(),
                              seconds});
  out.untested += test.too_few_samples() + test.collinear();
  return learnt;
}

void add_head(Findings& out, const CausalOptions& options, const LayerMaps& maps, Index head) {
  const TokenGraph learnt = learn_head(out, options, maps.mean_over_steps(options.sample, head), head);
  const MixedGraph& graph = learnt.graph;
  std::vector<std::string> names;
  for (Index a = 0; a < graph.size(); ++a) {
    names.push_back(std::to_string(learnt.tokens[a]));
    for (Index b = a + 1; b < graph.size(); ++b) {
      if (graph.adjacent(a, b)) {
        out.edges.rows.push_back({head, learnt.tokens[a], edge_of(graph, a, b), learnt.tokens[b]});
      }
    }
  }
  if (options.draws > 0) {
    add_shares(out, options, maps, learnt, head);
  }
  if (options.explain.target) {
    add_candidates(out.candidates, options.explain, learnt, head);
  }
  out.graphs.push_back({fmt::format("head {}", head), std::move(names), graph});
}

void add_remarks(Report& report, const CausalOptions& options, const Findings& findings, Index tokens) {
  const Index samples = fisher_settings(options.learn, tokens).samples;
  report.remarks = findings.remarks;
  if (options.explain.target) {
    report.remarks.push_back(
        "candidates are in the order in which to mask them; none was tried: --explain runs the model");
  }
  if (findings.untested > 0) {
    report.remarks.push_back(
        fmt::format("{} tests were not possible (too few samples or collinear tokens) and were taken as "
                    "dependent",
                    findings.untested));
  }
  if (samples - 3 < tokens - 2) {
    report.remarks.push_back(
        fmt::format("with {} effective samples no set of more than {} tokens can be tested: pairs that only "
                    "a larger set would separate stay joined",
                    samples, std::max<Index>(0, samples - 3)));
  }
  if (!options.learn.effective_samples) {
    report.remarks.push_back(
        "--effective-samples was not given: it is the number of tokens; it is a free choice and sets how "
        "many "
        "edges stay");
  }
  if (options.draws > 0) {
    report.remarks.push_back(
        "the bootstrap draws steps with replacement: it says nothing about other inputs");
  }
}

void write_pictures(const CausalOptions& options, const LayerMaps& maps, const std::vector<Index>& heads,
                    const Findings& findings) {
  if (!options.dot.empty()) {
    std::string dot;
    for (const NamedGraph& each : findings.graphs) {
      dot += as_dot(each.graph, each.names, each.title);
    }
    write_pieces(options.dot, {{std::as_bytes(std::span(dot))}});
  }
  if (!options.picture.empty()) {
    write_graph(options.picture, as_one_dot(findings.graphs));
  }
  if (!options.map_picture.empty()) {
    std::vector<HeatMap> pictures;
    for (const Index head : heads) {
      const SquareMatrix map = maps.mean_over_steps(options.sample, head);
      pictures.push_back({fmt::format("{}, head {}{}", maps.name, head,
                                      maps.steps > 1 ? fmt::format(", mean over {} steps", maps.steps) : ""),
                          "key token",
                          "query token",
                          {},
                          {},
                          map.numbers,
                          map.size,
                          map.size});
    }
    write_heat_maps(options.map_picture, pictures);
  }
}

void causal_command(const CausalOptions& options) {
  const LayerMaps maps = read_deepest_maps(options.maps);
  const std::vector<Index> heads = wanted_heads(options.heads, maps.heads);
  const Index tokens = maps.rows;
  VOLLEY_CHECK(options.sample >= 0 && options.sample < maps.samples, Fault::usage,
               "sample {} isn't there; '{}' holds {}", options.sample, maps.name, maps.samples);
  VOLLEY_CHECK(!options.explain.target || (*options.explain.target >= 0 && *options.explain.target < tokens),
               Fault::usage, "target {} isn't there; the map has {} tokens",
               options.explain.target.value_or(0), tokens);
  VOLLEY_CHECK(options.explain.largest >= 1, Fault::usage, "--largest is {}, wanted 1 or more",
               options.explain.largest);
  VOLLEY_CHECK(options.draws >= 0, Fault::usage, "--bootstrap is {}, wanted 0 or more", options.draws);
  Findings findings;
  for (const Index head : heads) {
    add_head(findings, options, maps, head);
  }
  Report report{"volley.analyze.causal/1", {}, {}, {}};
  report.facts = {{"maps", options.maps.source},
                  {"array", maps.name},
                  {"sample", options.sample},
                  {"steps", maps.steps},
                  {"tokens", tokens}};
  const auto more = learn_facts(options.learn, fisher_settings(options.learn, tokens));
  report.facts.insert(report.facts.end(), more.begin(), more.end());
  add_remarks(report, options, findings, tokens);
  write_pictures(options, maps, heads, findings);
  report.tables = {std::move(findings.summary), std::move(findings.edges)};
  if (options.draws > 0) {
    report.tables.push_back(std::move(findings.shares));
  }
  if (options.explain.target) {
    report.tables.push_back(std::move(findings.candidates));
  }
  print(report, options.format);
}

}  // namespace

void add_analyze_causal(CLI::App& analyze, Run& chosen) {
  auto options = std::make_shared<CausalOptions>();
  CLI::App* causal = analyze.add_subcommand("causal", "causal graph of tokens from attention maps");
  add_map_options(*causal, options->maps);
  add_learn_options(*causal, options->learn);
  causal->add_option("--nodes", options->nodes, "tokens of the graph, as 0,3,5; default all")->delimiter(',');
  causal->add_option("--heads", options->heads, "heads, as 0,2; default all")->delimiter(',');
  causal->add_option("--sample", options->sample, "of [S ...], or of the samples that were run")
      ->capture_default_str();
  causal->add_option("--bootstrap", options->draws,
                     "draws of steps: in what share of them is each edge there?");
  causal->add_option("--target", options->explain.target,
                     "token to explain; with --explain the default is the one with the greatest part in the "
                     "winning output");
  causal->add_option("--largest", options->explain.largest, "tokens in an explanation, at most")
      ->capture_default_str();
  causal->add_flag("--explain", options->explain.wanted,
                   "run MODEL with tokens masked, for every sample: passes to the first set that changes the "
                   "decision");
  causal->add_option("--mask-node", options->explain.mask_node,
                     "node behind which tokens are silenced; default: the first that has them");
  causal->add_option("--dot", options->dot, "file for the graphs, for Graphviz");
  add_picture_option(*causal, options->picture, "picture of the graphs");
  add_picture_option(*causal, options->map_picture, "picture of the maps", "--map-picture");
  add_format_option(*causal, options->format);
  causal->footer(
      "Example: volley analyze causal examples/digits/ssa.txtpb --input digits --samples 0 "
      "--effective-samples 64 --picture graph.svg");
  causal->callback([options, &chosen] {
    chosen = [options] {
      if (options->explain.wanted) {
        VOLLEY_CHECK(options->picture.empty() && options->map_picture.empty() && options->dot.empty() &&
                         options->draws == 0 && options->nodes.empty(),
                     Fault::usage,
                     "--explain goes without --picture, --map-picture, --dot, --bootstrap, --nodes");
        explain_command(options->maps, options->learn, options->heads, options->explain, options->format);
      } else {
        causal_command(*options);
      }
    };
  });
}

}  // namespace volley::cli
