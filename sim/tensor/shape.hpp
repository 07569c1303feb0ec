// Named axes and their sizes, outermost first (docs/letters.md).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/device_fn.hpp"

namespace volley {

enum class Axis : std::uint8_t {
  T,
  B,
  H,
  N,
  M,
  C,
  Y,
  X
};  // step, batch, head, token, key token, channel, row, column

char letter(Axis axis);
std::optional<Axis> axis_of(std::string_view letter);  // "C" -> Axis::C
std::vector<Axis> axes_of(std::string_view letters);   // "T N" -> {T, N}; throws Error on another letter

struct Extent {
  Axis axis;
  Index size;
  bool operator==(const Extent&) const = default;
};

struct Shape {
  std::vector<Extent> extents;

  Shape() = default;
  Shape(std::initializer_list<Extent> list) : extents(list) {}

  bool has(Axis axis) const;
  Index operator[](Axis axis) const;  // precondition: has(axis)
  Index size_or(Axis axis, Index otherwise) const;
  std::size_t position(Axis axis) const;    // precondition: has(axis)
  Index count() const;                      // product of all sizes
  Index row() const;                        // size of the last axis; 1 without axes
  Index rows() const;                       // count() / row(), 0 when empty
  Index stride(Axis axis) const;            // elements from one index of the axis to the next
  Shape with(Axis axis, Index size) const;  // the same shape, one size replaced
  Shape without(Axis axis) const;
  bool operator==(const Shape&) const = default;
};

std::string text(const Shape& shape);  // "[T=4 B=1 N=16 C=64]"

// Product of sizes, or nothing when it overflows or a size is negative.
std::optional<Index> checked_count(const std::vector<Index>& sizes);

}  // namespace volley
