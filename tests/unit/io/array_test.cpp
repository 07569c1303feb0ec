// Numbers of every type become float32 or integers.
#include "sim/io/array.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "tests/support/random_values.hpp"
#include "tests/unit/io/scratch.hpp"

namespace volley {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

template <class T>
Array made(NumberType type, std::vector<T> numbers) {
  const auto bytes = std::as_bytes(std::span(numbers));
  return {{static_cast<Index>(numbers.size())}, type, {bytes.begin(), bytes.end()}};
}

TEST(Array, BecomesFloatsFromEveryType) {
  using Floats = std::vector<float>;
  EXPECT_EQ(as_floats(made<std::uint8_t>(NumberType::boolean, {0, 1, 2})), (Floats{0, 1, 1}));
  EXPECT_EQ(as_floats(made<std::uint8_t>(NumberType::u8, {0, 255})), (Floats{0, 255}));
  EXPECT_EQ(as_floats(made<std::int8_t>(NumberType::i8, {-128, 127})), (Floats{-128, 127}));
  EXPECT_EQ(as_floats(made<std::uint16_t>(NumberType::u16, {65535})), (Floats{65535}));
  EXPECT_EQ(as_floats(made<std::int16_t>(NumberType::i16, {-32768})), (Floats{-32768}));
  EXPECT_EQ(as_floats(made<std::uint32_t>(NumberType::u32, {4294967295u})), (Floats{4294967296.0f}));
  EXPECT_EQ(as_floats(made<std::int32_t>(NumberType::i32, {-7})), (Floats{-7}));
  EXPECT_EQ(as_floats(made<std::uint64_t>(NumberType::u64, {1u << 20})), (Floats{1048576}));
  EXPECT_EQ(as_floats(made<std::int64_t>(NumberType::i64, {-16777217})), (Floats{-16777216}));
  EXPECT_EQ(as_floats(made<float>(NumberType::f32, {0.1f})), (Floats{0.1f}));
  EXPECT_EQ(as_floats(made<double>(NumberType::f64, {0.1, 1e300, -1e300})),
            (Floats{0.1f, infinity, -infinity}));
}

TEST(Array, ReadsAllHalvesAsTheirFormulaSays) {
  for (int bits = 0; bits < 65536; ++bits) {
    const float got = as_floats(made<std::uint16_t>(NumberType::f16, {static_cast<std::uint16_t>(bits)}))[0];
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    const double sign = bits >> 15 != 0 ? -1 : 1;
    if (exponent == 31) {
      EXPECT_TRUE(fraction == 0 ? got == static_cast<float>(sign) * infinity : std::isnan(got)) << bits;
    } else {
      const double wanted = exponent == 0 ? fraction / 1024.0 * std::pow(2, -14)
                                          : (1 + fraction / 1024.0) * std::pow(2, exponent - 15);
      EXPECT_EQ(got, static_cast<float>(sign * wanted)) << bits;
    }
  }
}

TEST(Array, BecomesIntegersOrSaysWhyNot) {
  EXPECT_EQ(as_integers(made<std::int64_t>(NumberType::i64, {-5, 5})), (std::vector<Index>{-5, 5}));
  EXPECT_EQ(as_integers(made<std::uint8_t>(NumberType::boolean, {0, 3})), (std::vector<Index>{0, 1}));
  EXPECT_REFUSED(as_integers(made<float>(NumberType::f32, {1}), "labels"),
                 "array 'labels' holds f32, wanted integers");
  EXPECT_REFUSED(as_integers(made<std::uint16_t>(NumberType::f16, {1})), "holds f16");
  EXPECT_REFUSED(as_integers(made<std::uint64_t>(NumberType::u64, {1, 1ull << 63}), "n"),
                 "holds 9223372036854775808 at index 1");
}

TEST(Array, NamesThePlaceOfANumberThatIsNotFinite) {
  EXPECT_NO_THROW(check_finite(made<float>(NumberType::f32, {1}), "image", "FILE"));
  EXPECT_REFUSED(check_finite(made<float>(NumberType::f32, {1, NAN}), "image", "FILE"),
                 "array 'image' of FILE holds NaN at index 1");
  EXPECT_REFUSED(check_finite(made<double>(NumberType::f64, {-HUGE_VAL}), "image", "FILE"),
                 "holds infinity at index 0");
  EXPECT_REFUSED(check_finite(made<std::uint16_t>(NumberType::f16, {0, 0, 0x7C00}), "i", "F"),
                 "infinity at index 2");
  EXPECT_EQ(first_not_finite(std::vector<float>{1, infinity}), 1);
  EXPECT_EQ(first_not_finite(std::vector<float>{1, 2}), std::nullopt);
}

TEST(Array, CopiesATensorWithItsType) {
  const Tensor tensor = test::random_dense({{Axis::T, 1}, {Axis::B, 2}, {Axis::C, 3}}, 7);
  const Array array = array_of(tensor);
  EXPECT_EQ(array.sizes, (std::vector<Index>{1, 2, 3}));
  EXPECT_EQ(array.type, NumberType::f32);
  const auto numbers = tensor.as<float>();
  EXPECT_EQ(as_floats(array), std::vector<float>(numbers.begin(), numbers.end()));
  const Tensor small(Dtype::i16, {{Axis::T, 1}, {Axis::B, 1}});
  small.as_mutable<std::int16_t>()[0] = -3;
  EXPECT_EQ(as_integers(array_of(small)), (std::vector<Index>{-3}));
  EXPECT_EQ(array_of(small).type, NumberType::i16);
}

TEST(CheckedBytes, RefusesProductsThatOverflowEvenBesideAZero) {
  EXPECT_EQ(checked_bytes({}, 4), 4);
  EXPECT_EQ(checked_bytes({2, 3}, 4), 24);
  EXPECT_EQ(checked_bytes({0, 3}, 4), 0);
  EXPECT_EQ(checked_bytes({-1}, 4), std::nullopt);
  EXPECT_EQ(checked_bytes({Index{1} << 62}, 4), std::nullopt);
  EXPECT_EQ(checked_bytes({Index{1} << 32, Index{1} << 32, 0}, 1), std::nullopt);
  EXPECT_EQ(checked_bytes(std::vector<Index>(33, 1), 1), std::nullopt);
}

}  // namespace
}  // namespace volley
