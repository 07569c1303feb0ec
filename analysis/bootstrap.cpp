// Draws of steps with replacement.
#include "analysis/bootstrap.hpp"

#include "sim/base/check.hpp"
#include "sim/base/rng.hpp"

namespace volley {
namespace {

SquareMatrix mean_of_draw(std::span<const SquareMatrix> steps, std::uint64_t seed, Index draw) {
  const auto count = static_cast<Index>(steps.size());
  SquareMatrix mean{steps.front().size, std::vector<double>(steps.front().numbers.size())};
  for (Index i = 0; i < count; ++i) {
    const std::uint32_t bits =
        random_bits(seed, 0, static_cast<std::uint32_t>(draw), static_cast<std::uint64_t>(i));
    const SquareMatrix& step = steps[static_cast<Index>(bits) % count];
    for (std::size_t place = 0; place < mean.numbers.size(); ++place) {
      mean.numbers[place] += step.numbers[place] / static_cast<double>(count);
    }
  }
  return mean;
}

}  // namespace

std::vector<EdgeShare> edge_shares(std::span<const SquareMatrix> steps, const MixedGraph& graph, Index draws,
                                   std::uint64_t seed,
                                   const std::function<MixedGraph(const SquareMatrix&)>& learn) {
  VOLLEY_CHECK(steps.size() >= 2, Fault::usage,
               "a bootstrap over steps needs maps of 2 or more steps, there are {}", steps.size());
  VOLLEY_CHECK(draws >= 1, Fault::usage, "the bootstrap has {} draws, wanted 1 or more", draws);
  const Index n = graph.size();
  SquareMatrix joined{n, std::vector<double>(static_cast<std::size_t>(n * n))};
  SquareMatrix same = joined;
  for (Index draw = 0; draw < draws; ++draw) {
    const MixedGraph found = learn(mean_of_draw(steps, seed, draw));
    VOLLEY_ASSERT(found.size() == n);
    for (Index a = 0; a < n; ++a) {
      for (const Index b : found.neighbours(a)) {
        joined(a, b) += 1;
        same(a, b) += found.at(a, b) == graph.at(a, b) && found.at(b, a) == graph.at(b, a) ? 1 : 0;
      }
    }
  }
  std::vector<EdgeShare> shares;
  for (Index a = 0; a < n; ++a) {
    for (Index b = a + 1; b < n; ++b) {
      if (graph.adjacent(a, b) || joined(a, b) > 0) {
        const auto all = static_cast<double>(draws);
        shares.push_back({a, b, joined(a, b) / all, same(a, b) / all});
      }
    }
  }
  return shares;
}

}  // namespace volley
