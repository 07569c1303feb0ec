// The dense peer of linear: a product by oneDNN.
#pragma once

#include <memory>

#include "sim/base/device_fn.hpp"

namespace volley::bench {

enum class Precision { f32, u8s8 };  // u8s8: inputs in 8 bits, as spikes fit; weights in 8; sums in 32

// y [rows, outputs] = x [rows, inputs] weight [inputs, outputs], on the threads that oneDNN takes.
class DenseLinear {
 public:
  DenseLinear(Index rows, Index inputs, Index outputs, Precision precision = Precision::f32);
  ~DenseLinear();
  void run();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace volley::bench
