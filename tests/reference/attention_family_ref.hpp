// The relatives of SSA as plain loops that count what they do.
#pragma once

#include <cmath>

#include "tests/reference/attention_ref.hpp"

namespace volley::test {

// [T B N C] as numbers; `samples` are those of all steps.
struct TokenNumbers {
  Index samples, tokens, channels;
  std::vector<float> numbers;

  double operator()(Index sample, Index n, Index c) const {
    return static_cast<double>(numbers[static_cast<std::size_t>((sample * tokens + n) * channels + c)]);
  }
};

template <class Tally>
std::vector<float> sdsa1_reference(const TokenNumbers& k, const TokenNumbers& v, Tally& tally) {
  std::vector<float> out;
  for (Index sample = 0; sample < k.samples; ++sample) {
    for (Index c = 0; c < k.channels; ++c) {
      float sum = 0;
      for (Index n = 0; n < k.tokens; ++n) {
        tally.count(&Cost::compare);
        if (k(sample, n, c) == 1 && v(sample, n, c) == 1) {
          tally.count(&Cost::ac);
          sum += 1;
        }
      }
      out.push_back(sum);
    }
  }
  return out;
}

// Of each place of `from`: is it open? gate(sample, n, c).
template <class Gate, class Tally>
std::vector<float> mask_reference(const TokenNumbers& from, const Gate& gate, Tally& tally) {
  std::vector<float> out;
  for (Index sample = 0; sample < from.samples; ++sample) {
    for (Index n = 0; n < from.tokens; ++n) {
      for (Index c = 0; c < from.channels; ++c) {
        tally.count(&Cost::compare);
        out.push_back(gate(sample, n, c) == 1 && from(sample, n, c) == 1 ? 1.0f : 0.0f);
      }
    }
  }
  return out;
}

template <class Tally>
std::vector<float> token_sum_reference(const TokenNumbers& q, Index heads, Tally& tally) {
  std::vector<float> out(static_cast<std::size_t>(q.samples * q.tokens * heads), 0.0f);
  for (Index sample = 0; sample < q.samples; ++sample) {
    for (Index n = 0; n < q.tokens; ++n) {
      for (Index c = 0; c < q.channels; ++c) {
        for_each_event(static_cast<float>(q(sample, n, c)), [&](double sign) {
          tally.count(&Cost::ac);
          const Index head = c * heads / q.channels;
          out[static_cast<std::size_t>((sample * q.tokens + n) * heads + head)] += static_cast<float>(sign);
        });
      }
    }
  }
  return out;
}

template <class Tally>
std::vector<float> channel_sum_reference(const TokenNumbers& q, Tally& tally) {
  std::vector<float> out(static_cast<std::size_t>(q.samples * q.channels), 0.0f);
  for (Index sample = 0; sample < q.samples; ++sample) {
    for (Index n = 0; n < q.tokens; ++n) {
      for (Index c = 0; c < q.channels; ++c) {
        for_each_event(static_cast<float>(q(sample, n, c)), [&](double sign) {
          tally.count(&Cost::ac);
          out[static_cast<std::size_t>(sample * q.channels + c)] += static_cast<float>(sign);
        });
      }
    }
  }
  return out;
}

struct LinearSettings {
  Index heads = 1, steps = 1, chunk = 1;
  float factor = 1;
  bool scores_first = false;
};

// factor (q k^T) v over the tokens of `chunk` steps, where v may be wider than q. The numbers come from one
// sum over all pairs; the counts from what each order does with its events.
template <class Tally>
std::vector<float> spike_product_reference(const TokenNumbers& q, const TokenNumbers& k,
                                           const TokenNumbers& v, const LinearSettings& settings,
                                           Tally& tally) {
  const Index batch = q.samples / settings.steps;
  const Index width = q.channels / settings.heads;
  const Index value_width = v.channels / settings.heads;
  std::vector<float> out;
  for (Index sample = 0; sample < q.samples; ++sample) {
    const Index first = sample / batch / settings.chunk * settings.chunk;
    for (Index n = 0; n < q.tokens; ++n) {
      for (Index c = 0; c < v.channels; ++c) {
        const Index h = c / value_width;
        double sum = 0;
        for (Index t = first; t < first + settings.chunk; ++t) {
          const Index other = t * batch + sample % batch;
          for (Index m = 0; m < k.tokens; ++m) {
            for (Index i = h * width; i < (h + 1) * width; ++i) {
              sum += q(sample, n, i) * k(other, m, i) * v(other, m, c);
            }
          }
        }
        out.push_back(settings.factor * static_cast<float>(sum));
      }
    }
  }
  const auto count_events = [&](const TokenNumbers& numbers, Index fan_out) {
    for (const float number : numbers.numbers) {
      for_each_event(number, [&](double) { tally.count(&Cost::ac, fan_out); });
    }
  };
  count_events(q, settings.scores_first ? k.tokens : value_width);
  settings.scores_first ? count_events(v, q.tokens) : count_events(k, value_width);
  return out;
}

// [T B H M N]: y1_m . s_n for each head, times the scale of the head.
template <class Tally>
std::vector<float> dssa_scores_reference(const TokenNumbers& y, const TokenNumbers& s,
                                         const std::vector<float>& scales, Tally& tally) {
  const auto heads = static_cast<Index>(scales.size());
  const Index width = s.channels / heads;
  std::vector<float> out;
  for (Index sample = 0; sample < s.samples; ++sample) {
    for (Index h = 0; h < heads; ++h) {
      for (Index m = 0; m < y.tokens; ++m) {
        for (Index n = 0; n < s.tokens; ++n) {
          float sum = 0;
          for (Index c = 0; c < width; ++c) {
            tally.count(&Cost::ac, s(sample, n, h * width + c) == 1 ? 1 : 0);
            sum += static_cast<float>(y(sample, m, 2 * h * width + c) * s(sample, n, h * width + c));
          }
          out.push_back(sum * scales[static_cast<std::size_t>(h)]);
        }
      }
    }
  }
  return out;
}

// [T B N C]: the sum of y2 over the tokens that A, [T B H M N], has set. A here: (sample, h * M + m, n).
template <class Tally>
std::vector<float> dssa_values_reference(const TokenNumbers& y, const TokenNumbers& a,
                                         const std::vector<float>& scales, Tally& tally) {
  const auto heads = static_cast<Index>(scales.size());
  const Index width = y.channels / heads / 2;
  std::vector<float> out;
  for (Index sample = 0; sample < y.samples; ++sample) {
    for (Index n = 0; n < a.channels; ++n) {
      for (Index c = 0; c < heads * width; ++c) {
        const Index h = c / width;
        float sum = 0;
        for (Index m = 0; m < y.tokens; ++m) {
          const double fires = a(sample, h * y.tokens + m, n);
          tally.count(&Cost::ac, fires == 1 ? 1 : 0);
          sum += static_cast<float>(y(sample, m, (2 * h + 1) * width + c % width) * fires);
        }
        out.push_back(sum * scales[static_cast<std::size_t>(h)]);
      }
    }
  }
  return out;
}

}  // namespace volley::test
