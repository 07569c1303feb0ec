// Random numbers by counter: the same models on every machine.
#include "analysis/planted.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "sim/base/check.hpp"
#include "sim/base/rng.hpp"

namespace volley {
namespace {

enum Stream : std::uint32_t { order_stream, edge_stream, weight_stream, sign_stream, spike_stream };

std::vector<Index> random_order(Index nodes, std::uint64_t seed) {
  std::vector<Index> order(static_cast<std::size_t>(nodes));
  std::iota(order.begin(), order.end(), Index{0});
  for (Index i = nodes - 1; i > 0; --i) {
    const std::uint32_t bits = random_bits(seed, order_stream, 0, static_cast<std::uint64_t>(i));
    std::swap(order[i], order[static_cast<Index>(bits) % (i + 1)]);
  }
  return order;
}

}  // namespace

Planted plant(const PlantSettings& settings) {
  const Index n = settings.nodes;
  VOLLEY_CHECK(n >= 2, Fault::usage, "a planted model has {} nodes, wanted 2 or more", n);
  VOLLEY_CHECK(settings.degree >= 0 && settings.degree <= static_cast<double>(n - 1), Fault::usage,
               "the degree is {}, wanted 0 to {}", settings.degree, n - 1);
  VOLLEY_CHECK(settings.least > 0 && settings.greatest >= settings.least, Fault::usage,
               "weights are {} to {}, wanted numbers above 0", settings.least, settings.greatest);
  const double chance = settings.degree / static_cast<double>(n - 1);
  const std::vector<Index> order = random_order(n, settings.seed);
  Planted out{MixedGraph(n), {n, std::vector<double>(static_cast<std::size_t>(n * n))}};
  for (Index late = 0; late < n; ++late) {  // causes come earlier in the order
    const Index child = order[late];
    out.effects(child, child) = 1;
    for (Index early = 0; early < late; ++early) {
      const auto pair = static_cast<std::uint64_t>(late * n + early);
      if (random_uniform(settings.seed, edge_stream, 0, pair) >= static_cast<float>(chance)) {
        continue;
      }
      const Index parent = order[early];
      out.dag.add(parent, child, Mark::tail, Mark::head);
      const double size = settings.least + (settings.greatest - settings.least) *
                                               random_uniform(settings.seed, weight_stream, 0, pair);
      const bool minus = !settings.positive && random_uniform(settings.seed, sign_stream, 0, pair) < 0.5f;
      for (Index source = 0; source < n; ++source) {
        out.effects(child, source) += (minus ? -size : size) * out.effects(parent, source);
      }
    }
  }
  return out;
}

SquareMatrix rate_coded(const SquareMatrix& map, const RateCode& code) {
  VOLLEY_CHECK(code.steps >= 1, Fault::usage, "T is {}, wanted 1 or more", code.steps);
  VOLLEY_CHECK(code.background >= 0, Fault::usage, "the background is {}, wanted 0 or more", code.background);
  double greatest = 0;
  for (const double number : map.numbers) {
    VOLLEY_CHECK(code.background == 0 || number >= 0, Fault::usage,
                 "a background is for maps without negative numbers");
    greatest = std::max(greatest, std::abs(number));
  }
  SquareMatrix out{map.size, std::vector<double>(map.numbers.size())};
  for (std::size_t i = 0; i < map.numbers.size() && greatest > 0; ++i) {
    const double rate = (std::abs(map.numbers[i]) / greatest + code.background) / (1 + code.background);
    Index count = 0;
    for (Index step = 0; step < code.steps; ++step) {
      count += random_uniform(code.seed, spike_stream, static_cast<std::uint32_t>(step), i) < rate ? 1 : 0;
    }
    out.numbers[i] =
        std::copysign(static_cast<double>(count) / static_cast<double>(code.steps), map.numbers[i]);
  }
  return out;
}

}  // namespace volley
