// Softmax attention, plain and with vectors along keys and channels.
#include "attention/softmax_attention.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "attention/weighted_rows.hpp"
#include "sim/base/parallel.hpp"

namespace volley {
namespace {

// Numbers of one call, as every kernel reads them.
struct DenseCall {
  explicit DenseCall(const Call& call)
      : op(static_cast<const SoftmaxAttention&>(call.op)),
        shape(attention_shape(spec_of(call.in[0]).shape, spec_of(call.in[1]).shape, op.heads())),
        scale(op.scale(shape.width)),
        q(std::get<Tensor>(call.in[0]).as<float>().data()),
        k(std::get<Tensor>(call.in[1]).as<float>().data()),
        v(std::get<Tensor>(call.in[2]).as<float>().data()),
        out(std::get<Tensor>(call.out[0]).as_mutable<float>().data()) {
    if (call.out.size() > 1 && is_present(call.out[1])) {
      score = std::get<Tensor>(call.out[1]).as_mutable<float>().data();
    }
  }

  const SoftmaxAttention& op;
  AttentionShape shape;
  float scale;
  const float *q, *k, *v;
  float* out;
  float* score = nullptr;  // nobody asked for it
};

void store_score(const DenseCall& call, Index first, std::span<const float> row) {
  if (call.score != nullptr) {
    std::copy(row.begin(), row.end(), call.score + first);
  }
}

void run_reference(const Call& any_call) {
  const DenseCall call(any_call);
  const auto [steps, samples, heads, queries, keys, width] = call.shape;
  std::vector<float> row(static_cast<std::size_t>(keys));
  for (Index slice = 0; slice < call.shape.slices(); ++slice) {
    const HeadSlice at(call.shape, slice);
    for (Index n = 0; n < queries; ++n) {
      const Index query = (at.query_row + n) * call.shape.channels() + at.channel;
      for (Index m = 0; m < keys; ++m) {
        const Index key = (at.key_row + m) * call.shape.channels() + at.channel;
        float sum = 0;
        for (Index c = 0; c < width; ++c) {
          sum += call.q[query + c] * call.k[key + c];
        }
        row[static_cast<std::size_t>(m)] = sum * call.scale;
      }
      softmax_row(row);
      store_score(call, at.pair + n * keys, row);
      for (Index c = 0; c < width; ++c) {
        float sum = 0;
        for (Index m = 0; m < keys; ++m) {
          const Index value = (at.key_row + m) * call.shape.channels() + at.channel;
          sum += row[static_cast<std::size_t>(m)] * call.v[value + c];
        }
        call.out[query + c] = sum;
      }
    }
  }
}

struct RowScratch {
  std::vector<float> keys;    // [d M]: a lane is a key
  std::vector<float> values;  // [M d]: close together for the caches
  std::vector<float> row;
  std::vector<std::int32_t> all;  // 0, 1, 2, ...
};

void gather_head(const DenseCall& call, const HeadSlice& at, RowScratch& scratch) {
  const auto [steps, samples, heads, queries, keys, width] = call.shape;
  scratch.keys.resize(static_cast<std::size_t>(keys * width));
  scratch.values.clear();
  for (Index m = 0; m < keys; ++m) {
    const Index row = (at.key_row + m) * call.shape.channels() + at.channel;
    for (Index c = 0; c < width; ++c) {
      scratch.keys[static_cast<std::size_t>(c * keys + m)] = call.k[row + c];
    }
    scratch.values.insert(scratch.values.end(), call.v + row, call.v + row + width);
  }
}

// Both products are weighted sums of rows: of k^T along the keys, of v along the channels.
void run_rows(const Call& any_call) {
  const DenseCall call(any_call);
  for_each_block(call.shape.slices(), 1, [&](Index slice, Index) {
    thread_local RowScratch scratch;
    const auto [steps, samples, heads, queries, keys, width] = call.shape;
    const HeadSlice at(call.shape, slice);
    const Index channels = call.shape.channels();
    scratch.all.resize(static_cast<std::size_t>(std::max(keys, width)));
    std::iota(scratch.all.begin(), scratch.all.end(), 0);
    scratch.row.resize(static_cast<std::size_t>(keys));
    gather_head(call, at, scratch);
    const auto first = [&](Index count) {
      return std::span(scratch.all).first(static_cast<std::size_t>(count));
    };
    for (Index n = 0; n < queries; ++n) {
      const Index query = (at.query_row + n) * channels + at.channel;
      const WeightedRows<float> channels_of_query{first(width),
                                                  {call.q + query, static_cast<std::size_t>(width)}};
      sum_rows(channels_of_query, scratch.keys.data(), keys, keys, scratch.row.data());
      for (float& number : scratch.row) {
        number *= call.scale;
      }
      softmax_row(scratch.row);
      store_score(call, at.pair + n * keys, scratch.row);
      sum_rows({first(keys), scratch.row}, scratch.values.data(), width, width, call.out + query);
    }
  });
}

}  // namespace

void softmax_row(std::span<float> row) {
  float greatest = row[0];
  for (const float number : row) {
    greatest = std::max(greatest, number);
  }
  float sum = 0;
  for (float& number : row) {
    number = std::exp(number - greatest);
    sum += number;
  }
  for (float& number : row) {
    number /= sum;
  }
}

void SoftmaxAttention::install(KernelTable& table) {
  table.add(op_kind, {.name = "rows", .run = run_rows});
  table.add(op_kind, {.name = "reference", .run = run_reference});
}

void SoftmaxAttention::visit(ParamVisitor& visitor) {
  visitor.integer("heads", heads_, "number of heads [1]", Need::required);
  visitor.real("scale", scale_, "factor of q k^T, 0 stands for 1 / sqrt(C / heads) [1]");
}

float SoftmaxAttention::scale(Index width) const {
  return scale_ != 0 ? scale_ : 1.0f / std::sqrt(static_cast<float>(width));
}

std::vector<ValueSpec> SoftmaxAttention::infer(std::span<const ValueSpec> in, Index) const {
  const AttentionShape shape = check_attention(in, heads_);
  for (std::size_t slot = 0; slot < in.size(); ++slot) {
    check_dense(in, slot);
  }
  return {dense_spec(shape.out()), dense_spec(shape.score())};
}

Cost SoftmaxAttention::cost(std::span<const Activity> in, std::span<const Activity>) const {
  const AttentionShape shape = attention_shape(in[0].spec.shape, in[1].spec.shape, heads_);
  Cost cost;
  cost.mac = 2 * shape.pairs() * shape.width;
  cost.compare = shape.pairs();
  cost.add = 2 * shape.pairs();
  cost.special = 2 * shape.pairs();
  return cost;
}

Index SoftmaxAttention::dense_mac(std::span<const ValueSpec> in) const {
  const AttentionShape shape = attention_shape(in[0].shape, in[1].shape, heads_);
  return 2 * shape.pairs() * shape.width;
}

}  // namespace volley
