// The dense peers of attention: float32 products and softmax by oneDNN.
#include "bench/attention_onednn.hpp"

#include <oneapi/dnnl/dnnl.hpp>
#include <vector>

namespace volley::bench {
namespace {

using Memory = dnnl::memory;
using Tag = Memory::format_tag;

Memory::desc matrix(Index rows, Index columns, Tag tag = Tag::ab) {
  return {{rows, columns}, Memory::data_type::f32, tag};
}

Memory filled(const Memory::desc& desc, const dnnl::engine& engine) {
  Memory memory(desc, engine);
  auto* numbers = static_cast<float*>(memory.get_data_handle());
  for (std::size_t i = 0; i < desc.get_size() / sizeof(float); ++i) {
    numbers[i] = static_cast<float>(i % 7) * 0.25f - 0.75f;
  }
  return memory;
}

struct Product {
  dnnl::matmul primitive;
  Memory a, b, out;

  Product(const dnnl::engine& engine, const Memory& a_in, const Memory& b_in, const Memory& result)
      : primitive(
            dnnl::matmul::primitive_desc({a_in.get_desc(), b_in.get_desc(), result.get_desc()}, engine)),
        a(a_in),
        b(b_in),
        out(result) {}
  void run(dnnl::stream& stream) const {
    primitive.execute(stream, {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, out}});
  }
};

}  // namespace

struct DenseAttention::Impl {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  std::vector<Product> first, second;  // of each head
  dnnl::softmax_forward softmax;
  Memory between;

  Impl(Work work, Index heads, Index tokens, Index width)
      : between(work == Work::linear ? matrix(width, width) : matrix(tokens, tokens), engine) {
    for (Index h = 0; h < heads; ++h) {
      const Memory q = filled(matrix(tokens, width), engine);
      const Memory v = filled(matrix(tokens, width), engine);
      const Memory out(matrix(tokens, width), engine);
      const Memory k_turned = filled(matrix(width, tokens, Tag::ba), engine);
      if (work == Work::linear) {
        first.emplace_back(engine, k_turned, v, between);
        second.emplace_back(engine, q, between, out);
      } else {
        first.emplace_back(engine, q, k_turned, between);
        second.emplace_back(engine, between, v, out);
      }
    }
    if (work == Work::softmax) {
      softmax = dnnl::softmax_forward(dnnl::softmax_forward::primitive_desc(
          {dnnl::prop_kind::forward_inference, between.get_desc(), 1}, engine));
    }
  }
};

DenseAttention::DenseAttention(Work work, Index heads, Index tokens, Index width)
    : impl_(std::make_unique<Impl>(work, heads, tokens, width)) {}
DenseAttention::~DenseAttention() = default;

void DenseAttention::run() {
  for (std::size_t h = 0; h < impl_->first.size(); ++h) {
    impl_->first[h].run(impl_->stream);
    if (impl_->softmax) {
      impl_->softmax.execute(impl_->stream, {{DNNL_ARG_SRC, impl_->between}, {DNNL_ARG_DST, impl_->between}});
    }
    impl_->second[h].run(impl_->stream);
  }
  impl_->stream.wait();
}

}  // namespace volley::bench
