// Circulant attention with the whole matrix written out, counting what it does.
#pragma once

#include "tests/reference/attention_ref.hpp"

namespace volley::test {

// Inputs as numbers: z [T B N H], v [T B N C], row-major.
struct CatNumbers {
  Index samples, heads, tokens, width;  // samples: of all steps
  std::vector<float> z, v;
  bool v_is_spikes = false;

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

// A of one head: "corr", "conv" or "rel". Entries that a causal row must not see are not in it.
template <class Tally>
Rows cat_matrix(const CatNumbers& in, Index s, Index h, const std::string& which, Tally& tally) {
  std::vector<float> z;
  Rows causal;
  for (Index n = 0; n < in.tokens; ++n) {
    z.push_back(in.logit(s, n, h));
    if (which == "rel") {
      const auto prefix = softmax_of(z, tally);
      causal.emplace_back(prefix.rbegin(), prefix.rend());
    }
  }
  if (which == "rel") {
    return causal;
  }
  const Rows rows = rolled_right(softmax_of(z, tally));
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
        result.weights[static_cast<std::size_t>((s * in.tokens + n) * in.heads + h)] =
            which == "corr" ? rows[0][i] : rows[i][0];
        for (Index c = 0; c < in.width; ++c) {
          float sum = 0;
          for (std::size_t j = 0; j < rows[i].size(); ++j) {
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
