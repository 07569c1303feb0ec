// Circulant attention with the whole matrix written out, counting what it does.
#pragma once

#include <algorithm>

#include "tests/reference/attention_ref.hpp"

namespace volley::test {

// Inputs as numbers: z [T B N H], v [T B N C], row-major.
struct CatNumbers {
  Index samples, heads, tokens, width;  // samples: of all steps
  std::vector<float> z, v;
  bool v_is_spikes = false;
  std::vector<float> key_mask = {};  // [T B N], or none

  bool keeps(Index s, Index n) const {
    return key_mask.empty() || key_mask[static_cast<std::size_t>(s * tokens + n)] != 0;
  }

  float logit(Index s, Index n, Index h) const {
    return z[static_cast<std::size_t>((s * tokens + n) * heads + h)];
  }
  std::size_t channel(Index s, Index n, Index h, Index c) const {
    return static_cast<std::size_t>(((s * tokens + n) * heads + h) * width + c);
  }
};

using Rows = std::vector<std::vector<float>>;

// w as the first row, each row the one before rolled right by one.
inline Rows rolled_right(const std::vector<float>& first_row) {
  Rows rows{first_row};
  while (rows.size() < first_row.size()) {
    std::vector<float> next{rows.back().back()};
    next.insert(next.end(), rows.back().begin(), rows.back().end() - 1);
    rows.push_back(next);
  }
  return rows;
}

inline Rows transposed(const Rows& rows) {
  Rows out(rows.size(), std::vector<float>(rows.size(), 0.0f));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = 0; j < rows.size(); ++j) {
      out[j][i] = rows[i][j];
    }
  }
  return out;
}

// What stands for a pair whose logit is masked: it weights nothing and costs nothing.
constexpr float not_kept = -1;

// softmax of the kept ones among the first `count` logits; not_kept elsewhere.
template <class Tally>
std::vector<float> kept_softmax(const CatNumbers& in, Index s, Index h, Index count, Tally& tally) {
  std::vector<float> kept;
  for (Index n = 0; n < count; ++n) {
    if (in.keeps(s, n)) {
      kept.push_back(in.logit(s, n, h));
    }
  }
  std::vector<float> w;
  std::size_t next = 0;
  const auto weights = kept.empty() ? kept : softmax_of(kept, tally);
  for (Index n = 0; n < count; ++n) {
    w.push_back(in.keeps(s, n) ? weights[next++] : not_kept);
  }
  return w;
}

// A of one head: "corr", "conv", "rel" or "abs". Entries that a causal row must not see are not in it.
template <class Tally>
Rows cat_matrix(const CatNumbers& in, Index s, Index h, const std::string& which, Tally& tally) {
  if (which == "rel" || which == "abs") {
    Rows causal;
    for (Index n = 0; n < in.tokens; ++n) {
      const auto prefix = kept_softmax(in, s, h, n + 1, tally);
      causal.push_back(prefix);
      if (which == "rel") {
        std::reverse(causal.back().begin(), causal.back().end());
      }
    }
    return causal;
  }
  const Rows rows = rolled_right(kept_softmax(in, s, h, in.tokens, tally));
  return which == "corr" ? rows : transposed(rows);
}

struct CatResult {
  std::vector<float> out, weights;
};

template <class Tally>
CatResult cat_reference(const CatNumbers& in, const std::string& which, Tally& tally) {
  CatResult result{std::vector<float>(in.v.size(), 0.0f), std::vector<float>(in.z.size(), 0.0f)};
  for (Index s = 0; s < in.samples; ++s) {
    for (Index h = 0; h < in.heads; ++h) {
      const Rows rows = cat_matrix(in, s, h, which, tally);
      for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto n = static_cast<Index>(i);
        const float newest = which == "corr" ? rows[0][i] : which == "abs" ? rows[i][i] : rows[i][0];
        result.weights[static_cast<std::size_t>((s * in.tokens + n) * in.heads + h)] = std::max(newest, 0.0f);
        for (Index c = 0; c < in.width; ++c) {
          float sum = 0;
          for (std::size_t j = 0; j < rows[i].size(); ++j) {
            if (rows[i][j] == not_kept) {
              continue;
            }
            const float value = in.v[in.channel(s, static_cast<Index>(j), h, c)];
            if (in.v_is_spikes) {
              tally.count(&Cost::ac, static_cast<Index>(std::abs(value)));
            } else {
              tally.count(&Cost::mac);
            }
            sum += rows[i][j] * value;
          }
          result.out[in.channel(s, n, h, c)] = sum;
        }
      }
    }
  }
  return result;
}

// Logits of queries [S N C] with the mean of keys [S M C].
template <class Tally>
std::vector<float> cat_logits_reference(const AttentionNumbers& in, float scale, Tally& tally) {
  std::vector<float> logits;
  for (Index tb = 0; tb < in.steps * in.samples; ++tb) {
    std::vector<float> mean;
    for (Index c = 0; c < in.heads * in.width; ++c) {
      float sum = 0;
      for (Index m = 0; m < in.keys; ++m) {
        tally.count(&Cost::add);
        sum += in.k[in.key(tb, m, 0, c)];
      }
      tally.count(&Cost::special);
      mean.push_back(sum / static_cast<float>(in.keys));
    }
    for (Index n = 0; n < in.queries; ++n) {
      for (Index h = 0; h < in.heads; ++h) {
        float sum = 0;
        for (Index c = 0; c < in.width; ++c) {
          tally.count(&Cost::mac);
          sum += in.q[in.query(tb, n, h, c)] * mean[static_cast<std::size_t>(h * in.width + c)];
        }
        logits.push_back(sum * scale);
      }
    }
  }
  return logits;
}

}  // namespace volley::test
