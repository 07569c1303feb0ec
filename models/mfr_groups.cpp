// Groups of image tokens: a seed and what it attends to most.
#include "models/mfr_groups.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "sim/base/check.hpp"

namespace volley {
namespace {

std::size_t at(Index i) {
  return static_cast<std::size_t>(i);
}

// The k - 1 tokens beside the seed that come first by weight, then by index.
std::vector<Index> companions(std::span<const float> row, Index seed, Index k) {
  std::vector<Index> others(row.size());
  std::iota(others.begin(), others.end(), Index{0});
  others.erase(others.begin() + seed);
  std::stable_sort(others.begin(), others.end(), [&](Index a, Index b) { return row[at(a)] > row[at(b)]; });
  others.resize(at(k - 1));
  return others;
}

}  // namespace

Tensor head_mean(const Tensor& score) {
  const Shape& shape = score.shape();
  const std::vector<Axis> wanted{Axis::T, Axis::B, Axis::H, Axis::N, Axis::M};
  const bool has_axes = std::equal(wanted.begin(), wanted.end(), shape.extents.begin(), shape.extents.end(),
                                   [](Axis axis, const Extent& extent) { return axis == extent.axis; });
  const bool has_numbers = score.dtype() == Dtype::f32 || score.dtype() == Dtype::i32;
  VOLLEY_CHECK(has_axes && has_numbers, Fault::model, "score is {} {}, wanted f32 or i32 [T B H N M]",
               name(score.dtype()), text(shape));
  const Index map = shape[Axis::N] * shape[Axis::M];
  const Index samples = shape[Axis::B];
  const Index heads = shape[Axis::H];
  std::vector<double> sums(at(samples * map));
  const auto add_all = [&](const auto& numbers) {
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const Index sample = static_cast<Index>(i) / (map * heads) % samples;
      sums[at(sample * map + static_cast<Index>(i) % map)] += static_cast<double>(numbers[i]);
    }
  };
  if (score.dtype() == Dtype::i32) {
    add_all(score.as<std::int32_t>());
  } else {
    add_all(score.as<float>());
  }
  Tensor mean(Dtype::f32, {{Axis::T, 1}, {Axis::B, samples}, shape.extents[3], shape.extents[4]});
  const auto count = static_cast<double>(shape[Axis::T] * heads);
  std::transform(sums.begin(), sums.end(), mean.as_mutable<float>().begin(),
                 [&](double sum) { return static_cast<float>(sum / count); });
  return mean;
}

std::vector<bool> mfr_group(std::span<const float> attention, Index tokens, std::span<const Index> seeds,
                            Index k) {
  VOLLEY_CHECK(tokens >= 1 && attention.size() == at(tokens * tokens), Fault::model,
               "attention has {} numbers, wanted {} by {}", attention.size(), tokens, tokens);
  VOLLEY_CHECK(k >= 1 && k <= tokens, Fault::model, "k is {}, wanted 1 to {} tokens", k, tokens);
  std::vector<bool> hidden(at(tokens));
  for (const Index seed : seeds) {
    VOLLEY_CHECK(seed >= 0 && seed < tokens, Fault::model, "seed is {}, wanted 0 to {}", seed, tokens - 1);
    const auto row = attention.subspan(at(seed * tokens), at(tokens));
    VOLLEY_CHECK(std::none_of(row.begin(), row.end(), [](float weight) { return std::isnan(weight); }),
                 Fault::model, "row {} of attention holds a NaN", seed);
    hidden[at(seed)] = true;
    for (const Index other : companions(row, seed, k)) {
      hidden[at(other)] = true;
    }
  }
  return hidden;
}

}  // namespace volley
