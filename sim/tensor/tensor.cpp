// Dense numbers with named axes.
#include "sim/tensor/tensor.hpp"

#include <algorithm>
#include <array>

namespace volley {

std::size_t size_of(Dtype dtype) {
  constexpr std::array<std::size_t, 5> sizes{4, 2, 4, 2, 1};
  return sizes[static_cast<std::size_t>(dtype)];
}

std::string_view name(Dtype dtype) {
  constexpr std::array<std::string_view, 5> names{"f32", "f16", "i32", "i16", "i8"};
  return names[static_cast<std::size_t>(dtype)];
}

Tensor::Tensor(Dtype dtype, Shape shape) : dtype_(dtype), shape_(std::move(shape)) {
  storage_.buffer = host_memory().allocate(static_cast<std::size_t>(shape_.count()) * size_of(dtype));
}

Tensor::Tensor(Dtype dtype, Shape shape, Storage storage)
    : dtype_(dtype), shape_(std::move(shape)), storage_(std::move(storage)) {}

Tensor Tensor::steps(Index first, Index count) const {
  VOLLEY_ASSERT(!shape_.extents.empty() && shape_.extents[0].axis == Axis::T);
  Storage part = storage_;
  part.offset += static_cast<std::size_t>(first * shape_.stride(Axis::T)) * size_of(dtype_);
  return {dtype_, shape_.with(Axis::T, count), part};
}

Tensor Tensor::sample(Index index) const {
  VOLLEY_ASSERT(shape_[Axis::T] == 1 && shape_.position(Axis::B) == 1);
  Storage part = storage_;
  part.offset += static_cast<std::size_t>(index * shape_.stride(Axis::B)) * size_of(dtype_);
  return {dtype_, shape_.with(Axis::B, 1), part};
}

Tensor tensor_of(Shape shape, std::span<const float> numbers) {
  Tensor tensor(Dtype::f32, std::move(shape));
  const auto out = tensor.as_mutable<float>();
  VOLLEY_ASSERT(out.size() == numbers.size());
  std::copy(numbers.begin(), numbers.end(), out.begin());
  return tensor;
}

}  // namespace volley
