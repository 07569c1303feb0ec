// Named axes, their letters and their strides.
#include "sim/tensor/shape.hpp"

#include <gtest/gtest.h>

#include "sim/base/check.hpp"
#include "sim/tensor/value.hpp"

namespace volley {
namespace {

TEST(Shape, KnowsSizesAndStridesByName) {
  const Shape shape{{Axis::T, 4}, {Axis::B, 2}, {Axis::N, 3}, {Axis::C, 5}};
  EXPECT_EQ(shape.count(), 120);
  EXPECT_EQ(shape.rows(), 24);
  EXPECT_EQ(shape.row(), 5);
  EXPECT_EQ(shape.stride(Axis::C), 1);
  EXPECT_EQ(shape.stride(Axis::N), 5);
  EXPECT_EQ(shape.stride(Axis::T), 30);
  EXPECT_EQ(shape.size_or(Axis::H, 9), 9);
  EXPECT_EQ(text(shape.with(Axis::N, 7)), "[T=4 B=2 N=7 C=5]");
  EXPECT_EQ(text(shape.without(Axis::B)), "[T=4 N=3 C=5]");
}

TEST(Axes, AreReadFromTheirLetters) {
  EXPECT_EQ(axes_of("T N"), (std::vector{Axis::T, Axis::N}));
  EXPECT_EQ(axes_of("BHMCYX").size(), 6u);
  EXPECT_THROW(axes_of("Q"), Error);
}

TEST(CheckedCount, SeesOverflowAndNegativeSizes) {
  EXPECT_EQ(checked_count({2, 3, 4}), 24);
  EXPECT_EQ(checked_count({}), 1);
  EXPECT_EQ(checked_count({Index{1} << 40, Index{1} << 40}), std::nullopt);
  EXPECT_EQ(checked_count({4, -1}), std::nullopt);
}

TEST(Value, AStepOfATensorIsAView) {
  Tensor tensor(Dtype::f32, {{Axis::T, 3}, {Axis::C, 2}});
  const Value second = steps_of(Value(tensor), 1, 1);
  std::get<Tensor>(second).as_mutable<float>()[1] = 8.0f;
  EXPECT_EQ(tensor.as<float>()[3], 8.0f);
  const Value copy = copy_of(second);
  tensor.as_mutable<float>()[3] = 9.0f;
  EXPECT_EQ(std::get<Tensor>(copy).as<float>()[1], 8.0f);
}

}  // namespace
}  // namespace volley
