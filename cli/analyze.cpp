// volley analyze: what recorded attention means. Kinds: causal.
#include <CLI/CLI.hpp>
#include <chrono>
#include <fstream>
#include <numeric>

#include "analysis/explanation.hpp"
#include "analysis/icd.hpp"
#include "analysis/pc.hpp"
#include "cli/attention_maps.hpp"
#include "cli/command.hpp"
#include "sim/base/check.hpp"

namespace volley::cli {
namespace {

struct CausalOptions {
  std::string maps;
  std::string array;
  std::string method = "icd";
  std::string order = "stable";
  double alpha = 0.01;
  std::optional<Index> samples;
  std::vector<Index> nodes;
  std::vector<Index> heads;
  std::optional<Index> target;
  Index largest = 2;
  Index largest_set = -1;
  Index sample = 0;
  bool centred = false;
  bool no_selection = false;
  double ridge = 0;
  std::string dot;
  Format format = Format::table;
};

std::string token_list(const Nodes& nodes, const std::vector<Index>& tokens) {
  std::string out;
  for (const Index node : nodes) {
    out += (out.empty() ? "" : " ") + std::to_string(tokens[node]);
  }
  return out;
}

// Sets of more tokens have no test, so they change nothing.
Index largest_set(const CausalOptions& options, Index samples) {
  const Index testable = std::max<Index>(0, samples - 3);
  return options.largest_set < 0 ? testable : std::min(options.largest_set, testable);
}

MixedGraph learn(const CausalOptions& options, Index nodes, Index head, Index largest, FisherTest& test) {
  const IndependenceTest ask = [&](Index x, Index y, const Nodes& given) { return test(x, y, given); };
  if (options.method == "pc") {
    return learn_pc(nodes, ask, options.order == "stable" ? PcOrder::stable : PcOrder::published, largest);
  }
  const Progress progress = progress_on_stderr(fmt::format("causal, head {}", head));
  IcdSettings settings{!options.no_selection, largest, {}};
  settings.progress = [&](Index round, Index) { progress(round, std::max<Index>(1, nodes - 1)); };
  return learn_icd(nodes, ask, settings);
}

// Sets in the order in which a tester would mask them.
void add_candidates(Table& table, const CausalOptions& options, const MixedGraph& graph,
                    const std::vector<Index>& tokens, Index head) {
  const auto found = std::ranges::find(tokens, *options.target);
  VOLLEY_CHECK(found != tokens.end(), Fault::usage, "target {} is not among the tokens of head {}",
               *options.target, head);
  const ExplanationSettings settings{.range = 0, .largest = options.largest, .minimal_only = false};
  const auto all = explain(
      graph, found - tokens.begin(), [](const Nodes&, Index) { return true; }, settings);
  for (const Explanation& each : all.found) {
    table.rows.push_back({head, token_list(each.nodes, tokens), each.distance});
  }
}

void check(const CausalOptions& options, Index heads, Index tokens) {
  for (const Index head : options.heads) {
    VOLLEY_CHECK(head >= 0 && head < heads, Fault::usage, "head {} isn't there; the map has {}", head, heads);
  }
  VOLLEY_CHECK(!options.target || (*options.target >= 0 && *options.target < tokens), Fault::usage,
               "target {} isn't there; the map has {} tokens", options.target.value_or(0), tokens);
  VOLLEY_CHECK(options.largest >= 1, Fault::usage, "--largest is {}, wanted 1 or more", options.largest);
}

void causal_command(const CausalOptions& options) {
  const AttentionMaps maps = read_attention_maps(options.maps, options.array, options.sample);
  const Index tokens = maps.heads.front().size;
  check(options, static_cast<Index>(maps.heads.size()), tokens);
  std::vector<Index> heads = options.heads;
  if (heads.empty()) {
    heads.resize(maps.heads.size());
    std::iota(heads.begin(), heads.end(), Index{0});
  }
  const FisherSettings fisher{options.samples.value_or(tokens), options.alpha};
  Report report{"volley.analyze.causal/1", {}, {}, {}};
  report.facts = {{"maps", options.maps},
                  {"array", maps.array},
                  {"method", options.method},
                  {"tokens", tokens},
                  {"effective_samples", fisher.samples},
                  {"alpha", fisher.alpha},
                  {"ridge", options.ridge},
                  {"rows", std::string(options.centred ? "centred" : "raw")}};
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
  Table candidates{
      "candidates", {{"head", "head"}, {"masked", "tokens to mask"}, {"distance", "distance"}}, {}};
  std::string dot;
  Index untested = 0;
  for (const Index head : heads) {
    const TokenCorrelation token =
        token_correlation(maps.heads[head], options.nodes, {options.centred, options.ridge});
    if (!token.dropped.empty()) {
      std::vector<Index> same(static_cast<std::size_t>(tokens));
      std::iota(same.begin(), same.end(), Index{0});
      report.remarks.push_back(fmt::format("head {}: tokens with zero rows are left out: {}", head,
                                           token_list(token.dropped, same)));
    }
    const auto start = std::chrono::steady_clock::now();
    FisherTest test(token.rho, fisher);
    const MixedGraph graph = learn(options, token.rho.size, head, largest_set(options, fisher.samples), test);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const auto score = head_entropy_score(test.p_values(), options.alpha);
    summary.rows.push_back({head, graph.size(), graph.edge_count(), test.tests(), test.too_few_samples(),
                            test.collinear(), score ? Cell(*score) : Cell(), seconds});
    untested += test.too_few_samples() + test.collinear();
    std::vector<std::string> names;
    for (Index a = 0; a < graph.size(); ++a) {
      names.push_back(std::to_string(token.tokens[a]));
      for (Index b = a + 1; b < graph.size(); ++b) {
        if (graph.adjacent(a, b)) {
          edges.rows.push_back(
              {head, token.tokens[a], edge_text(graph.at(b, a), graph.at(a, b)), token.tokens[b]});
        }
      }
    }
    if (options.target) {
      add_candidates(candidates, options, graph, token.tokens, head);
    }
    dot += as_dot(graph, names, fmt::format("head {}", head));
  }
  report.tables = {std::move(summary), std::move(edges)};
  if (options.target) {
    report.tables.push_back(std::move(candidates));
    report.remarks.push_back("candidates are in the order in which to mask them; none was tried on a model");
  }
  if (untested > 0) {
    report.remarks.push_back(
        fmt::format("{} tests were not possible (too few samples or collinear tokens) and were taken as "
                    "dependent",
                    untested));
  }
  if (fisher.samples - 3 < tokens - 2) {
    report.remarks.push_back(
        fmt::format("with {} effective samples no set of more than {} tokens can be tested: pairs that only "
                    "a larger set would separate stay joined",
                    fisher.samples, std::max<Index>(0, fisher.samples - 3)));
  }
  if (!options.samples) {
    report.remarks.push_back(
        "--samples was not given: the effective sample size is the number of tokens; it is a free choice and "
        "sets how many edges stay");
  }
  if (!options.dot.empty()) {
    std::ofstream file(options.dot);
    file << dot;
    file.close();
    VOLLEY_CHECK(file.good(), Fault::run, "can't write '{}'", options.dot);
  }
  print(report, options.format);
}

}  // namespace

void add_analyze(CLI::App& app, Run& chosen) {
  CLI::App* command = app.add_subcommand("analyze", "what recorded attention means");
  command->require_subcommand(1);
  auto options = std::make_shared<CausalOptions>();
  CLI::App* causal = command->add_subcommand("causal", "causal graph of tokens from attention maps");
  causal->add_option("maps", options->maps, "MAPS.npz: [N N], [H N N], [S H N N] or [T S H N N]")->required();
  causal->add_option("--array", options->array, "name in the file; not needed when it holds one");
  causal->add_option("--method", options->method, "icd: hidden causes may be (PAG); pc: none are (CPDAG)")
      ->check(CLI::IsMember({"pc", "icd"}))
      ->capture_default_str();
  causal->add_option("--order", options->order, "of pc: stable, or published (depends on token order)")
      ->check(CLI::IsMember({"stable", "published"}))
      ->capture_default_str();
  causal->add_option("--alpha", options->alpha, "independent when p > alpha")->capture_default_str();
  causal->add_option("--samples", options->samples, "effective sample size; the paper's code: model width");
  causal->add_option("--nodes", options->nodes, "tokens of the graph, as 0,3,5; default all")->delimiter(',');
  causal->add_option("--heads", options->heads, "heads, as 0,2; default all")->delimiter(',');
  causal->add_option("--sample", options->sample, "of [S ...]")->capture_default_str();
  causal->add_option("--target", options->target, "token to list candidate explanations of");
  causal->add_option("--largest", options->largest, "tokens in a candidate, at most")->capture_default_str();
  causal->add_flag("--centre-rows", options->centred, "take each row less its mean (for maps of counts)");
  causal->add_flag("--no-selection", options->no_selection, "of icd: rule out selection bias (no R5 - R7)");
  causal
      ->add_option(
          "--largest-set", options->largest_set,
          "tokens in the set of a test, at most; dense graphs take time exponential in it; -1: no limit")
      ->capture_default_str();
  causal->add_option("--ridge", options->ridge, "added to the diagonal of A A^T")->capture_default_str();
  causal->add_option("--dot", options->dot, "file for the graphs, for Graphviz");
  add_format_option(*causal, options->format);
  causal->footer("Example: volley analyze causal maps.npz --samples 768 --target 4 --dot graph.dot");
  causal->callback([options, &chosen] { chosen = [options] { causal_command(*options); }; });
}

}  // namespace volley::cli
