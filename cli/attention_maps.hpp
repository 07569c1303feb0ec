// Attention maps from an .npz file, one a head.
#pragma once

#include <string>
#include <vector>

#include "analysis/correlation.hpp"

namespace volley::cli {

struct AttentionMaps {
  std::string array;
  std::vector<Index> sizes;         // of the array in the file
  std::vector<SquareMatrix> heads;  // of one sample, mean over T; one when the array has no heads
};

// array: a name; empty when the file holds one array. Sizes [N N], [H N N], [S H N N] or [T S H N N].
// Throws Error (model) for other sizes, (usage) for a sample that isn't there.
AttentionMaps read_attention_maps(const std::string& path, const std::string& array, Index sample);

}  // namespace volley::cli
