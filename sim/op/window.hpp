// What a pass needs to know of operators that take several steps at once.
#pragma once

#include "sim/base/device_fn.hpp"

namespace volley {

// An operator whose time_use() may be TimeUse::window.
class Windowed {
 public:
  virtual ~Windowed() = default;
  virtual Index window() const = 0;  // T of each call is a multiple of it [steps]; at least 1
};

}  // namespace volley
