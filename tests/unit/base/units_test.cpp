// What units allow, and what does not compile.
#include "sim/base/units.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <type_traits>

namespace volley {
namespace {

template <class A, class B>
constexpr bool can_add = std::is_invocable_v<std::plus<>, A, B>;
template <class A, class B>
constexpr bool can_compare = std::is_invocable_v<std::less<>, A, B>;

TEST(Units, OnlyTheSameUnitAddsUp) {
  static_assert(can_add<Picojoules, Picojoules>);
  static_assert(!can_add<Picojoules, Nanoseconds>);
  static_assert(!can_add<Picojoules, PicojoulesPerOperation>);
  static_assert(!can_add<PicojoulesPerOperation, PicojoulesPerAccess>);
  static_assert(!can_add<PicojoulesPerByte, PicojoulesPerAccess>);
  static_assert(!can_add<Picojoules, double>);
  static_assert(!can_compare<Picojoules, Nanoseconds>);
  static_assert(can_compare<Picojoules, Picojoules>);
  EXPECT_EQ((Picojoules(1.5) + Picojoules(2)).count(), 3.5);
  EXPECT_EQ((Picojoules(1.5) - Picojoules(2)).count(), -0.5);
}

TEST(Units, NumbersDoNotBecomeQuantitiesUnasked) {
  static_assert(!std::is_convertible_v<double, Picojoules>);
  static_assert(!std::is_convertible_v<Picojoules, double>);
  static_assert(!std::is_assignable_v<Picojoules&, Nanoseconds>);
  EXPECT_EQ(Picojoules().count(), 0);
}

TEST(Units, ProductsMakeTheUnitThatFollows) {
  static_assert(std::is_same_v<decltype(Operations(1) * PicojoulesPerOperation(1)), Picojoules>);
  static_assert(std::is_same_v<decltype(Milliwatts(1) * Nanoseconds(1)), Picojoules>);
  static_assert(std::is_same_v<decltype(PicojoulesPerAccess(1) / BytesPerAccess(1)), PicojoulesPerByte>);
  static_assert(std::is_same_v<decltype(Bytes(1) / Bytes(1)), double>);
  EXPECT_EQ((Operations(3) * PicojoulesPerOperation(0.5)).count(), 1.5);
  EXPECT_EQ((Milliwatts(2) * Nanoseconds(3)).count(), 6);  // 2 mW for 3 ns
  EXPECT_EQ(Bytes(6) / Bytes(4), 1.5);
}

TEST(Units, AccessOf64BitsIsEightBytes) {
  const BytesPerAccess width = bytes_of_bits(64) / Accesses(1);
  EXPECT_EQ((PicojoulesPerAccess(10) / width).count(), 1.25);
  EXPECT_EQ(per_bit(20.3125), Picojoules(1300) / bytes_of_bits(64));
  EXPECT_DOUBLE_EQ(millijoules(Picojoules(2e9)), 2);
}

}  // namespace
}  // namespace volley
