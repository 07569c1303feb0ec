// Matrices of primal attention: its kernel, and the scores of its tokens.
#pragma once

#include "cli/analyze_layers.hpp"

namespace volley::cli {

// A value that was recorded, as [T S N C].
struct RecordedTokens {
  Index steps, samples, tokens, channels;
  std::vector<float> numbers;

  const float* row(Index step, Index sample, Index token) const {
    return numbers.data() + ((step * samples + sample) * tokens + token) * channels;
  }
};
RecordedTokens recorded_tokens(const Collector& collector, Port port);

// Without numbers, which are to be appended in the order of for_each_map.
LayerMaps empty_maps(const std::string& name, const RecordedTokens& of, Index heads, Index columns);

// Calls body(step, sample, head) in the order of the maps' numbers.
template <class Body>
void for_each_map(const LayerMaps& maps, const Body& body) {
  for (Index step = 0; step < maps.steps; ++step) {
    for (Index sample = 0; sample < maps.samples; ++sample) {
      for (Index head = 0; head < maps.heads; ++head) {
        body(step, sample, head);
      }
    }
  }
}

bool is_primal(const Operator& op);  // attention.primal or attention.primal_scores

// What such a node read and put out.
struct PrimalRecord {
  std::vector<RecordedTokens> in;  // q, k and, not causal, x
  RecordedTokens e, r;
  std::vector<float> objective;  // J of each step and sample
};
// K (with J and its zero value), e and r. Precondition: is_primal(op).
std::vector<LayerMatrices> primal_matrices(const Operator& op, const std::string& name,
                                           const PrimalRecord& record);

}  // namespace volley::cli
