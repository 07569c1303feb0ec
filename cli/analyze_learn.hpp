// How a graph of tokens is learnt from a map; shared by causal and its --explain.
#pragma once

#include "analysis/independence.hpp"
#include "analysis/mask_search.hpp"
#include "analysis/mixed_graph.hpp"
#include "cli/analyze.hpp"

namespace volley::cli {

struct LearnOptions {
  std::string method = "icd";
  std::string order = "stable";
  double alpha = 0.01;
  std::optional<Index> effective_samples;
  Index largest_set = -1;
  bool centred = false;
  bool no_selection = false;
  double ridge = 0;
};
void add_learn_options(CLI::App& app, LearnOptions& options);

// The settings, as facts of a report; samples: those used.
std::vector<Fact> learn_facts(const LearnOptions& options, const FisherSettings& fisher);
FisherSettings fisher_settings(const LearnOptions& options, Index tokens);
CovarianceSettings covariance_settings(const LearnOptions& options);

// progress: told at the start of each round of icd; may be empty.
MixedGraph learn_graph(const LearnOptions& options, Index nodes, Index samples, const IndependenceTest& ask,
                       const std::function<void(Index round, Index edges)>& progress);
// A graph of the tokens of a map whose rows aren't zero. nodes: empty for all.
TokenGraph learn_token_graph(const LearnOptions& options, const SquareMatrix& map,
                             std::span<const Index> nodes);

// Those named, or all. Throws Error (usage) for one that isn't there.
std::vector<Index> wanted_heads(const std::vector<Index>& named, Index heads);

std::string token_list(const Nodes& tokens);  // "0 3 5"

}  // namespace volley::cli
