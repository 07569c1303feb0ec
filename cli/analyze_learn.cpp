// Options of the learners and what they mean.
#include "cli/analyze_learn.hpp"

#include <CLI/CLI.hpp>
#include <numeric>

#include "analysis/icd.hpp"
#include "analysis/pc.hpp"
#include "sim/base/check.hpp"

namespace volley::cli {

void add_learn_options(CLI::App& app, LearnOptions& options) {
  app.add_option("--method", options.method, "icd: hidden causes may be (PAG); pc: none are (CPDAG)")
      ->check(CLI::IsMember({"pc", "icd"}))
      ->capture_default_str();
  app.add_option("--order", options.order, "of pc: stable, or published (depends on token order)")
      ->check(CLI::IsMember({"stable", "published"}))
      ->capture_default_str();
  app.add_option("--alpha", options.alpha, "independent when p > alpha")->capture_default_str();
  app.add_option("--effective-samples", options.effective_samples,
                 "effective sample size of the test; default: the number of tokens; the paper's code: the "
                 "model's width");
  app.add_flag("--centre-rows", options.centred, "take each row less its mean (for maps of counts)");
  app.add_flag("--no-selection", options.no_selection, "of icd: rule out selection bias (no R5 - R7)");
  app.add_option(
         "--largest-set", options.largest_set,
         "tokens in the set of a test, at most; dense graphs take time exponential in it; -1: no limit")
      ->capture_default_str();
  app.add_option("--ridge", options.ridge, "added to the diagonal of A A^T")->capture_default_str();
}

std::vector<Fact> learn_facts(const LearnOptions& options, const FisherSettings& fisher) {
  return {{"method", options.method},
          {"effective_samples", fisher.samples},
          {"alpha", fisher.alpha},
          {"ridge", options.ridge},
          {"rows", std::string(options.centred ? "centred" : "raw")}};
}

FisherSettings fisher_settings(const LearnOptions& options, Index tokens) {
  return {options.effective_samples.value_or(tokens), options.alpha};
}

CovarianceSettings covariance_settings(const LearnOptions& options) {
  return {options.centred, options.ridge};
}

MixedGraph learn_graph(const LearnOptions& options, Index nodes, Index samples, const IndependenceTest& ask,
                       const std::function<void(Index round, Index edges)>& progress) {
  // Sets of more tokens have no test, so they change nothing.
  const Index testable = std::max<Index>(0, samples - 3);
  const Index largest = options.largest_set < 0 ? testable : std::min(options.largest_set, testable);
  if (options.method == "pc") {
    return learn_pc(nodes, ask, options.order == "stable" ? PcOrder::stable : PcOrder::published, largest);
  }
  return learn_icd(nodes, ask, {!options.no_selection, largest, progress});
}

TokenGraph learn_token_graph(const LearnOptions& options, const SquareMatrix& map,
                             std::span<const Index> nodes) {
  const TokenCorrelation token = token_correlation(map, nodes, covariance_settings(options));
  const FisherSettings fisher = fisher_settings(options, map.size);
  FisherTest test(token.rho, fisher);
  const IndependenceTest ask = [&](Index x, Index y, const Nodes& given) { return test(x, y, given); };
  return {learn_graph(options, token.rho.size, fisher.samples, ask, {}), token.tokens};
}

std::vector<Index> wanted_heads(const std::vector<Index>& named, Index heads) {
  for (const Index head : named) {
    VOLLEY_CHECK(head >= 0 && head < heads, Fault::usage, "head {} isn't there; the map has {}", head, heads);
  }
  std::vector<Index> all = named;
  if (all.empty()) {
    all.resize(static_cast<std::size_t>(heads));
    std::iota(all.begin(), all.end(), Index{0});
  }
  return all;
}

std::string token_list(const Nodes& tokens) {
  std::string out;
  for (const Index token : tokens) {
    out += (out.empty() ? "" : " ") + std::to_string(token);
  }
  return out;
}

}  // namespace volley::cli
