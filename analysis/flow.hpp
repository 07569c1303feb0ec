// How much attention passes between groups of tokens.
#pragma once

#include <optional>

#include "analysis/matrix.hpp"
#include "analysis/token_labels.hpp"

namespace volley {

enum class RowUse : std::uint8_t {
  raw,        // sums of the map: a row counts by its sum
  normalised  // each row over its sum; rows of zeros are skipped
};

// Flow in one map A, rows are queries; a, b are groups. Tokens left out are no rows and no columns.
//   sums_ab = sum of A_ij over i in a, j in b
//   outward_a = sum_{b != a} sums_ab / sum_b sums_ab             nothing when the rows of a are all zero
//   direction = mean of outward_a                                nothing when one of them is
//   share = sum_{a != b} sums_ab / sum_ab sums_ab                nothing when the map is zero
// Under uniform attention outward_a is 1 - |a| / n, direction 1 - 1 / G and share 1 - sum |a|^2 / n^2, for G
// groups and n tokens: the chance of each.
// Our definitions: the formula of the metric of Xue et al., NeurIPS 2021, was not published with the paper's
// abstract and could not be had.
struct Flow {
  Matrix sums;  // [G G]
  std::vector<std::optional<double>> outward;
  std::optional<double> direction;
  std::optional<double> share;
  Index rows = 0;
  Index zero_rows = 0;
};
// Throws Error (model) when the map isn't square, holds a negative number or one that isn't finite, or has
// other than one label a token; (usage) for an empty group or fewer than two groups.
Flow flow_between(const Matrix& map, const TokenLabels& labels, RowUse rows);

struct FlowChance {
  std::vector<double> outward;
  double direction = 0;
  double share = 0;
};
FlowChance chance_of(const TokenLabels& labels);

// R_l = (A_l + I) R_{l-1} / 2, R_0 = I: what each layer has gathered from each token of the first. A_l is the
// map of a layer with each row over its sum; a row of zeros is that of I.
// Source: Abnar and Zuidema, Quantifying attention flow in transformers, ACL 2020.
class Rollout {
 public:
  // Throws Error as flow_between for the map, (model) when it has another size than the one before.
  void add(const Matrix& map);
  const Matrix& gathered() const { return gathered_; }  // R of the layers so far
  // Of each group, the mean over its rows of what came from tokens of other groups; tokens left out were
  // passed through, but are not counted. Throws Error as flow_between for the labels.
  std::vector<double> outward(const TokenLabels& labels) const;

 private:
  Matrix gathered_;
};

}  // namespace volley
