// The dense peer of linear: a float32 product by oneDNN.
#include "bench/linear_onednn.hpp"

#include <oneapi/dnnl/dnnl.hpp>

namespace volley::bench {
namespace {

using Memory = dnnl::memory;

Memory::desc matrix(Index rows, Index columns) {
  return {{rows, columns}, Memory::data_type::f32, Memory::format_tag::ab};
}

}  // namespace

struct DenseLinear::Impl {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  Memory x, weight, y;
  dnnl::matmul product;

  Impl(Index rows, Index inputs, Index outputs)
      : x(matrix(rows, inputs), engine), y(matrix(rows, outputs), engine) {
    // oneDNN may choose the layout of the weight, as a tuned program would let it.
    const Memory::desc any{{inputs, outputs}, Memory::data_type::f32, Memory::format_tag::any};
    const dnnl::matmul::desc what(matrix(rows, inputs), any, matrix(rows, outputs));
    const dnnl::matmul::primitive_desc how(what, engine);
    weight = Memory(how.weights_desc(), engine);
    product = dnnl::matmul(how);
    fill(x, rows * inputs);
    fill(weight, inputs * outputs);
  }

  static void fill(const Memory& memory, Index count) {
    auto* numbers = static_cast<float*>(memory.get_data_handle());
    for (Index i = 0; i < count; ++i) {
      numbers[i] = static_cast<float>(i % 7) - 3.0f;
    }
  }
};

DenseLinear::DenseLinear(Index rows, Index inputs, Index outputs)
    : impl_(std::make_unique<Impl>(rows, inputs, outputs)) {}
DenseLinear::~DenseLinear() = default;

void DenseLinear::run() {
  impl_->product.execute(
      impl_->stream, {{DNNL_ARG_SRC, impl_->x}, {DNNL_ARG_WEIGHTS, impl_->weight}, {DNNL_ARG_DST, impl_->y}});
  impl_->stream.wait();
}

}  // namespace volley::bench
