// What a pass needs to round a layer's weights to 8 bits.
#pragma once

namespace volley {

// A layer whose weights can be integers from -127 to 127 times a scale for each output, max|w| / 127, rounded
// to the nearest, ties to even; the bias stays f32. Sums of spikes are then integers, so any order gives the
// same bits: y[o] = scale[o] * (integer sum) + bias[o], the product rounded, then the sum.
class Roundable {
 public:
  virtual ~Roundable() = default;
  virtual bool can_round() const = 0;  // false: the shape does not allow it
  virtual void round_weights() = 0;    // precondition: can_round(), once
  virtual bool is_rounded() const = 0;
};

}  // namespace volley
