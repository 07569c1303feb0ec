// The dense peer of linear: a product by oneDNN.
#include "bench/linear_onednn.hpp"

#include <oneapi/dnnl/dnnl.hpp>
#include <type_traits>

namespace volley::bench {
namespace {

using Memory = dnnl::memory;

using Type = Memory::data_type;

Memory::desc matrix(Index rows, Index columns, Type type) {
  return {{rows, columns}, type, Memory::format_tag::ab};
}

template <class Number>
void fill(const Memory& memory, std::size_t bytes) {
  auto* numbers = static_cast<Number*>(memory.get_data_handle());
  for (std::size_t i = 0; i < bytes / sizeof(Number); ++i) {
    numbers[i] = static_cast<Number>(static_cast<int>(i % 7) - (std::is_unsigned_v<Number> ? 0 : 3));
  }
}

}  // namespace

struct DenseLinear::Impl {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  Memory x, weight, y;
  dnnl::matmul product;

  Impl(Index rows, Index inputs, Index outputs, bool is_f32) {
    const Memory::desc in = matrix(rows, inputs, is_f32 ? Type::f32 : Type::u8);
    const Memory::desc out = matrix(rows, outputs, is_f32 ? Type::f32 : Type::s32);
    // oneDNN may choose the layout of the weight, as a tuned program would let it.
    const Memory::desc any{{inputs, outputs}, is_f32 ? Type::f32 : Type::s8, Memory::format_tag::any};
    const dnnl::matmul::primitive_desc how(dnnl::matmul::desc(in, any, out), engine);
    x = Memory(in, engine);
    y = Memory(out, engine);
    weight = Memory(how.weights_desc(), engine);
    product = dnnl::matmul(how);
    const std::size_t in_bytes = in.get_size();
    const std::size_t weight_bytes = how.weights_desc().get_size();
    if (is_f32) {
      fill<float>(x, in_bytes);
      fill<float>(weight, weight_bytes);
    } else {
      fill<std::uint8_t>(x, in_bytes);
      fill<std::int8_t>(weight, weight_bytes);
    }
  }
};

DenseLinear::DenseLinear(Index rows, Index inputs, Index outputs, Precision precision)
    : impl_(std::make_unique<Impl>(rows, inputs, outputs, precision == Precision::f32)) {}
DenseLinear::~DenseLinear() = default;

void DenseLinear::run() {
  impl_->product.execute(
      impl_->stream, {{DNNL_ARG_SRC, impl_->x}, {DNNL_ARG_WEIGHTS, impl_->weight}, {DNNL_ARG_DST, impl_->y}});
  impl_->stream.wait();
}

}  // namespace volley::bench
