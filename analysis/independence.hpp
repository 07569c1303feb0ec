// Tests of conditional independence, asked for by the graph learners.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "analysis/correlation.hpp"

namespace volley {

using Nodes = std::vector<Index>;  // ascending where it is a set

// True when x and y are independent given the set (ascending, without x and y).
using IndependenceTest = std::function<bool(Index x, Index y, const Nodes& given)>;

// The set that separated each pair whose edge was removed.
class Separations {
 public:
  void keep(Index x, Index y, Nodes set) { sets_[std::minmax(x, y)] = std::move(set); }
  // False too when nothing separated them.
  bool holds(Index x, Index y, Index node) const;
  const Nodes* find(Index x, Index y) const;

 private:
  std::map<std::pair<Index, Index>, Nodes> sets_;
};

// z = atanh(r), statistic = sqrt(N - k - 3) |z|, p = 2 (1 - Phi(statistic)), k = |given|; 1 when N - k - 3 is
// 0. p = 0 when |r| >= 1. Nothing when N - k - 3 < 0: there is no test.
std::optional<double> fisher_p(double r, Index samples, Index given);

struct FisherSettings {
  Index samples = 0;  // effective sample size N [1]; a free choice (the paper's code: the model's width)
  double alpha = 0.01;
};

// Independent when p > alpha. What can't be tested (too few samples, collinear tokens) is dependent and
// counted. Each question is worked out once.
class FisherTest {
 public:
  // Throws Error (usage) for samples < 1 or alpha outside (0, 1).
  FisherTest(SquareMatrix rho, FisherSettings settings);
  bool operator()(Index x, Index y, const Nodes& given);

  Index tests() const { return static_cast<Index>(known_.size()); }  // different ones
  Index too_few_samples() const { return too_few_samples_; }
  Index collinear() const { return collinear_; }
  const std::vector<double>& p_values() const { return p_values_; }  // in the order of the tests

 private:
  bool independent(Index x, Index y, const Nodes& given);

  SquareMatrix rho_;
  FisherSettings settings_;
  std::map<std::tuple<Index, Index, Nodes>, bool> known_;
  std::vector<double> p_values_;
  Index too_few_samples_ = 0;
  Index collinear_ = 0;
};

// Ours, not the paper's: H(p > alpha) - H(p <= alpha), entropies of histograms of ten equal bins over
// (alpha, 1] and [0, alpha], each divided by ln 10; in [-1, 1]. Nothing when either class is empty.
std::optional<double> head_entropy_score(std::span<const double> p_values, double alpha);

}  // namespace volley
