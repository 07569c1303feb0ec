// Rows of the circulant and of the causal weights.
#include <algorithm>
#include <cmath>

#include "attention/cat.hpp"
#include "attention/softmax_attention.hpp"

namespace volley {
namespace {

std::size_t at(Index i) {
  return static_cast<std::size_t>(i);
}

}  // namespace

void CatRows::prepare(const CatAttention& op, const float* z, Index stride, Index tokens) {
  is_causal_ = op.is_causal();
  tokens_ = tokens;
  weights_.resize(at(tokens));
  for (Index n = 0; n < tokens; ++n) {
    weights_[at(n)] = z[n * stride];
  }
  if (is_causal_) {
    rolled_.resize(at(tokens));
    exponentials_.clear();
    return;
  }
  softmax_row(weights_);
  rolled_ = weights_;
  if (op.direction() == CatAttention::Direction::conv) {
    std::reverse(rolled_.begin() + 1, rolled_.end());
  }
  rolled_.resize(at(2 * tokens));
  std::copy_n(rolled_.begin(), tokens, rolled_.begin() + tokens);
}

// As softmax of the prefix does it, to the last bit: the sum runs from left to right, and all is done anew
// when the maximum rises.
void CatRows::append_to_prefix(Index i) {
  const float z = weights_[at(i)];
  if (i == 0 || z > greatest_) {
    greatest_ = z;
    sum_ = 0;
    exponentials_.resize(at(i) + 1);
    for (Index n = 0; n <= i; ++n) {
      exponentials_[at(n)] = std::exp(weights_[at(n)] - greatest_);
      sum_ += exponentials_[at(n)];
    }
    return;
  }
  exponentials_.push_back(std::exp(z - greatest_));
  sum_ += exponentials_.back();
}

std::span<const float> CatRows::row(Index i) {
  if (!is_causal_) {
    return std::span(rolled_).subspan(at(tokens_ - i), at(tokens_));
  }
  append_to_prefix(i);
  for (Index j = 0; j <= i; ++j) {
    rolled_[at(j)] = exponentials_[at(i - j)] / sum_;
  }
  return std::span(rolled_).first(at(i) + 1);
}

float CatRows::weight(Index i) const {
  return is_causal_ ? rolled_[0] : weights_[at(i)];
}

}  // namespace volley
