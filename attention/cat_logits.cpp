// Logits from the mean key, plain and several tokens at once.
#include "attention/cat_logits.hpp"

#include <array>
#include <cmath>
#include <numeric>

#include "attention/cat.hpp"
#include "attention/weighted_rows.hpp"
#include "sim/base/check.hpp"
#include "sim/base/parallel.hpp"

namespace volley {
namespace {

constexpr std::size_t at(Index i) {
  return static_cast<std::size_t>(i);
}

// One call, as both kernels read it.
struct LogitsCall {
  explicit LogitsCall(const Call& call)
      : op(static_cast<const CatLogits&>(call.op)),
        sizes(spec_of(call.in[0]).shape),
        samples(sizes[Axis::T] * sizes[Axis::B]),
        queries(sizes[Axis::N]),
        keys(spec_of(call.in[1]).shape[Axis::N]),
        channels(sizes[Axis::C]),
        width(channels / op.heads()),
        scale(op.scale(width)),
        q(std::get<Tensor>(call.in[0]).as<float>().data()),
        k(std::get<Tensor>(call.in[1]).as<float>().data()),
        out(std::get<Tensor>(call.out[0]).as_mutable<float>().data()) {}

  const CatLogits& op;
  Shape sizes;
  Index samples, queries, keys, channels, width;
  float scale;
  const float *q, *k;
  float* out;
};

void run_reference(const Call& any_call) {
  const LogitsCall call(any_call);
  const Index heads = call.op.heads();
  std::vector<float> mean(at(call.channels));
  for (Index s = 0; s < call.samples; ++s) {
    for (Index c = 0; c < call.channels; ++c) {
      float sum = 0;
      for (Index m = 0; m < call.keys; ++m) {
        sum += call.k[(s * call.keys + m) * call.channels + c];
      }
      mean[at(c)] = sum / static_cast<float>(call.keys);
    }
    for (Index n = s * call.queries; n < (s + 1) * call.queries; ++n) {
      for (Index h = 0; h < heads; ++h) {
        float sum = 0;
        for (Index c = h * call.width; c < (h + 1) * call.width; ++c) {
          sum += call.q[n * call.channels + c] * mean[at(c)];
        }
        call.out[n * heads + h] = sum * call.scale;
      }
    }
  }
}

constexpr Index most_rows = 8;  // as many sums in flight hide the latency of an addition

// Logits of `rows` tokens from token n on, in one head.
template <Index rows>
void sum_tokens(const LogitsCall& call, const float* mean, Index n, Index h) {
  std::array<float, at(rows)> sums{};
  const float* q = call.q + n * call.channels;
  for (Index c = h * call.width; c < (h + 1) * call.width; ++c) {
    for (Index r = 0; r < rows; ++r) {
      sums[at(r)] += q[r * call.channels + c] * mean[c];
    }
  }
  for (Index r = 0; r < rows; ++r) {
    call.out[(n + r) * call.op.heads() + h] = sums[at(r)] * call.scale;
  }
}

struct MeanScratch {
  std::vector<std::int32_t> all;  // 0, 1, 2, ...
  std::vector<float> ones, mean;
};

void run_rows(const Call& any_call) {
  const LogitsCall call(any_call);
  for_each_block(call.samples, 1, [&](Index s, Index) {
    thread_local MeanScratch scratch;
    scratch.all.resize(at(call.keys));
    std::iota(scratch.all.begin(), scratch.all.end(), 0);
    scratch.ones.assign(at(call.keys), 1.0f);
    scratch.mean.resize(at(call.channels));
    sum_rows({scratch.all, scratch.ones}, call.k + s * call.keys * call.channels, call.channels,
             call.channels, scratch.mean.data());
    for (float& number : scratch.mean) {
      number /= static_cast<float>(call.keys);
    }
    for (Index h = 0; h < call.op.heads(); ++h) {
      Index n = s * call.queries;
      for (; n + most_rows <= (s + 1) * call.queries; n += most_rows) {
        sum_tokens<most_rows>(call, scratch.mean.data(), n, h);
      }
      for (; n < (s + 1) * call.queries; ++n) {
        sum_tokens<1>(call, scratch.mean.data(), n, h);
      }
    }
  });
}

void check_dense(const ValueSpec& spec, std::string_view input) {
  VOLLEY_CHECK(spec.is_dense() && spec.dtype == Dtype::f32, Fault::model, "{} is {}, wanted dense f32", input,
               domain(spec));
}

}  // namespace

void CatLogits::install(KernelTable& table) {
  table.add(op_kind, {.name = "rows", .run = run_rows});
  table.add(op_kind, {.name = "reference", .run = run_reference});
}

void CatLogits::visit(ParamVisitor& visitor) {
  visitor.integer("heads", heads_, "number of heads [1]", Need::required);
  visitor.real("scale", scale_, "factor of the logits, 0 stands for 1 / sqrt(C / heads) [1]");
}

float CatLogits::scale(Index width) const {
  return scale_ != 0 ? scale_ : 1.0f / std::sqrt(static_cast<float>(width));
}

std::vector<ValueSpec> CatLogits::infer(std::span<const ValueSpec> in, Index) const {
  check_cat_tokens(in[0], "q");
  check_cat_tokens(in[1], "k");
  const Shape& q = in[0].shape;
  const Shape& k = in[1].shape;
  for (const Axis axis : {Axis::T, Axis::B, Axis::C}) {
    VOLLEY_CHECK(k[axis] == q[axis], Fault::model, "{} of k is {}, wanted {} as in q", letter(axis), k[axis],
                 q[axis]);
  }
  VOLLEY_CHECK(heads_ >= 1, Fault::model, "heads is {}, wanted at least 1", heads_);
  VOLLEY_CHECK(q[Axis::C] % heads_ == 0, Fault::model, "C of q is {}, wanted a multiple of heads {}",
               q[Axis::C], heads_);
  check_dense(in[0], "q");
  check_dense(in[1], "k");
  return {dense_spec(q.with(Axis::C, heads_))};
}

Cost CatLogits::cost(std::span<const Activity> in, std::span<const Activity>) const {
  Cost cost;
  cost.mac = in[0].spec.shape.count();
  cost.add = in[1].spec.shape.count();
  cost.special = in[1].spec.shape.count() / in[1].spec.shape[Axis::N];
  return cost;
}

Index CatLogits::dense_mac(std::span<const ValueSpec> in) const {
  return in[0].shape.count();
}

// q with the mean key, which is real as a rule even of spikes.
std::vector<Product> CatLogits::products(std::span<const Value> in) const {
  const Tensor q = as_dense(in[0]);
  const Tensor k = as_dense(in[1]);
  const Index channels = q.shape().row();
  const Index keys = k.shape().rows();
  std::vector<float> mean(at(channels), 0.0f);
  for (Index m = 0; m < keys; ++m) {
    for (Index c = 0; c < channels; ++c) {
      mean[at(c)] += k.as<float>()[at(m * channels + c)];
    }
  }
  for (float& number : mean) {
    number /= static_cast<float>(keys);
  }
  const Operand all_q = operand_of(q.as<float>());
  const Operand all_means = operand_of(std::span<const float>(mean));
  const auto units_of = [](float number, Numbers numbers) {
    return numbers == Numbers::real ? Index{number != 0} : static_cast<Index>(std::abs(number));
  };
  std::vector<Product> products(at(heads_));
  const Index width = channels / heads_;
  for (Index c = 0; c < channels; ++c) {
    Product& product = products[at(c / width)];
    product.name = product_names::query_key;
    product.head = c / width;
    product.a.numbers = all_q.numbers;
    product.b.numbers = all_means.numbers;
    const float key = mean[at(c)];
    ++product.b.size;
    product.b.nonzero += key != 0 ? 1 : 0;
    product.b.units += units_of(key, product.b.numbers);
    for (Index n = 0; n < q.shape().rows(); ++n) {
      const float query = q.as<float>()[at(n * channels + c)];
      ++product.a.size;
      product.a.nonzero += query != 0 ? 1 : 0;
      product.a.units += units_of(query, product.a.numbers);
      product.event_b += key != 0 ? 1 : 0;
      product.units_b += units_of(key, product.b.numbers);
      product.coincidence += query != 0 && key != 0 ? 1 : 0;
    }
  }
  for (Product& product : products) {
    product.event_a = product.a.nonzero;
    product.units_a = product.a.units;
    product.dense = product.a.size;
    product.dense_padded = product.dense;
  }
  return products;
}

}  // namespace volley
