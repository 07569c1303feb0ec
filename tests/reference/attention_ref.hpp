// Attention as plain loops that count what they do.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "sim/op/cost.hpp"

namespace volley::test {

// Counts every operation that a loop tells it of.
struct CountingTally {
  Cost cost;
  void count(Index Cost::*kind, Index times = 1) { cost.*kind += times; }
};

// Inputs as numbers, [T B N C] row-major, and what comes out.
struct AttentionNumbers {
  Index steps, samples, heads, queries, keys, width;
  std::vector<float> q, k, v;

  std::size_t query(Index tb, Index n, Index h, Index c) const {
    return static_cast<std::size_t>(((tb * queries + n) * heads + h) * width + c);
  }
  std::size_t key(Index tb, Index m, Index h, Index c) const {
    return static_cast<std::size_t>(((tb * keys + m) * heads + h) * width + c);
  }
  std::size_t pair(Index tb, Index h, Index n, Index m) const {
    return static_cast<std::size_t>(((tb * heads + h) * queries + n) * keys + m);
  }
};
struct AttentionResult {
  std::vector<float> out, score;  // score: the integers of SSA too, they are exact
};

inline AttentionResult empty_result(const AttentionNumbers& in) {
  const auto pairs = static_cast<std::size_t>(in.steps * in.samples * in.heads * in.queries * in.keys);
  return {std::vector<float>(in.q.size(), 0.0f), std::vector<float>(pairs, 0.0f)};
}

// body(tb, h) for each step, sample and head.
template <class Body>
void for_each_head(const AttentionNumbers& in, Body body) {
  for (Index tb = 0; tb < in.steps * in.samples; ++tb) {
    for (Index h = 0; h < in.heads; ++h) {
      body(tb, h);
    }
  }
}

// body(sign) for each unit event of a spike.
template <class Body>
void for_each_event(float value, Body body) {
  for (float left = std::abs(value); left > 0; left -= 1) {
    body(value > 0 ? 1.0 : -1.0);
  }
}

template <class Tally>
std::vector<float> softmax_of(std::vector<float> row, Tally& tally) {
  float greatest = -INFINITY;
  for (const float x : row) {
    tally.count(&Cost::compare);
    greatest = x > greatest ? x : greatest;
  }
  float sum = 0;
  for (float& x : row) {
    tally.count(&Cost::add, 2);
    tally.count(&Cost::special);
    x = std::exp(x - greatest);
    sum += x;
  }
  for (float& x : row) {
    tally.count(&Cost::special);
    x /= sum;
  }
  return row;
}

// out_n = sum_m score_nm v_m of real numbers.
template <class Tally>
void real_value_product(const AttentionNumbers& in, Index tb, Index h, Index n, AttentionResult& result,
                        Tally& tally) {
  for (Index c = 0; c < in.width; ++c) {
    float sum = 0;
    for (Index m = 0; m < in.keys; ++m) {
      tally.count(&Cost::mac);
      sum += result.score[in.pair(tb, h, n, m)] * in.v[in.key(tb, m, h, c)];
    }
    result.out[in.query(tb, n, h, c)] = sum;
  }
}

template <class Tally>
AttentionResult softmax_reference(const AttentionNumbers& in, float scale, Tally& tally) {
  AttentionResult result = empty_result(in);
  for_each_head(in, [&](Index tb, Index h) {
    for (Index n = 0; n < in.queries; ++n) {
      std::vector<float> row;
      for (Index m = 0; m < in.keys; ++m) {
        float sum = 0;
        for (Index c = 0; c < in.width; ++c) {
          tally.count(&Cost::mac);
          sum += in.q[in.query(tb, n, h, c)] * in.k[in.key(tb, m, h, c)];
        }
        row.push_back(sum * scale);
      }
      row = softmax_of(row, tally);
      for (Index m = 0; m < in.keys; ++m) {
        result.score[in.pair(tb, h, n, m)] = row[static_cast<std::size_t>(m)];
      }
      real_value_product(in, tb, h, n, result, tally);
    }
  });
  return result;
}

// score += q k^T: each unit event of q meets every key.
template <class Tally>
std::vector<double> scores_by_events(const AttentionNumbers& in, Index tb, Index h, Tally& tally) {
  std::vector<double> score(static_cast<std::size_t>(in.queries * in.keys), 0.0);
  for (Index n = 0; n < in.queries; ++n) {
    for (Index c = 0; c < in.width; ++c) {
      for_each_event(in.q[in.query(tb, n, h, c)], [&](double sign) {
        for (Index m = 0; m < in.keys; ++m) {
          tally.count(&Cost::ac);
          score[static_cast<std::size_t>(n * in.keys + m)] +=
              sign * static_cast<double>(in.k[in.key(tb, m, h, c)]);
        }
      });
    }
  }
  return score;
}

// The integer product of one head, [N d], in double: exact below 2^53.
template <class Tally>
std::vector<double> ssa_head_qk_v(const AttentionNumbers& in, Index tb, Index h, Tally& tally) {
  const auto score = scores_by_events(in, tb, h, tally);
  std::vector<double> out(static_cast<std::size_t>(in.queries * in.width), 0.0);
  for (Index m = 0; m < in.keys; ++m) {
    for (Index c = 0; c < in.width; ++c) {
      for_each_event(in.v[in.key(tb, m, h, c)], [&](double sign) {
        for (Index n = 0; n < in.queries; ++n) {
          tally.count(&Cost::ac);
          out[static_cast<std::size_t>(n * in.width + c)] +=
              sign * score[static_cast<std::size_t>(n * in.keys + m)];
        }
      });
    }
  }
  return out;
}

template <class Tally>
std::vector<double> ssa_head_q_kv(const AttentionNumbers& in, Index tb, Index h, Tally& tally) {
  std::vector<double> key_value(static_cast<std::size_t>(in.width * in.width), 0.0);
  std::vector<double> out(static_cast<std::size_t>(in.queries * in.width), 0.0);
  for (Index m = 0; m < in.keys; ++m) {
    for (Index i = 0; i < in.width; ++i) {
      for_each_event(in.k[in.key(tb, m, h, i)], [&](double sign) {
        for (Index c = 0; c < in.width; ++c) {
          tally.count(&Cost::ac);
          key_value[static_cast<std::size_t>(i * in.width + c)] +=
              sign * static_cast<double>(in.v[in.key(tb, m, h, c)]);
        }
      });
    }
  }
  for (Index n = 0; n < in.queries; ++n) {
    for (Index i = 0; i < in.width; ++i) {
      for_each_event(in.q[in.query(tb, n, h, i)], [&](double sign) {
        for (Index c = 0; c < in.width; ++c) {
          tally.count(&Cost::ac);
          out[static_cast<std::size_t>(n * in.width + c)] +=
              sign * key_value[static_cast<std::size_t>(i * in.width + c)];
        }
      });
    }
  }
  return out;
}

template <class Tally>
AttentionResult ssa_reference(const AttentionNumbers& in, float scale, const std::string& order,
                              Tally& tally) {
  AttentionResult result = empty_result(in);
  for_each_head(in, [&](Index tb, Index h) {
    const auto out = order == "q_kv" ? ssa_head_q_kv(in, tb, h, tally) : ssa_head_qk_v(in, tb, h, tally);
    CountingTally seen;  // the score is looked at, not worked with
    const auto score = scores_by_events(in, tb, h, seen);
    for (Index n = 0; n < in.queries; ++n) {
      for (Index c = 0; c < in.width; ++c) {
        result.out[in.query(tb, n, h, c)] =
            scale * static_cast<float>(out[static_cast<std::size_t>(n * in.width + c)]);
      }
      for (Index m = 0; m < in.keys; ++m) {
        result.score[in.pair(tb, h, n, m)] =
            static_cast<float>(score[static_cast<std::size_t>(n * in.keys + m)]);
      }
    }
  });
  return result;
}

// An integer of as many bits as it needs, lowest first.
struct BigInteger {
  std::vector<bool> bits;

  void add_power_of_two(Index e) {
    for (;; ++e) {
      if (static_cast<std::size_t>(e) >= bits.size()) {
        bits.resize(static_cast<std::size_t>(e) + 1, false);
      }
      bits[static_cast<std::size_t>(e)] = !bits[static_cast<std::size_t>(e)];
      if (bits[static_cast<std::size_t>(e)]) {
        return;
      }
    }
  }
  // The smallest e with 2^e >= the number, which is not 0.
  Index ceil_log2() const {
    Index top = 0;
    Index set = 0;
    for (std::size_t e = 0; e < bits.size(); ++e) {
      if (bits[e]) {
        top = static_cast<Index>(e);
        ++set;
      }
    }
    return set == 1 ? top : top + 1;
  }
};

// gamma of a row; counts a shift and an addition for each entry, the row minimum and the leading one.
template <class Tally>
Index gamma_reference(const std::vector<Index>& x, Tally& tally) {
  Index low = x[0];
  for (const Index number : x) {
    tally.count(&Cost::compare);
    low = number < low ? number : low;
  }
  BigInteger sum;
  for (const Index number : x) {
    tally.count(&Cost::shift);
    tally.count(&Cost::add);
    sum.add_power_of_two(number - low);
  }
  tally.count(&Cost::compare);
  return low + sum.ceil_log2();
}

struct BipolarSettings {
  std::string normalise = "shiftmax";
  std::string arithmetic = "exact";
  Index max_shift = -1;
  Index frac_bits = 0;
};

// out_n = sum over the keys that are not cut of v_m >> shift_m.
template <class Tally>
void shifted_value_product(const AttentionNumbers& in, Index tb, Index h, Index n,
                           const std::vector<Index>& shifts, const BipolarSettings& settings,
                           AttentionResult& result, Tally& tally) {
  for (Index c = 0; c < in.width; ++c) {
    float sum = 0;
    double fixed_sum = 0;
    for (Index m = 0; m < in.keys; ++m) {
      const Index shift = shifts[static_cast<std::size_t>(m)];
      if (settings.max_shift >= 0 && shift > settings.max_shift) {
        continue;
      }
      tally.count(&Cost::shift);
      tally.count(&Cost::ac);
      const auto value = static_cast<double>(in.v[in.key(tb, m, h, c)]);
      sum += static_cast<float>(std::ldexp(value, -static_cast<int>(shift)));
      const double fixed = std::nearbyint(std::ldexp(value, static_cast<int>(settings.frac_bits)));
      fixed_sum += std::floor(std::ldexp(fixed, -static_cast<int>(shift)));
    }
    const double scaled_back = std::ldexp(fixed_sum, -static_cast<int>(settings.frac_bits));
    result.out[in.query(tb, n, h, c)] = settings.arithmetic == "qmn" ? static_cast<float>(scaled_back) : sum;
  }
}

template <class Tally>
AttentionResult bipolar_reference(const AttentionNumbers& in, const BipolarSettings& settings, Tally& tally) {
  AttentionResult result = empty_result(in);
  for_each_head(in, [&](Index tb, Index h) {
    const auto scores = scores_by_events(in, tb, h, tally);
    for (Index n = 0; n < in.queries; ++n) {
      std::vector<Index> x;
      std::vector<float> row;
      for (Index m = 0; m < in.keys; ++m) {
        x.push_back(static_cast<Index>(scores[static_cast<std::size_t>(n * in.keys + m)]));
        row.push_back(static_cast<float>(x.back()));
      }
      if (settings.normalise == "shiftmax") {
        const Index gamma = gamma_reference(x, tally);
        for (std::size_t m = 0; m < x.size(); ++m) {
          x[m] = gamma - x[m];
          const bool is_cut = settings.max_shift >= 0 && x[m] > settings.max_shift;
          row[m] = is_cut ? 0.0f : static_cast<float>(std::ldexp(1.0, -static_cast<int>(x[m])));
        }
        shifted_value_product(in, tb, h, n, x, settings, result, tally);
      } else if (settings.normalise == "softmax") {
        row = softmax_of(row, tally);
      }
      for (Index m = 0; m < in.keys; ++m) {
        result.score[in.pair(tb, h, n, m)] = row[static_cast<std::size_t>(m)];
      }
      if (settings.normalise != "shiftmax") {
        real_value_product(in, tb, h, n, result, tally);
      }
    }
  });
  return result;
}

}  // namespace volley::test
