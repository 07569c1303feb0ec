// Selective attention as plain loops that count what they do.
#pragma once

#include "tests/reference/attention_ref.hpp"

namespace volley::test {

struct SelectionSettings {
  std::string rule = "top";
  float threshold = 0, scale = 0;
  Index group = 0;  // 0: one group
  bool of_spikes = true;

  bool lets(Index n, Index m) const { return group == 0 || n / group == m / group; }
};

// q k^T of the keys that a query sees; -infinity at the others.
template <class Tally>
std::vector<float> selection_scores(const AttentionNumbers& in, const SelectionSettings& settings, Index tb,
                                    Index h, Index n, Tally& tally) {
  std::vector<float> row(static_cast<std::size_t>(in.keys), -INFINITY);
  for (Index m = 0; m < in.keys; ++m) {
    float sum = 0;
    for (Index c = 0; c < in.width && settings.lets(n, m); ++c) {
      const float q = in.q[in.query(tb, n, h, c)];
      const float k = in.k[in.key(tb, m, h, c)];
      if (settings.of_spikes) {
        for_each_event(q, [&](double sign) {
          tally.count(&Cost::ac);
          sum += static_cast<float>(sign) * k;
        });
      } else {
        tally.count(&Cost::mac);
        sum += q * k;
      }
    }
    if (settings.lets(n, m)) {
      row[static_cast<std::size_t>(m)] = sum;
    }
  }
  return row;
}

// The keys whose values are added, by their row of scores.
template <class Tally>
std::vector<Index> taken_keys(const std::vector<float>& row, const SelectionSettings& settings,
                              Tally& tally) {
  float least = settings.threshold;
  if (settings.rule == "top") {
    least = -INFINITY;
    for (const float x : row) {
      tally.count(&Cost::compare, x == -INFINITY ? 0 : 1);
      least = x > least ? x : least;
    }
  }
  std::vector<Index> taken;
  for (std::size_t m = 0; m < row.size(); ++m) {
    if (row[m] == -INFINITY) {
      continue;
    }
    tally.count(&Cost::compare, settings.rule == "constant" ? 0 : 1);
    if (settings.rule == "constant" || row[m] >= least) {
      taken.push_back(static_cast<Index>(m));
    }
  }
  return taken;
}

template <class Tally>
AttentionResult selection_reference(const AttentionNumbers& in, const SelectionSettings& settings,
                                    Tally& tally) {
  AttentionResult result = empty_result(in);
  const bool is_constant = settings.rule == "constant";
  const float scale = settings.scale != 0 ? settings.scale : 1.0f / static_cast<float>(in.width);
  for_each_head(in, [&](Index tb, Index h) {
    for (Index n = 0; n < in.queries; ++n) {
      const auto row = selection_scores(in, settings, tb, h, n, tally);
      const auto taken = taken_keys(row, settings, tally);
      const float count = taken.empty() ? 1.0f : static_cast<float>(taken.size());
      for (const Index m : taken) {
        result.score[in.pair(tb, h, n, m)] =
            is_constant ? scale * row[static_cast<std::size_t>(m)] : 1.0f / count;
      }
      for (Index c = 0; c < in.width; ++c) {
        float sum = 0;
        for (const Index m : taken) {
          tally.count(is_constant ? &Cost::mac : &Cost::ac);
          const float v = in.v[in.key(tb, m, h, c)];
          sum += is_constant ? result.score[in.pair(tb, h, n, m)] * v : v;
        }
        tally.count(&Cost::special, is_constant ? 0 : 1);
        result.out[in.query(tb, n, h, c)] = is_constant ? sum : sum / count;
      }
    }
  });
  return result;
}

}  // namespace volley::test
