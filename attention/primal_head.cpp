// One head of primal attention, up to its scores.
#include <algorithm>
#include <cmath>

#include "attention/primal.hpp"

namespace volley {
namespace {

std::size_t at(Index i) {
  return static_cast<std::size_t>(i);
}

// The rows of one head of `from` [N C], or their means over the tokens so far; each divided by its length.
void map_features(const PrimalAttention& op, const PrimalShape& shape, const float* from, Index head,
                  std::vector<float>& phi) {
  phi.resize(at(shape.tokens * shape.width));
  std::vector<float>& rows = phi;
  thread_local std::vector<float> sums;
  sums.assign(at(shape.width), 0.0f);
  for (Index n = 0; n < shape.tokens; ++n) {
    const float* token = from + n * shape.channels() + head * shape.width;
    float* row = rows.data() + n * shape.width;
    float squares = 0;
    for (Index c = 0; c < shape.width; ++c) {
      row[c] = token[c];
      if (op.is_causal()) {
        sums[at(c)] += token[c];
        row[c] = sums[at(c)] / static_cast<float>(n + 1);
      }
      squares += row[c] * row[c];
    }
    const float length = std::max(std::sqrt(squares), op.eps());
    for (Index c = 0; c < shape.width; ++c) {
      row[c] /= length;
    }
  }
}

const float* weight_of(std::span<const Value> weights, PrimalAttention::Slot slot) {
  return std::get<Tensor>(weights[slot]).as<float>().data();
}

}  // namespace

void multiply_plainly(const MatrixSizes& sizes, const float* a, const float* b, float* out) {
  for (Index row = 0; row < sizes.rows; ++row) {
    for (Index column = 0; column < sizes.columns; ++column) {
      float sum = 0;
      for (Index k = 0; k < sizes.inner; ++k) {
        sum += a[row * sizes.inner + k] * b[k * sizes.columns + column];
      }
      out[row * sizes.columns + column] = sum;
    }
  }
}

void compute_head(const PrimalAttention& op, const PrimalShape& shape, std::span<const Value> weights,
                  const PrimalTokens& tokens, Index head, PrimalHead& out) {
  const auto [steps, samples, heads, count, width, rows, rank] = shape;
  map_features(op, shape, tokens.q, head, out.phi_q);
  map_features(op, shape, tokens.k, head, out.phi_k);
  const float* we = weight_of(weights, PrimalAttention::we) + head * rows * rank;
  const float* wr = weight_of(weights, PrimalAttention::wr) + head * rows * rank;
  if (op.is_causal()) {
    out.sampled.clear();
    out.project_e.assign(we, we + rows * rank);
    out.project_r.assign(wr, wr + rows * rank);
  } else {
    out.sampled.resize(at(width * rows));
    for (Index j = 0; j < rows; ++j) {
      const float* token = tokens.x + op.sampled(j, count) * shape.channels() + head * width;
      for (Index c = 0; c < width; ++c) {
        out.sampled[at(c * rows + j)] = token[c];
      }
    }
    out.project_e.resize(at(width * rank));
    out.project_r.resize(at(width * rank));
    multiply_plainly({width, rows, rank}, out.sampled.data(), we, out.project_e.data());
    multiply_plainly({width, rows, rank}, out.sampled.data(), wr, out.project_r.data());
  }
  thread_local std::vector<float> one_side;
  one_side.resize(at(count * rank));
  out.scores.resize(at(count * 2 * rank));
  for (const bool is_r : {false, true}) {
    const auto& phi = is_r ? out.phi_k : out.phi_q;
    const auto& project = is_r ? out.project_r : out.project_e;
    multiply_plainly({count, width, rank}, phi.data(), project.data(), one_side.data());
    for (Index n = 0; n < count; ++n) {
      std::copy_n(one_side.data() + n * rank, rank, out.scores.data() + (2 * n + (is_r ? 1 : 0)) * rank);
    }
  }
}

}  // namespace volley
