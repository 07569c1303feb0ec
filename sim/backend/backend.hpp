// Where kernels run: a device and its memory.
#pragma once

#include "sim/tensor/memory.hpp"

namespace volley {

class Backend {
 public:
  virtual ~Backend() = default;
  virtual Memory& memory() = 0;
  virtual void finish() = 0;  // returns when all work handed over is done
  Device device() { return memory().device(); }
};

Backend& cpu_backend();

}  // namespace volley
