// The pairs of a product, one by one.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "sim/op/product.hpp"

namespace volley::test {

enum class Events { counts, ones };  // is a number of an operand as many events as it says, or one?

struct PairTally {
  Events of_a = Events::ones, of_b = Events::ones;
  Index dense = 0, dense_padded = 0, event_a = 0, event_b = 0, units_a = 0, units_b = 0, coincidence = 0;

  void pair(double a, double b) {
    ++dense;
    ++dense_padded;
    if (a != 0) {
      ++event_a;
      units_a += of_a == Events::counts ? std::lround(std::abs(a)) : 1;
    }
    if (b != 0) {
      ++event_b;
      units_b += of_b == Events::counts ? std::lround(std::abs(b)) : 1;
    }
    coincidence += a != 0 && b != 0 ? 1 : 0;
  }
  void pair_with_padding() { ++dense_padded; }
};

// Size and entries that are not 0, and the kind, by looking at each.
struct OperandTally {
  Index size = 0, nonzero = 0;
  Numbers numbers = Numbers::binary;

  template <class Numbers_>
  explicit OperandTally(const Numbers_& all) {
    bool has_minus = false;
    bool has_larger = false;
    bool has_fraction = false;
    for (const auto number : all) {
      ++size;
      nonzero += number != 0 ? 1 : 0;
      has_minus = has_minus || number == -1;
      has_larger = has_larger || (number != -1 && number != 0 && number != 1);
      has_fraction = has_fraction || std::floor(number) != number;
    }
    numbers = has_fraction ? Numbers::real
              : has_larger ? Numbers::integer
              : has_minus  ? Numbers::ternary
                           : Numbers::binary;
  }
};

inline void expect_product(const Product& got, const PairTally& wanted) {
  EXPECT_EQ(got.dense, wanted.dense);
  EXPECT_EQ(got.dense_padded, wanted.dense_padded);
  EXPECT_EQ(got.event_a, wanted.event_a);
  EXPECT_EQ(got.event_b, wanted.event_b);
  EXPECT_EQ(got.units_a, wanted.units_a);
  EXPECT_EQ(got.units_b, wanted.units_b);
  EXPECT_EQ(got.coincidence, wanted.coincidence);
}

inline void expect_operand(const Operand& got, const OperandTally& wanted) {
  EXPECT_EQ(got.size, wanted.size);
  EXPECT_EQ(got.nonzero, wanted.nonzero);
  EXPECT_EQ(got.numbers, wanted.numbers);
}

}  // namespace volley::test
