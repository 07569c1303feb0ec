// STAtten: k^T v of a chunk by events, then the rows that q picks.
#include "attention/statten.hpp"

#include <algorithm>
#include <limits>

#include "attention/head_spikes.hpp"
#include "sim/base/parallel.hpp"

namespace volley {
namespace {

constexpr Index lanes_wide = 16;  // tables of 32-bit integers are padded to 64 bytes

struct ChunkCall {
  explicit ChunkCall(const Call& call)
      : op(static_cast<const Statten&>(call.op)),
        q(std::get<SpikeTensor>(call.in[0])),
        k(std::get<SpikeTensor>(call.in[1])),
        v(std::get<SpikeTensor>(call.in[2])),
        shape(attention_shape(q.shape(), k.shape(), op.heads())),
        out(std::get<Tensor>(call.out[0]).as_mutable<float>().data()) {}

  // Products of one head, sample and chunk.
  Index products() const { return shape.slices() / op.chunk(); }
  // Step `step` of the chunk of a product, as a slice.
  HeadSlice slice(Index product, Index step) const {
    const Index in_step = shape.samples * shape.heads;
    return {shape, (product / in_step * op.chunk() + step) * in_step + product % in_step};
  }
  float* out_row(const HeadSlice& at, Index n) const {
    return out + (at.query_row + n) * shape.channels() + at.channel;
  }

  const Statten& op;
  const SpikeTensor &q, &k, &v;
  AttentionShape shape;
  float* out;
};

void run_reference(const Call& any_call) {
  const ChunkCall call(any_call);
  const AttentionShape& shape = call.shape;
  std::vector<std::int64_t> key_value(static_cast<std::size_t>(shape.width * shape.width));
  for (Index product = 0; product < call.products(); ++product) {
    std::fill(key_value.begin(), key_value.end(), 0);
    for (Index step = 0; step < call.op.chunk(); ++step) {
      const HeadSlice at = call.slice(product, step);
      for (Index m = at.key_row; m < at.key_row + shape.keys; ++m) {
        for (Index i = 0; i < shape.width * shape.width; ++i) {
          key_value[static_cast<std::size_t>(i)] +=
              call.k.at(m, at.channel + i / shape.width) * call.v.at(m, at.channel + i % shape.width);
        }
      }
    }
    for (Index step = 0; step < call.op.chunk(); ++step) {
      const HeadSlice at = call.slice(product, step);
      for (Index n = 0; n < shape.queries; ++n) {
        for (Index c = 0; c < shape.width; ++c) {
          std::int64_t sum = 0;
          for (Index i = 0; i < shape.width; ++i) {
            sum += call.q.at(at.query_row + n, at.channel + i) *
                   key_value[static_cast<std::size_t>(i * shape.width + c)];
          }
          call.out_row(at, n)[c] = call.op.scale() * static_cast<float>(sum);
        }
      }
    }
  }
}

struct Scratch {
  HeadSpikes q, k, v;
  std::vector<std::int32_t> values, key_value, sum;
};

void run_linear(const Call& any_call) {
  const ChunkCall call(any_call);
  for_each_block(call.products(), 1, [&](Index product, Index) {
    thread_local Scratch scratch;
    const AttentionShape& shape = call.shape;
    const Index stride = (shape.width + lanes_wide - 1) / lanes_wide * lanes_wide;
    scratch.key_value.assign(static_cast<std::size_t>(shape.width * stride), 0);
    scratch.sum.resize(static_cast<std::size_t>(stride));
    for (Index step = 0; step < call.op.chunk(); ++step) {
      const HeadSlice at = call.slice(product, step);
      scratch.k.cut(call.k, at.key_row, shape.keys, at.channel, shape.width);
      scratch.v.cut(call.v, at.key_row, shape.keys, at.channel, shape.width);
      scratch.v.values_into(scratch.values, stride);
      for (Index m = 0; m < shape.keys; ++m) {
        add_to_rows(scratch.k.events(m), scratch.values.data() + m * stride, stride, stride,
                    scratch.key_value.data());
      }
    }
    for (Index step = 0; step < call.op.chunk(); ++step) {
      const HeadSlice at = call.slice(product, step);
      scratch.q.cut(call.q, at.query_row, shape.queries, at.channel, shape.width);
      for (Index n = 0; n < shape.queries; ++n) {
        sum_rows(scratch.q.events(n), scratch.key_value.data(), stride, stride, scratch.sum.data());
        scale_row(scratch.sum.data(), shape.width, call.op.scale(), call.out_row(at, n));
      }
    }
  });
}

double levels(const ValueSpec& spec) {
  return spec.code.coding == Coding::graded ? spec.code.planes : 1;
}

Verdict accepts_short_sums(const Operator& any_op, std::span<const ValueSpec> in) {
  const auto& op = static_cast<const Statten&>(any_op);
  const AttentionShape shape = attention_shape(in[0].shape, in[1].shape, op.heads());
  const double greatest = static_cast<double>(shape.width) * static_cast<double>(shape.keys * op.chunk()) *
                          levels(in[0]) * levels(in[1]) * levels(in[2]);
  if (greatest > std::numeric_limits<std::int32_t>::max()) {
    return {false, "sums may need more than 32 bits"};
  }
  return {};
}

}  // namespace

void Statten::install(KernelTable& table) {
  table.add(op_kind, {.name = "linear", .accepts = accepts_short_sums, .run = run_linear});
  table.add(op_kind, {.name = "reference", .run = run_reference});
}

void Statten::visit(ParamVisitor& visitor) {
  visitor.integer("heads", heads_, "number of heads [1]", Need::required);
  visitor.integer("chunk", chunk_, "steps that are merged into one product [steps]");
  visitor.real("scale", scale_, "factor of the integer product [1]", Need::required);
}

Form Statten::wanted_form(std::size_t slot, std::span<const ValueSpec> in) const {
  return in[slot].is_dense() ? Form::dense : Form::spikes;  // infer refuses real numbers
}

std::vector<ValueSpec> Statten::infer(std::span<const ValueSpec> in, Index) const {
  const AttentionShape shape = check_attention(in, heads_);
  for (std::size_t slot = 0; slot < in.size(); ++slot) {
    check_spikes(in, slot);
  }
  VOLLEY_CHECK(is_chunk_right(), Fault::model, "chunk is {}, wanted 1 to {}", chunk_, most_chunk);
  VOLLEY_CHECK(
      shape.steps >= chunk_, Fault::model,
      "T is {} in one call, below chunk {}: all steps of a chunk are needed at once; run it layered, "
      "with T a multiple of chunk",
      shape.steps, chunk_);
  VOLLEY_CHECK(shape.steps % chunk_ == 0, Fault::model, "T is {}, wanted a multiple of chunk {}", shape.steps,
               chunk_);
  return {dense_spec(shape.out())};
}

Cost Statten::cost(std::span<const Activity> in, std::span<const Activity>) const {
  Cost cost;
  cost.ac = (in[1].spikes + in[0].spikes) * (in[0].spec.shape[Axis::C] / heads_);
  return cost;
}

Index Statten::dense_mac(std::span<const ValueSpec> in) const {
  const AttentionShape shape = attention_shape(in[0].shape, in[1].shape, heads_);
  return shape.slices() * (shape.keys + shape.queries) * shape.width * shape.width;
}

}  // namespace volley
