// How a layer feeds the neurons behind it strip by strip: the whole current never lies in memory.
#pragma once

#include "sim/base/device_fn.hpp"

namespace volley {

// The current of some rows in all steps of a call, for 64 neurons of each row (fewer in the last word).
struct Strip {
  const float* x = nullptr;  // of step 0, row first_row, column 64 * word
  Index row_stride = 0;      // [floats]
  Index step_stride = 0;     // [floats]
  Index first_row = 0;       // counted in one step
  Index rows = 0;
  Index word = 0;
  Index columns = 0;  // 64, or what is left in the last word
};

// The neurons of one call. They take each word of each row once, in any order, from any thread.
struct StripSink {
  const void* neurons = nullptr;
  void (*take)(const void* neurons, const Strip& strip) = nullptr;
};

}  // namespace volley
