// Draws weights and templates, fills the grid, counts singular values.
#include "cli/stack_ranks.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "analysis/spectrum.hpp"
#include "models/families/attention_stack.hpp"
#include "models/template_run.hpp"
#include "sim/base/check.hpp"
#include "sim/base/rng.hpp"

namespace volley::cli {
namespace {

constexpr Index exact_draws = 2;   // of almost all weights the rank is the same
constexpr Index exact_side = 128;  // of the grid, where no closed form says more
constexpr Index numerical_side = 144;
constexpr Index samples_at_once = 16384;

Index side_to_templates(Index side, Index tokens) {
  const double root = 2.0 / static_cast<double>(tokens + tokens % 2);
  return std::max<Index>(2, static_cast<Index>(std::pow(static_cast<double>(side), root) + 1e-9));
}

Index numerical_templates(const RankOptions& options, Index tokens, Index width) {
  if (options.kind != TemplateKind::any) {
    return all_templates(width);
  }
  return options.templates > 0 ? options.templates : side_to_templates(numerical_side, tokens);
}

// [M d]: normal numbers of variance 1, or all spike vectors.
std::vector<float> numerical_vectors(TemplateKind kind, Index count, Index width, std::uint64_t seed) {
  constexpr std::uint32_t stream = 0x7e3a91u;  // apart from the weights
  std::vector<float> vectors;
  for (Index i = 0; i < count * width; ++i) {
    if (kind == TemplateKind::any) {
      const auto at = static_cast<std::uint64_t>(i);
      const double u = 1.0 - double{random_uniform(seed, stream, 0, at)};
      const double v = double{random_uniform(seed, stream, 1, at)};
      vectors.push_back(
          static_cast<float>(std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v)));
      continue;
    }
    const bool is_on = ((i / width) >> (width - 1 - i % width) & 1) == 1;
    vectors.push_back(is_on ? 1.0f : kind == TemplateKind::binary ? 0.0f : -1.0f);
  }
  return vectors;
}

Matrix grid_matrix(const Runtime& runtime, const Model& model, const Grid& grid,
                   const std::vector<float>& vectors, Index width, Index steps) {
  Matrix matrix = zero_matrix(grid.rows, grid.columns);
  std::vector<Index> chosen(static_cast<std::size_t>(grid.tokens));
  for (Index first = 0; first < grid.entries(); first += samples_at_once) {
    const Index samples = std::min(samples_at_once, grid.entries() - first);
    std::vector<float> tokens;
    tokens.reserve(static_cast<std::size_t>(samples * grid.tokens * width));
    for (Index entry = first; entry < first + samples; ++entry) {
      grid.choice(entry / grid.columns, entry % grid.columns, chosen);
      for (const Index one : chosen) {
        tokens.insert(tokens.end(), vectors.begin() + one * width, vectors.begin() + (one + 1) * width);
      }
    }
    const auto numbers = run_on_tokens(runtime, model, tokens, samples, steps);
    std::ranges::copy(numbers, matrix.numbers.begin() + first);
  }
  return matrix;
}

void add_spectrum(Findings& found, const Matrix& matrix, double tolerance) {
  if (is_zero(matrix)) {
    ++found.silent;
    found.rank.numbers.push_back(0);
    found.effective.numbers.push_back(0);
    return;
  }
  const Spectrum one = spectrum(matrix, tolerance);
  found.rank.numbers.push_back(static_cast<double>(one.rank));
  found.effective.numbers.push_back(one.effective_rank);
  found.saturated += one.rank == found.most ? 1 : 0;
}

}  // namespace

double Series::mean() const {
  return std::accumulate(numbers.begin(), numbers.end(), 0.0) / static_cast<double>(numbers.size());
}

double Series::deviation() const {
  double squares = 0;
  for (const double number : numbers) {
    squares += (number - mean()) * (number - mean());
  }
  return numbers.size() < 2 ? 0 : std::sqrt(squares / static_cast<double>(numbers.size() - 1));
}

Index exact_templates(const RankOptions& options, const StackShape& shape) {
  if (options.templates > 0) {
    return options.templates;
  }
  const auto wanted = closed_form_rank(shape.width, shape.depth);
  if (shape.tokens == 2 && wanted) {
    const auto most = static_cast<Index>(std::sqrt(static_cast<double>(options.most_entries)));
    return std::max<Index>(2, std::min(*wanted + 5, most));
  }
  return side_to_templates(exact_side, shape.tokens);
}

Findings find_exact(const RankOptions& options, const StackShape& shape) {
  Findings found;
  for (Index draw = 0; draw < std::min(options.draws, exact_draws); ++draw) {
    const ExactRank one = exact_rank(shape, options.kind, exact_templates(options, shape),
                                     options.most_entries, static_cast<std::uint64_t>(options.seed + draw));
    found.grid = one.grid;
    found.most = one.grid.exchangeable_side();
    found.rank.numbers.push_back(static_cast<double>(one.rank));
    found.saturated += one.saturated() ? 1 : 0;
  }
  return found;
}

Findings find_numerical(const Runtime& runtime, const RankOptions& options, const StackShape& shape,
                        const std::string& mechanism) {
  Findings found;
  const Index templates = numerical_templates(options, shape.tokens, shape.width);
  found.grid = make_grid(shape.tokens, templates, options.most_entries);
  found.most = found.grid.exchangeable_side();
  AttentionStackOptions stack{shape.tokens, shape.width, shape.heads, shape.depth, {}, 0, Draw::numbers};
  const auto place = std::ranges::find(stack_mechanisms, mechanism) - std::begin(stack_mechanisms);
  stack.mechanism = static_cast<StackMechanism>(place);
  for (Index draw = 0; draw < options.draws; ++draw) {
    stack.seed = static_cast<std::uint64_t>(options.seed + draw);
    const Model model = make_model(runtime, build_attention_stack(stack));
    const auto vectors = numerical_vectors(options.kind, templates, shape.width, stack.seed);
    add_spectrum(found, grid_matrix(runtime, model, found.grid, vectors, shape.width, options.steps),
                 options.tolerance);
  }
  return found;
}

ModelFindings find_of_model(const Runtime& runtime, const RankOptions& options) {
  const Model model = load_model(runtime, options.model);
  const TokenInput input = token_input(model);
  VOLLEY_CHECK(input.tokens >= 2, Fault::usage, "'{}' reads {} tokens, wanted 2 or more", options.model,
               input.tokens);
  Findings found;
  const Index templates = numerical_templates(options, input.tokens, input.width);
  found.grid = make_grid(input.tokens, templates, options.most_entries);
  found.most = found.grid.side();
  for (Index draw = 0; draw < options.draws; ++draw) {
    const auto vectors = numerical_vectors(options.kind, templates, input.width,
                                           static_cast<std::uint64_t>(options.seed + draw));
    add_spectrum(found, grid_matrix(runtime, model, found.grid, vectors, input.width, options.steps),
                 options.tolerance);
  }
  return {input.width, std::move(found)};
}

}  // namespace volley::cli
