// Rows of the circulant and of the causal weights.
#include <algorithm>
#include <cmath>
#include <limits>

#include "attention/cat.hpp"
#include "attention/softmax_attention.hpp"

namespace volley {
namespace {

std::size_t at(Index i) {
  return static_cast<std::size_t>(i);
}

}  // namespace

void CatRows::prepare(const CatAttention& op, const CatLogitsOfHead& logits) {
  causal_ = op.causal();
  logits_ = logits;
  if (op.is_causal()) {
    rolled_.resize(at(logits.tokens));
    exponentials_.clear();
    greatest_ = -std::numeric_limits<float>::infinity();
    sum_ = 0;
    return;
  }
  kept_.clear();
  for (Index n = 0; n < logits.tokens; ++n) {
    if (logits.keeps(n)) {
      kept_.push_back(logits.z[n * logits.stride]);
    }
  }
  softmax_row(kept_);
  weights_.resize(at(logits.tokens));
  std::size_t next = 0;
  for (Index n = 0; n < logits.tokens; ++n) {
    weights_[at(n)] = logits.keeps(n) ? kept_[next++] : 0.0f;
  }
  rolled_ = weights_;
  if (op.is_conv()) {
    std::reverse(rolled_.begin() + 1, rolled_.end());
  }
  rolled_.resize(at(2 * logits.tokens));
  std::copy_n(rolled_.begin(), logits.tokens, rolled_.begin() + logits.tokens);
}

// As softmax of the prefix does it, to the last bit: the sum runs from left to right, and all is done anew
// when the maximum rises.
void CatRows::append_to_prefix(Index i) {
  const auto exponential = [&](Index n) {
    return logits_.keeps(n) ? std::exp(logits_.z[n * logits_.stride] - greatest_) : 0.0f;
  };
  const float z = logits_.z[i * logits_.stride];
  if (logits_.keeps(i) && (z > greatest_ || sum_ == 0)) {
    greatest_ = z;
    sum_ = 0;
    exponentials_.resize(at(i) + 1);
    for (Index n = 0; n <= i; ++n) {
      exponentials_[at(n)] = exponential(n);
      sum_ += exponentials_[at(n)];
    }
    return;
  }
  exponentials_.push_back(exponential(i));
  sum_ += exponentials_.back();
}

std::span<const float> CatRows::row(Index i) {
  if (causal_ == CatAttention::Causal::none) {
    return std::span(rolled_).subspan(at(logits_.tokens - i), at(logits_.tokens));
  }
  append_to_prefix(i);
  for (Index j = 0; j <= i; ++j) {
    const Index n = causal_ == CatAttention::Causal::rel ? i - j : j;
    rolled_[at(j)] = sum_ == 0 ? 0.0f : exponentials_[at(n)] / sum_;
  }
  return std::span(rolled_).first(at(i) + 1);
}

float CatRows::weight(Index i) const {
  switch (causal_) {
    case CatAttention::Causal::none:
      return weights_[at(i)];
    case CatAttention::Causal::rel:
      return rolled_[0];
    case CatAttention::Causal::abs:
      return rolled_[at(i)];
  }
  return 0;
}

}  // namespace volley
