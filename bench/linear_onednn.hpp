// The dense peer of linear: a float32 product by oneDNN.
#pragma once

#include <memory>

#include "sim/base/device_fn.hpp"

namespace volley::bench {

// y [rows, outputs] = x [rows, inputs] weight [inputs, outputs], on the threads that oneDNN takes.
class DenseLinear {
 public:
  DenseLinear(Index rows, Index inputs, Index outputs);
  ~DenseLinear();
  void run();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace volley::bench
