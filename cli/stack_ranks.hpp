// Ranks of stacks of attention over several draws, and what is asked of them.
#pragma once

#include <string>
#include <vector>

#include "analysis/separation_rank.hpp"
#include "cli/command.hpp"

namespace volley::cli {

inline constexpr const char* exact_mechanism = "exact";  // linear, over the prime field

struct RankOptions {
  std::string model;
  std::vector<std::string> mechanisms{exact_mechanism, "linear", "softmax", "binary", "bipolar"};
  std::vector<Index> depths{1, 2, 3};
  std::vector<Index> widths{4};
  Index tokens = 2;
  Index heads = 1;
  Index draws = 20;
  Index templates = 0;
  TemplateKind kind = TemplateKind::any;
  Index steps = 1;
  double tolerance = 1e-5;
  Index most_entries = Index{1} << 20;
  Index seed = 0;
  std::string picture;
  Format format = Format::table;
};

struct Series {
  std::vector<double> numbers;

  double mean() const;
  double deviation() const;  // standard, 0 of one number
};

// What all draws of one network gave.
struct Findings {
  Grid grid;
  Index most = 0;  // rank that the grid lets through
  Series rank, effective;
  Index saturated = 0;
  Index silent = 0;  // draws that gave nothing but zeros
};

// Templates of the exact rank, where --templates does not say.
Index exact_templates(const RankOptions& options, const StackShape& shape);

// One network: mechanism and shape, with several draws of weights and templates.
Findings find_exact(const RankOptions& options, const StackShape& shape);
Findings find_numerical(const Runtime& runtime, const RankOptions& options, const StackShape& shape,
                        const std::string& mechanism);
// A model as it is, with several draws of templates. Throws Error (usage) when it doesn't read two or more
// tokens.
struct ModelFindings {
  Index width = 0;
  Findings found;
};
ModelFindings find_of_model(const Runtime& runtime, const RankOptions& options);

}  // namespace volley::cli
