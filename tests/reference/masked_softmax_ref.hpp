// Masked softmax attention as plain loops that count what they do.
#pragma once

#include "tests/reference/attention_ref.hpp"

namespace volley::test {

struct MaskNumbers {
  bool is_causal = false;
  Index group = 0;          // 0: one group
  std::vector<float> keys;  // [T B M], 0 = masked; empty: none is

  bool lets(const AttentionNumbers& in, Index tb, Index n, Index m) const {
    const bool is_past = !is_causal || m <= n;
    const bool is_near = group == 0 || (m >= n - n % group && m < n - n % group + group);
    return is_past && is_near && (keys.empty() || keys[static_cast<std::size_t>(tb * in.keys + m)] != 0);
  }
};

template <class Tally>
AttentionResult masked_softmax_reference(const AttentionNumbers& in, float scale, const MaskNumbers& mask,
                                         Tally& tally) {
  AttentionResult result = empty_result(in);
  for_each_head(in, [&](Index tb, Index h) {
    for (Index n = 0; n < in.queries; ++n) {
      std::vector<float> row;
      for (Index m = 0; m < in.keys; ++m) {
        if (mask.lets(in, tb, n, m)) {
          float sum = 0;
          for (Index c = 0; c < in.width; ++c) {
            tally.count(&Cost::mac);
            sum += in.q[in.query(tb, n, h, c)] * in.k[in.key(tb, m, h, c)];
          }
          row.push_back(sum * scale);
        }
      }
      row = softmax_of(row, tally);
      std::size_t next = 0;
      for (Index m = 0; m < in.keys; ++m) {
        if (mask.lets(in, tb, n, m)) {
          const float score = row[next++];
          result.score[in.pair(tb, h, n, m)] = score;
          for (Index c = 0; c < in.width; ++c) {
            tally.count(&Cost::mac);
            result.out[in.query(tb, n, h, c)] += score * in.v[in.key(tb, m, h, c)];
          }
        }
      }
    }
  });
  return result;
}

}  // namespace volley::test
