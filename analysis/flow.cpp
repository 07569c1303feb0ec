// Block sums of maps and their rollout.
#include "analysis/flow.hpp"

#include <Eigen/Core>
#include <algorithm>

#include "sim/base/check.hpp"

namespace volley {
namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

void check_map(const Matrix& map) {
  check_matrix(map, "the map");
  VOLLEY_CHECK(map.rows == map.columns, Fault::model, "the map is {} x {}, wanted as many rows as columns",
               map.rows, map.columns);
  const auto bad = std::ranges::find_if(map.numbers, [](double number) { return number < 0; });
  VOLLEY_CHECK(bad == map.numbers.end(), Fault::model,
               "the map holds {} at row {}, column {}: flow needs numbers of 0 or more", *bad,
               (bad - map.numbers.begin()) / map.columns, (bad - map.numbers.begin()) % map.columns);
}

void check_labels(const TokenLabels& labels, Index tokens) {
  VOLLEY_CHECK(static_cast<Index>(labels.group.size()) == tokens, Fault::model,
               "there are {} labels, wanted one for each of {} tokens", labels.group.size(), tokens);
  const Index groups = static_cast<Index>(labels.names.size());
  VOLLEY_CHECK(groups >= 2, Fault::usage, "flow needs two groups or more, got {}", groups);
  for (Index g = 0; g < groups; ++g) {
    VOLLEY_CHECK(labels.size_of(g) > 0, Fault::usage, "group '{}' holds no token", labels.names[g]);
  }
}

double looked_at(const Matrix& map, const TokenLabels& labels, Index row) {
  double sum = 0;
  for (Index j = 0; j < map.columns; ++j) {
    sum += labels.group[j] == TokenLabels::left_out ? 0 : map(row, j);
  }
  return sum;
}

void add_shares(Flow& flow) {
  const Index groups = flow.sums.rows;
  double all = 0, across = 0, mean = 0;
  bool known = true;
  for (Index a = 0; a < groups; ++a) {
    double of_a = 0;
    for (Index b = 0; b < groups; ++b) {
      of_a += flow.sums(a, b);
    }
    const double away = of_a - flow.sums(a, a);
    all += of_a;
    across += away;
    flow.outward.push_back(of_a > 0 ? std::optional(away / of_a) : std::nullopt);
    known = known && of_a > 0;
    mean += of_a > 0 ? away / of_a / static_cast<double>(groups) : 0;
  }
  flow.direction = known ? std::optional(mean) : std::nullopt;
  flow.share = all > 0 ? std::optional(across / all) : std::nullopt;
}

}  // namespace

Flow flow_between(const Matrix& map, const TokenLabels& labels, RowUse rows) {
  check_map(map);
  check_labels(labels, map.rows);
  const Index groups = static_cast<Index>(labels.names.size());
  Flow flow;
  flow.sums = zero_matrix(groups, groups);
  for (Index i = 0; i < map.rows; ++i) {
    if (labels.group[i] == TokenLabels::left_out) {
      continue;
    }
    ++flow.rows;
    const double sum = looked_at(map, labels, i);
    if (sum == 0) {
      ++flow.zero_rows;
      continue;
    }
    for (Index j = 0; j < map.columns; ++j) {
      if (labels.group[j] != TokenLabels::left_out) {
        flow.sums(labels.group[i], labels.group[j]) += rows == RowUse::raw ? map(i, j) : map(i, j) / sum;
      }
    }
  }
  add_shares(flow);
  return flow;
}

FlowChance chance_of(const TokenLabels& labels) {
  const double groups = static_cast<double>(labels.names.size());
  double tokens = 0;
  for (std::size_t g = 0; g < labels.names.size(); ++g) {
    tokens += static_cast<double>(labels.size_of(static_cast<Index>(g)));
  }
  FlowChance chance{{}, 1 - 1 / groups, 1};
  for (std::size_t g = 0; g < labels.names.size(); ++g) {
    const double part = static_cast<double>(labels.size_of(static_cast<Index>(g))) / tokens;
    chance.outward.push_back(1 - part);
    chance.share -= part * part;
  }
  return chance;
}

void Rollout::add(const Matrix& map) {
  check_map(map);
  const Index n = map.rows;
  if (gathered_.rows == 0) {
    gathered_ = zero_matrix(n, n);
    for (Index i = 0; i < n; ++i) {
      gathered_(i, i) = 1;
    }
  }
  VOLLEY_CHECK(gathered_.rows == n, Fault::model, "the map has {} tokens, the layer before has {}", n,
               gathered_.rows);
  RowMajor mixed = Eigen::Map<const RowMajor>(map.numbers.data(), n, n);
  for (Index i = 0; i < n; ++i) {
    const double sum = mixed.row(i).sum();
    if (sum > 0) {
      mixed.row(i) /= sum;
    } else {
      mixed(i, i) = 1;
    }
    mixed(i, i) += 1;
  }
  Eigen::Map<RowMajor> gathered(gathered_.numbers.data(), n, n);
  gathered = (mixed * gathered / 2).eval();
}

std::vector<double> Rollout::outward(const TokenLabels& labels) const {
  check_labels(labels, gathered_.rows);
  std::vector<double> means(labels.names.size());
  for (Index i = 0; i < gathered_.rows; ++i) {
    const Index own = labels.group[i];
    for (Index j = 0; own != TokenLabels::left_out && j < gathered_.columns; ++j) {
      if (labels.group[j] != own && labels.group[j] != TokenLabels::left_out) {
        means[own] += gathered_(i, j) / static_cast<double>(labels.size_of(own));
      }
    }
  }
  return means;
}

}  // namespace volley
