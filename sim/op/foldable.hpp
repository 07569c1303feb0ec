// What a pass needs to fold a scale and a shift of the channels into the layer in front of it.
#pragma once

#include <span>
#include <vector>

#include "sim/base/device_fn.hpp"

namespace volley {

// A layer whose output channels can take a scale and a shift into its weight and bias.
class Foldable {
 public:
  virtual ~Foldable() = default;
  virtual Index outputs() const = 0;  // channels of the output; 0 before the weight is set
  // y -> scale[c] y + shift[c], folded into weight and bias: in double, rounded once to float. A bias is made
  // if there is none. Precondition: outputs() numbers in each.
  virtual void scale_outputs(std::span<const float> scale, std::span<const float> shift) = 0;
};

// An operator that is y = scale[c] x + shift[c] over the channels and nothing else.
class ScaleAndShift {
 public:
  virtual ~ScaleAndShift() = default;
  virtual std::vector<float> scale() const = 0;  // empty while a weight is missing
  virtual std::vector<float> shift() const = 0;
};

}  // namespace volley
