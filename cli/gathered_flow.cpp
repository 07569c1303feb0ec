// Means of flow over samples.
#include "cli/gathered_flow.hpp"

#include <cmath>

#include "sim/base/check.hpp"

namespace volley::cli {

void Spread::add(std::optional<double> number) {
  if (number) {
    plain.add(*number);
    squares.add(*number * *number);
  }
}

double Spread::deviation() const {
  const double n = static_cast<double>(plain.count);
  const double mean = plain.mean().value_or(0);
  return n > 1 ? std::sqrt(std::max(0.0, (squares.sum / n - mean * mean) * n / (n - 1))) : 0;
}

std::string_view word(RowUse rows) {
  return rows == RowUse::raw ? "raw" : "normalised";
}

void GatheredFlow::add(const Flow& flow) {
  outward.resize(flow.outward.size());
  for (std::size_t g = 0; g < outward.size(); ++g) {
    outward[g].add(flow.outward[g]);
  }
  if (sums.rows == 0) {
    sums = zero_matrix(flow.sums.rows, flow.sums.columns);
  }
  for (std::size_t i = 0; i < sums.numbers.size(); ++i) {
    sums.numbers[i] += flow.sums.numbers[i];
  }
  direction.add(flow.direction);
  share.add(flow.share);
  rows += flow.rows;
  zero_rows += flow.zero_rows;
  ++samples;
  of_sample.push_back(flow.direction.value_or(std::nan("")));
}

std::vector<std::vector<GatheredFlow>> gather_flow(const std::vector<LayerMatrices>& layers,
                                                   const std::vector<FlowView>& views) {
  std::vector<std::vector<GatheredFlow>> all(layers.size(), std::vector<GatheredFlow>(views.size()));
  const Index samples = layers.front().maps.samples;
  for (Index sample = 0; sample < samples; ++sample) {
    std::vector<Rollout> rollouts(views.size());
    for (std::size_t l = 0; l < layers.size(); ++l) {
      const LayerMaps& maps = layers[l].maps;
      VOLLEY_CHECK(maps.samples == samples, Fault::model, "'{}' has {} samples, '{}' has {}", maps.name,
                   maps.samples, layers.front().maps.name, samples);
      const Matrix map = head_mean(maps, sample);
      try {
        for (std::size_t v = 0; v < views.size(); ++v) {
          GatheredFlow& found = all[l][v];
          found.add(flow_between(map, views[v].labels, views[v].rows));
          if (views[v].rows == RowUse::normalised) {
            rollouts[v].add(map);
            const auto outward = rollouts[v].outward(views[v].labels);
            found.rollout.resize(outward.size());
            for (std::size_t g = 0; g < outward.size(); ++g) {
              found.rollout[g].add(outward[g]);
            }
          }
        }
      } catch (const Error& error) {
        throw Error(error.fault(), fmt::format("'{}': {}", maps.name, error.what()));
      }
    }
  }
  return all;
}

}  // namespace volley::cli
