// Counts spikes of 64 channels at once, over tokens.
#pragma once

#include <array>

#include "sim/base/device_fn.hpp"

namespace volley {

// Digit i of all 64 counts is one word, so that adding a word is a carry upward: two digits on average.
class ColumnCounter {
 public:
  void add(std::uint64_t word) {
    for (std::size_t digit = 0; word != 0; ++digit) {
      const std::uint64_t carry = digits_[digit] & word;
      digits_[digit] ^= word;
      word = carry;
      used_ = digit < used_ ? used_ : digit + 1;
    }
  }

  Index count(Index bit) const {
    std::uint64_t sum = 0;
    for (std::size_t digit = 0; digit < used_; ++digit) {
      sum |= ((digits_[digit] >> bit) & 1u) << digit;
    }
    return static_cast<Index>(sum);
  }

 private:
  std::array<std::uint64_t, 63> digits_{};  // an Index of tokens has no more
  std::size_t used_ = 0;
};

}  // namespace volley
