// Spearman's rank correlation; equal numbers share their mean rank.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "sim/base/device_fn.hpp"

namespace volley {

// 1 for the least; equal numbers have the mean of their ranks.
std::vector<double> ranks(std::span<const double> numbers);

// Pearson's correlation of the ranks; nothing when all numbers of one side are equal. Throws Error (model)
// when the two are not as many, or a number is not finite; (usage) for fewer than two.
std::optional<double> rank_correlation(std::span<const double> a, std::span<const double> b);

}  // namespace volley
