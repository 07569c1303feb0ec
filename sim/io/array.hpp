// Numbers as they stand in a file: sizes, type and bytes.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/tensor/tensor.hpp"

namespace volley {

enum class NumberType : std::uint8_t { boolean, u8, i8, u16, i16, u32, i32, u64, i64, f16, f32, f64 };
std::size_t size_of(NumberType type);  // [bytes]
std::string_view name(NumberType type);
bool is_float(NumberType type);

// Row-major, little-endian. bytes.size() is the product of the sizes times size_of(type).
struct Array {
  std::vector<Index> sizes;
  NumberType type = NumberType::f32;
  std::vector<std::byte> bytes;

  Index count() const { return static_cast<Index>(bytes.size() / size_of(type)); }
  bool operator==(const Array&) const = default;
};
using Arrays = std::map<std::string, Array>;

// float32 of every number, rounded to nearest; a bool is 0 or 1. Out of range: infinity.
std::vector<float> as_floats(const Array& array);
void as_floats(NumberType type, std::span<const std::byte> bytes, std::span<float> out);
void bfloat16_as_floats(std::span<const std::byte> bytes, std::span<float> out);

// Throws Error that names the array when its type is a float or a number doesn't fit.
std::vector<Index> as_integers(const Array& array, std::string_view name = "array");

// Throws Error when a float is NaN or infinite: "array 'image' of FILE holds nan at index 17".
void check_finite(const Array& array, std::string_view name, const std::string& path);
std::optional<Index> first_not_finite(std::span<const float> numbers);

// Axes are dropped, numbers are copied. i16, i8, f16 and i32 tensors keep their type.
Array array_of(const Tensor& tensor);
Array array_of(std::vector<Index> sizes, std::span<const float> numbers);
Array array_of(std::vector<Index> sizes, std::span<const Index> numbers);
Array array_of(std::vector<Index> sizes, std::span<const std::uint8_t> numbers);

// Bytes of an array, or nothing: a size is negative, more than 32 sizes, or the product of those that are not
// 0 overflows (so that no product of some sizes can).
std::optional<Index> checked_bytes(const std::vector<Index>& sizes, std::size_t bytes_each);
std::string text(const std::vector<Index>& sizes);  // "[2, 3]"

}  // namespace volley
