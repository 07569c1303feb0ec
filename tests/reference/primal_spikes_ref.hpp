// Spiking primal attention as plain loops that count what they do.
#pragma once

#include "tests/reference/attention_family_ref.hpp"

namespace volley::test {

// x is not there when causal; we and wr [H n s], lambda [H s].
struct PrimalSpikeNumbers {
  TokenNumbers q, k, x;
  Index heads, rows, rank;
  std::vector<float> we, wr, lambda;
  std::vector<Index> indices;  // n of them
  double threshold = 1;
  bool is_causal = false, trace_of_data = false;

  Index width() const { return q.channels / heads; }
};
struct PrimalSpikeResult {
  std::vector<float> spikes;  // [S N H 2s]
  std::vector<float> e, r;    // [S N H s]
  std::vector<double> objective;
};

// W_e|X or W_r|X of one head, [d s], an addition for each unit event; causal: the weight itself.
template <class Tally>
std::vector<double> spike_projection(const PrimalSpikeNumbers& in, const std::vector<float>& weight,
                                     Index sample, Index head, Tally& tally) {
  const Index width = in.width();
  std::vector<double> out(static_cast<std::size_t>(width * in.rank), 0.0);
  for (Index row = 0; row < in.rows; ++row) {
    for (Index c = 0; c < width; ++c) {
      for (Index a = 0; a < in.rank; ++a) {
        const auto number =
            static_cast<double>(weight[static_cast<std::size_t>((head * in.rows + row) * in.rank + a)]);
        if (in.is_causal) {
          out[static_cast<std::size_t>(c * in.rank + a)] =
              c == row ? number : out[static_cast<std::size_t>(c * in.rank + a)];
          continue;
        }
        const double event = in.x(sample, in.indices[static_cast<std::size_t>(row)], head * width + c);
        for_each_event(static_cast<float>(event), [&](double sign) {
          tally.count(&Cost::ac);
          out[static_cast<std::size_t>(c * in.rank + a)] += sign * number;
        });
      }
    }
  }
  return out;
}

// The accumulators of one token of one head and the events of its feature.
template <class Tally>
std::vector<double> spike_scores(const PrimalSpikeNumbers& in, const TokenNumbers& phi,
                                 const std::vector<double>& projection, Index sample, Index token, Index head,
                                 Index& events, Tally& tally) {
  std::vector<double> out(static_cast<std::size_t>(in.rank), 0.0);
  events = 0;
  for (Index c = 0; c < in.width(); ++c) {
    for_each_event(static_cast<float>(phi(sample, token, head * in.width() + c)), [&](double sign) {
      ++events;
      for (Index a = 0; a < in.rank; ++a) {
        tally.count(&Cost::ac);
        out[static_cast<std::size_t>(a)] += sign * projection[static_cast<std::size_t>(c * in.rank + a)];
      }
    });
  }
  return out;
}

// In double: exact for weights of a dyadic grid. The rule is |a| / |phi| >= threshold, as the paper
// normalises.
template <class Tally>
PrimalSpikeResult primal_spike_reference(const PrimalSpikeNumbers& in, Tally& tally) {
  PrimalSpikeResult result;
  for (Index sample = 0; sample < in.q.samples; ++sample) {
    double squares = 0;
    double trace = 0;
    std::vector<std::vector<double>> projections;
    for (Index head = 0; head < in.heads; ++head) {
      for (const auto* weight : {&in.we, &in.wr}) {
        projections.push_back(spike_projection(in, *weight, sample, head, tally));
      }
      const auto& e = projections[projections.size() - 2];
      const auto& r = projections.back();
      for (std::size_t i = 0; in.trace_of_data && i < e.size(); ++i) {
        trace += e[i] * r[i];
      }
    }
    for (std::size_t i = 0; !in.trace_of_data && i < in.we.size(); ++i) {
      trace += static_cast<double>(in.we[i]) * static_cast<double>(in.wr[i]);
    }
    for (Index token = 0; token < in.q.tokens; ++token) {
      for (Index head = 0; head < in.heads; ++head) {
        for (const std::size_t side : {0u, 1u}) {
          Index events = 0;
          const auto accumulators = spike_scores(in, side == 0 ? in.q : in.k,
                                                 projections[static_cast<std::size_t>(2 * head) + side],
                                                 sample, token, head, events, tally);
          for (Index a = 0; a < in.rank; ++a) {
            const double number = accumulators[static_cast<std::size_t>(a)];
            tally.count(&Cost::neuron);
            const bool fires =
                number != 0 && number * number >= in.threshold * in.threshold * static_cast<double>(events);
            result.spikes.push_back(!fires ? 0.0f : number > 0 ? 1.0f : -1.0f);
            const double real = number / std::sqrt(static_cast<double>(std::max<Index>(1, events)));
            (side == 0 ? result.e : result.r).push_back(static_cast<float>(real));
            squares += std::pow(
                static_cast<double>(in.lambda[static_cast<std::size_t>(head * in.rank + a)]) * real, 2);
          }
        }
      }
    }
    const auto heads = static_cast<double>(in.heads);
    result.objective.push_back(squares / 2 / static_cast<double>(in.q.tokens) / heads - trace / heads);
  }
  return result;
}

// [S N H d]: W_c [e; r] + b_c of each head; wc [d 2s].
template <class Tally>
std::vector<float> primal_mix_reference(const TokenNumbers& spikes, Index heads, const std::vector<float>& wc,
                                        const std::vector<float>& bc, Tally& tally) {
  const auto width = static_cast<Index>(bc.size());
  const Index inputs = spikes.channels / heads;
  std::vector<float> out;
  for (Index sample = 0; sample < spikes.samples; ++sample) {
    for (Index token = 0; token < spikes.tokens; ++token) {
      for (Index head = 0; head < heads; ++head) {
        for (Index c = 0; c < width; ++c) {
          double sum = 0;
          for (Index i = 0; i < inputs; ++i) {
            for_each_event(static_cast<float>(spikes(sample, token, head * inputs + i)), [&](double sign) {
              tally.count(&Cost::ac);
              sum += sign * static_cast<double>(wc[static_cast<std::size_t>(c * inputs + i)]);
            });
          }
          tally.count(&Cost::add);
          out.push_back(static_cast<float>(sum) + bc[static_cast<std::size_t>(c)]);
        }
      }
    }
  }
  return out;
}

template <class Tally>
std::vector<float> running_spikes_reference(const TokenNumbers& x, float decay, float threshold,
                                            Tally& tally) {
  std::vector<float> out(x.numbers.size());
  for (Index sample = 0; sample < x.samples; ++sample) {
    for (Index c = 0; c < x.channels; ++c) {
      float sum = 0;
      for (Index n = 0; n < x.tokens; ++n) {
        tally.count(&Cost::neuron);
        sum = decay * sum + static_cast<float>(x(sample, n, c));
        out[static_cast<std::size_t>((sample * x.tokens + n) * x.channels + c)] = sum >= threshold    ? 1.0f
                                                                                  : sum <= -threshold ? -1.0f
                                                                                                      : 0.0f;
      }
    }
  }
  return out;
}

}  // namespace volley::test
