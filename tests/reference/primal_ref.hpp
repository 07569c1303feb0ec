// Primal attention as plain loops that count what they do.
#pragma once

#include <algorithm>

#include "tests/reference/attention_ref.hpp"

namespace volley::test {

// q, k and x (empty: causal) are [S N H d], we and wr [H n s], lambda [H s], wc [d 2s], bc [d].
struct PrimalNumbers {
  Index samples, tokens, heads, width, rows, rank;
  std::vector<float> q, k, x, we, wr, lambda, wc, bc;
  std::vector<Index> indices;  // n of them
  std::vector<float> mask;     // [S N], empty: none
  bool trace_of_data = false;

  bool is_causal() const { return x.empty(); }
  std::size_t token(Index s, Index n, Index h, Index c) const {
    return static_cast<std::size_t>(((s * tokens + n) * heads + h) * width + c);
  }
  std::size_t score(Index s, Index n, Index h, Index a) const {
    return static_cast<std::size_t>(((s * tokens + n) * heads + h) * rank + a);
  }
  std::size_t weight(Index h, Index row, Index a) const {
    return static_cast<std::size_t>((h * rows + row) * rank + a);
  }
};
struct PrimalResult {
  std::vector<float> out, e, r;
  std::vector<double> objective;
};

// The feature of token n, once for each token: nothing is carried from one to the next but the count.
template <class Tally>
std::vector<float> primal_feature(const PrimalNumbers& in, const std::vector<float>& from, Index s, Index n,
                                  Index h, Tally& tally) {
  std::vector<float> phi;
  float squares = 0;
  for (Index c = 0; c < in.width; ++c) {
    float value = from[in.token(s, n, h, c)];
    if (in.is_causal()) {
      value = 0;
      for (Index j = 0; j <= n; ++j) {
        value += from[in.token(s, j, h, c)];
      }
      tally.count(&Cost::add);  // a running sum needs one
      tally.count(&Cost::special);
      value /= static_cast<float>(n + 1);
    }
    tally.count(&Cost::mac);
    squares += value * value;
    phi.push_back(value);
  }
  tally.count(&Cost::special);
  tally.count(&Cost::compare);
  const float length = std::max(std::sqrt(squares), 1e-12f);
  for (float& value : phi) {
    tally.count(&Cost::special);
    value /= length;
  }
  return phi;
}

// W_e|X or W_r|X of one head, [d s].
template <class Tally>
std::vector<float> primal_projection(const PrimalNumbers& in, const std::vector<float>& weight, Index s,
                                     Index h, Tally& tally) {
  std::vector<float> out;
  for (Index c = 0; c < in.width; ++c) {
    for (Index a = 0; a < in.rank; ++a) {
      float sum = 0;
      for (Index row = 0; !in.is_causal() && row < in.rows; ++row) {
        tally.count(&Cost::mac);
        sum +=
            in.x[in.token(s, in.indices[static_cast<std::size_t>(row)], h, c)] * weight[in.weight(h, row, a)];
      }
      out.push_back(in.is_causal() ? weight[in.weight(h, c, a)] : sum);
    }
  }
  return out;
}

template <class Tally>
std::vector<float> primal_score(const PrimalNumbers& in, const std::vector<float>& phi,
                                const std::vector<float>& projection, Tally& tally) {
  std::vector<float> out;
  for (Index a = 0; a < in.rank; ++a) {
    float sum = 0;
    for (Index c = 0; c < in.width; ++c) {
      tally.count(&Cost::mac);
      sum += phi[static_cast<std::size_t>(c)] * projection[static_cast<std::size_t>(c * in.rank + a)];
    }
    out.push_back(sum);
  }
  return out;
}

inline double trace_of(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  }
  return sum;
}

template <class Tally>
PrimalResult primal_reference(const PrimalNumbers& in, Tally& tally) {
  PrimalResult result;
  result.out.resize(in.q.size());
  result.e.resize(static_cast<std::size_t>(in.samples * in.tokens * in.heads * in.rank));
  result.r = result.e;
  for (Index s = 0; s < in.samples; ++s) {
    double squares = 0;
    double trace = in.trace_of_data ? 0 : trace_of(in.we, in.wr);
    for (Index h = 0; h < in.heads; ++h) {
      const auto project_e = primal_projection(in, in.we, s, h, tally);
      const auto project_r = primal_projection(in, in.wr, s, h, tally);
      trace += in.trace_of_data ? trace_of(project_e, project_r) : 0;
      for (Index n = 0; n < in.tokens; ++n) {
        auto both = primal_score(in, primal_feature(in, in.q, s, n, h, tally), project_e, tally);
        const auto r = primal_score(in, primal_feature(in, in.k, s, n, h, tally), project_r, tally);
        for (Index a = 0; a < in.rank; ++a) {
          const auto lambda = static_cast<double>(in.lambda[static_cast<std::size_t>(h * in.rank + a)]);
          const auto at = static_cast<std::size_t>(a);
          result.e[in.score(s, n, h, a)] = both[at];
          result.r[in.score(s, n, h, a)] = r[at];
          squares += std::pow(lambda * static_cast<double>(both[at]), 2) +
                     std::pow(lambda * static_cast<double>(r[at]), 2);
        }
        both.insert(both.end(), r.begin(), r.end());
        for (Index c = 0; c < in.width; ++c) {
          float sum = 0;
          for (Index a = 0; a < 2 * in.rank; ++a) {
            tally.count(&Cost::mac);
            sum += both[static_cast<std::size_t>(a)] * in.wc[static_cast<std::size_t>(c * 2 * in.rank + a)];
          }
          tally.count(&Cost::add);
          sum += in.bc[static_cast<std::size_t>(c)];
          if (!in.mask.empty()) {
            tally.count(&Cost::compare);
            sum = in.mask[static_cast<std::size_t>(s * in.tokens + n)] == 0 ? 0 : sum;
          }
          result.out[in.token(s, n, h, c)] = sum;
        }
      }
    }
    const auto heads = static_cast<double>(in.heads);
    result.objective.push_back(squares / 2 / static_cast<double>(in.tokens) / heads - trace / heads);
  }
  return result;
}

}  // namespace volley::test
