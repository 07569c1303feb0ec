// The dense peers of attention: float32 products and softmax by oneDNN.
#pragma once

#include <memory>

#include "sim/base/device_fn.hpp"

namespace volley::bench {

// One head after the other, so that the score of a head stays in the caches; q, k and v of each head lie
// packed, as a tuned program would have them. On the threads that oneDNN takes.
class DenseAttention {
 public:
  enum class Work { products, softmax, linear };  // q k^T and score v; with softmax between; q (k^T v)

  DenseAttention(Work work, Index heads, Index tokens, Index width);
  ~DenseAttention();
  void run();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace volley::bench
