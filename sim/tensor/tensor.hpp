// Dense numbers with named axes.
#pragma once

#include <span>

#include "sim/base/check.hpp"
#include "sim/tensor/memory.hpp"
#include "sim/tensor/shape.hpp"

namespace volley {

enum class Dtype : std::uint8_t { f32, f16, i32, i16, i8 };
std::size_t size_of(Dtype dtype);  // [bytes]
std::string_view name(Dtype dtype);

template <class T>
constexpr bool holds(Dtype dtype) {
  return (std::is_same_v<T, float> && dtype == Dtype::f32) ||
         (std::is_same_v<T, std::int32_t> && dtype == Dtype::i32) ||
         (std::is_same_v<T, std::int16_t> && dtype == Dtype::i16) ||
         (std::is_same_v<T, std::int8_t> && dtype == Dtype::i8) ||
         (std::is_same_v<T, std::uint16_t> && dtype == Dtype::f16);
}

// A handle to row-major numbers: copies share them. Read-only once its writer has finished.
class Tensor {
 public:
  Tensor() = default;
  Tensor(Dtype dtype, Shape shape);  // zeros on the host
  Tensor(Dtype dtype, Shape shape, Storage storage);

  Dtype dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  const Storage& storage() const { return storage_; }

  template <class T>
  std::span<const T> as() const {
    VOLLEY_ASSERT(holds<T>(dtype_));
    return {reinterpret_cast<const T*>(storage_.data()), static_cast<std::size_t>(shape_.count())};
  }
  template <class T>
  std::span<T> as_mutable() const {
    VOLLEY_ASSERT(holds<T>(dtype_));
    return {reinterpret_cast<T*>(storage_.data()), static_cast<std::size_t>(shape_.count())};
  }

  // Steps [first, first + count) of the outermost axis T: a view.
  Tensor steps(Index first, Index count) const;
  // One sample of a tensor [T=1 B ...]: a view with B = 1.
  Tensor sample(Index index) const;

 private:
  Dtype dtype_ = Dtype::f32;
  Shape shape_;
  Storage storage_;
};

// A float tensor with these numbers; their count is that of the shape.
Tensor tensor_of(Shape shape, std::span<const float> numbers);

}  // namespace volley
