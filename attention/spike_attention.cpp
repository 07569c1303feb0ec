// SSA, in linear order by events, in quadratic order by popcount.
#include "attention/spike_attention.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "attention/head_spikes.hpp"
#include "attention/short_sums.hpp"
#include "sim/base/parallel.hpp"

namespace volley {
namespace {

constexpr std::string_view order_words[] = {"qk_v", "q_kv"};
constexpr Index lanes_wide = 16;  // tables of 32-bit integers are padded to 64 bytes

struct SpikeCall {
  explicit SpikeCall(const Call& call)
      : op(static_cast<const SpikeAttention&>(call.op)),
        q(std::get<SpikeTensor>(call.in[0])),
        k(std::get<SpikeTensor>(call.in[1])),
        v(std::get<SpikeTensor>(call.in[2])),
        shape(attention_shape(q.shape(), k.shape(), op.heads())),
        value_width(v.shape()[Axis::C] / op.heads()),
        factor(op.factor(shape.width)),
        out(std::get<Tensor>(call.out[0]).as_mutable<float>().data()) {
    if (call.out.size() > 1 && is_present(call.out[1])) {
      score = std::get<Tensor>(call.out[1]).as_mutable<std::int32_t>().data();
    }
  }

  Index value_channel(const HeadSlice& at) const { return at.channel / shape.width * value_width; }

  const SpikeAttention& op;
  const SpikeTensor &q, &k, &v;
  AttentionShape shape;
  Index value_width;
  float factor;
  float* out;
  std::int32_t* score = nullptr;  // nobody asked for it
};

// What one product reads: a head of one sample and step, or one group of it.
struct Part {
  HeadSlice at;  // pair: of the first query and key
  Index queries, keys;
};

// body(part) for each group. The score outside of the groups becomes 0.
template <class Body>
void for_each_part(const SpikeCall& call, Index slice, const Body& body) {
  const AttentionShape& shape = call.shape;
  const HeadSlice all(shape, slice);
  if (call.score != nullptr && call.op.groups().is_set()) {
    std::fill_n(call.score + all.pair, shape.queries * shape.keys, 0);
  }
  call.op.groups().for_each(shape, [&](Index first, Index queries, Index keys) {
    Part part{all, queries, keys};
    part.at.query_row += first;
    part.at.key_row += first;
    part.at.pair += first * shape.keys + first;
    body(part);
  });
}

struct Scratch {
  HeadSpikes q, k, v;
  std::vector<std::int32_t> values;     // v as numbers, [M stride]
  std::vector<std::int32_t> key_value;  // k^T v, [d stride]
  std::vector<std::int32_t> row, sum, nonzero, weights;
  std::vector<std::int16_t> short_values, short_key_value;  // the same two in 16 bits
};

Index padded(Index width) {
  return (width + lanes_wide - 1) / lanes_wide * lanes_wide;
}

void cut_heads(const SpikeCall& call, const Part& part, Scratch& scratch) {
  const auto& [at, queries, keys] = part;
  const Index width = call.shape.width;
  scratch.q.cut(call.q, at.query_row, queries, at.channel, width);
  scratch.k.cut(call.k, at.key_row, keys, at.channel, width);
  scratch.v.cut(call.v, at.key_row, keys, call.value_channel(at), call.value_width);
  scratch.v.values_into(scratch.values, padded(call.value_width));
  scratch.sum.resize(static_cast<std::size_t>(padded(call.value_width)));
  for (auto* numbers : {&scratch.row, &scratch.nonzero, &scratch.weights}) {
    numbers->resize(static_cast<std::size_t>(keys));
  }
}

float* out_row(const SpikeCall& call, const HeadSlice& at, Index n) {
  return call.out + (at.query_row + n) * call.shape.heads * call.value_width + call.value_channel(at);
}

void run_reference(const Call& any_call) {
  const SpikeCall call(any_call);
  std::vector<std::int64_t> row(static_cast<std::size_t>(call.shape.keys));
  const auto run_part = [&](const Part& part) {
    const auto& [at, queries, keys] = part;
    for (Index n = 0; n < queries; ++n) {
      for (Index m = 0; m < keys; ++m) {
        std::int64_t sum = 0;
        for (Index c = at.channel; c < at.channel + call.shape.width; ++c) {
          sum += call.q.at(at.query_row + n, c) * call.k.at(at.key_row + m, c);
        }
        row[static_cast<std::size_t>(m)] = sum;
        if (call.score != nullptr) {
          call.score[at.pair + n * call.shape.keys + m] = static_cast<std::int32_t>(sum);
        }
      }
      for (Index c = 0; c < call.value_width; ++c) {
        std::int64_t sum = 0;
        for (Index m = 0; m < keys; ++m) {
          sum += row[static_cast<std::size_t>(m)] * call.v.at(at.key_row + m, call.value_channel(at) + c);
        }
        out_row(call, at, n)[c] = call.factor * static_cast<float>(sum);
      }
    }
  };
  for (Index slice = 0; slice < call.shape.slices(); ++slice) {
    for_each_part(call, slice, run_part);
  }
}

// k^T v first: each event of k adds a row of v, each event of q a row of k^T v.
void linear_part(const SpikeCall& call, const Part& part, Scratch& scratch) {
  const auto& [at, queries, keys] = part;
  const Index stride = padded(call.value_width);
  cut_heads(call, part, scratch);
  scratch.key_value.assign(static_cast<std::size_t>(call.shape.width * stride), 0);
  for (Index m = 0; m < keys; ++m) {
    add_to_rows(scratch.k.events(m), scratch.values.data() + m * stride, stride, stride,
                scratch.key_value.data());
  }
  for (Index n = 0; n < queries; ++n) {
    sum_rows(scratch.q.events(n), scratch.key_value.data(), stride, stride, scratch.sum.data());
    scale_row(scratch.sum.data(), call.value_width, call.factor, out_row(call, at, n));
    if (call.score != nullptr) {
      overlap_row(scratch.q.bits(), n, scratch.k.bits(), call.score + at.pair + n * call.shape.keys);
    }
  }
}

// v as numbers in 16 bits, [M stride].
void short_values_of(const HeadBits& v, Index stride, std::vector<std::int16_t>& values) {
  values.assign(static_cast<std::size_t>(v.tokens * stride), 0);
  for (int p = 0; p < v.code.planes; ++p) {
    const int weight = v.code.weight(p);
    for (Index w = 0; w < v.width_words; ++w) {
      for (Index n = 0; n < v.tokens; ++n) {
        std::int16_t* row = values.data() + n * stride + 64 * w;
        for (std::uint64_t word = v.plane(p)[w * v.tokens + n]; word != 0; word &= word - 1) {
          std::int16_t& value = row[lowest_bit(word)];
          value = static_cast<std::int16_t>(value + weight);
        }
      }
    }
  }
}

// The same in 16-bit sums, where k^T v shows that they are enough.
void short_part(const SpikeCall& call, const Part& part, Scratch& scratch) {
  const auto& [at, queries, keys] = part;
  const Index width = call.shape.width;
  const Index stride = (call.value_width + short_lanes - 1) / short_lanes * short_lanes;
  scratch.q.cut(call.q, at.query_row, queries, at.channel, width);
  scratch.k.cut(call.k, at.key_row, keys, at.channel, width);
  scratch.v.cut(call.v, at.key_row, keys, call.value_channel(at), call.value_width);
  short_values_of(scratch.v.bits(), stride, scratch.short_values);
  std::vector<std::int16_t>& table = scratch.short_key_value;
  table.resize(static_cast<std::size_t>(width * stride));
  const HeadBits q = scratch.q.bits();
  short_key_value(scratch.k.bits(), scratch.short_values.data(), stride, width, table.data());
  const Index levels_of_q = q.code.coding == Coding::graded ? q.code.planes : 1;
  const Index most = greatest_column(table.data(), stride, width);
  if (most * levels_of_q >= std::numeric_limits<std::int16_t>::max()) {
    linear_part(call, part, scratch);
    return;
  }
  for (Index n = 0; n < queries; ++n) {
    short_query(q, n, table.data(), stride, call.factor, call.value_width, out_row(call, at, n));
    if (call.score != nullptr) {
      overlap_row(q, n, scratch.k.bits(), call.score + at.pair + n * call.shape.keys);
    }
  }
}

// q k^T first, by AND and popcount; then the rows of v whose score is not 0.
void bits_part(const SpikeCall& call, const Part& part, Scratch& scratch) {
  const HeadSlice& at = part.at;
  const Index stride = padded(call.value_width);
  cut_heads(call, part, scratch);
  for (Index n = 0; n < part.queries; ++n) {
    overlap_row(scratch.q.bits(), n, scratch.k.bits(), scratch.row.data());
    if (call.score != nullptr) {
      std::copy(scratch.row.begin(), scratch.row.end(), call.score + at.pair + n * call.shape.keys);
    }
    std::size_t count = 0;
    for (std::size_t m = 0; m < scratch.row.size();
         ++m) {  // without a branch: a 0 is written over by the next
      scratch.nonzero[count] = static_cast<std::int32_t>(m);
      scratch.weights[count] = scratch.row[m];
      count += scratch.row[m] != 0 ? 1 : 0;
    }
    sum_rows({std::span(scratch.nonzero).first(count), std::span(scratch.weights).first(count)},
             scratch.values.data(), stride, stride, scratch.sum.data());
    scale_row(scratch.sum.data(), call.value_width, call.factor, out_row(call, at, n));
  }
}

template <void (*run_part)(const SpikeCall&, const Part&, Scratch&)>
void run_parts(const Call& any_call) {
  const SpikeCall call(any_call);
  for_each_block(call.shape.slices(), 1, [&](Index slice, Index) {
    thread_local Scratch scratch;
    for_each_part(call, slice, [&](const Part& part) { run_part(call, part, scratch); });
  });
}

// Greatest |value| of an input.
double levels(const ValueSpec& spec) {
  return spec.code.coding == Coding::graded ? spec.code.planes : 1;
}

double greatest_score(const AttentionShape& shape, std::span<const ValueSpec> in) {
  return static_cast<double>(shape.width) * levels(in[0]) * levels(in[1]);
}

double greatest_sum(const AttentionShape& shape, std::span<const ValueSpec> in) {
  return greatest_score(shape, in) * static_cast<double>(shape.keys) * levels(in[2]);
}

Verdict accepts_short_sums(const Operator& any_op, std::span<const ValueSpec> in) {
  const auto& op = static_cast<const SpikeAttention&>(any_op);
  const AttentionShape shape = attention_shape(in[0].shape, in[1].shape, op.heads());
  if (greatest_sum(shape, in) > std::numeric_limits<std::int32_t>::max()) {
    return {false, "sums may need more than 32 bits"};
  }
  return {};
}

Verdict accepts_linear(const Operator& op, std::span<const ValueSpec> in) {
  const AttentionShape shape =
      attention_shape(in[0].shape, in[1].shape, static_cast<const SpikeAttention&>(op).heads());
  const auto& groups = static_cast<const SpikeAttention&>(op).groups();
  const Index keys = groups.greatest(shape);
  const Index queries = groups.is_set() ? keys : shape.queries;
  if (2 * queries * keys <= (queries + keys) * shape.width) {
    return {false, "too few tokens: k^T v is larger than q k^T"};
  }
  return accepts_short_sums(op, in);
}

Verdict accepts_short_table(const Operator& op, std::span<const ValueSpec> in) {
  const AttentionShape shape =
      attention_shape(in[0].shape, in[1].shape, static_cast<const SpikeAttention&>(op).heads());
  if (static_cast<double>(shape.keys) * levels(in[1]) * levels(in[2]) >
      std::numeric_limits<std::int16_t>::max()) {
    return {false, "k^T v may need more than 16 bits"};
  }
  return accepts_linear(op, in);
}

// v may be wider than q; its C is that of q for all other checks.
AttentionShape check_wide(std::span<const ValueSpec> in, Index heads) {
  check_axes(in[0], "q");
  check_axes(in[2], "v");
  std::array<ValueSpec, 3> narrow{in[0], in[1], in[2]};
  const Index channels = in[0].shape[Axis::C];
  if (in[2].shape[Axis::C] % channels == 0) {
    narrow[2].shape = in[2].shape.with(Axis::C, channels);
  }
  return check_attention(narrow, heads);
}

}  // namespace

void SpikeAttention::install(KernelTable& table) {
  table.add(op_kind, {.name = "linear_i16", .accepts = accepts_short_table, .run = run_parts<short_part>});
  table.add(op_kind, {.name = "linear", .accepts = accepts_linear, .run = run_parts<linear_part>});
  table.add(op_kind, {.name = "bits", .accepts = accepts_short_sums, .run = run_parts<bits_part>});
  table.add(op_kind, {.name = "reference", .run = run_reference});
}

void SpikeAttention::visit(ParamVisitor& visitor) {
  visitor.integer("heads", heads_, "number of heads [1]", Need::required);
  visitor.real("scale", scale_, "factor of the integer product, 0 stands for 2 / sqrt(C / heads) [1]");
  visitor.integer("norm", norm_, "the level that stands for 1: a product of three is divided by norm^3 [1]");
  visitor.choice_of("order", order_, order_words, "which product comes first: (q k^T) v or q (k^T v)");
  groups_.visit(visitor);
}

Form SpikeAttention::wanted_form(std::size_t slot, std::span<const ValueSpec> in) const {
  return in[slot].is_dense() ? Form::dense : Form::spikes;  // infer refuses real numbers
}

float SpikeAttention::factor(Index width) const {
  const float scale = scale_ != 0 ? scale_ : static_cast<float>(2 / std::sqrt(static_cast<double>(width)));
  return scale / static_cast<float>(norm_ * norm_ * norm_);
}

std::vector<ValueSpec> SpikeAttention::infer(std::span<const ValueSpec> in, Index) const {
  const AttentionShape shape = check_wide(in, heads_);
  groups_.check(shape);
  for (std::size_t slot = 0; slot < in.size(); ++slot) {
    check_spikes(in, slot);
  }
  VOLLEY_CHECK(greatest_score(shape, in) <= std::numeric_limits<std::int32_t>::max(), Fault::model,
               "C of q is {}: a score may need more than 32 bits, wanted more heads or fewer levels",
               shape.channels());
  VOLLEY_CHECK(norm_ >= 1 && norm_ <= max_planes && std::has_single_bit(static_cast<std::uint64_t>(norm_)),
               Fault::model, "norm is {}, wanted a power of two from 1 to {}, so that the division is exact",
               norm_, max_planes);
  return {dense_spec(shape.out().with(Axis::C, in[2].shape[Axis::C])), dense_spec(shape.score(), Dtype::i32)};
}

std::vector<Axis> SpikeAttention::activity_axes(std::size_t) const {
  return groups_.is_set() && order_ == Order::qk_v ? std::vector{Axis::N} : std::vector<Axis>{};
}

Cost SpikeAttention::cost(std::span<const Activity> in, std::span<const Activity>) const {
  const AttentionShape shape = attention_shape(in[0].spec.shape, in[1].spec.shape, heads_);
  Cost cost;
  if (order_ == Order::qk_v && groups_.is_set()) {
    for (Index n = 0; n < shape.keys; ++n) {
      const auto at = static_cast<std::size_t>(n);
      cost.ac += (in[0].marginal[at] + in[2].marginal[at]) * groups_.size_of(n);
    }
  } else if (order_ == Order::qk_v) {
    cost.ac = in[0].spikes * shape.keys + in[2].spikes * shape.queries;
  } else {
    cost.ac = (in[1].spikes + in[0].spikes) * (in[2].spec.shape[Axis::C] / heads_);
  }
  return cost;
}

Index SpikeAttention::dense_mac(std::span<const ValueSpec> in) const {
  const AttentionShape shape = attention_shape(in[0].shape, in[1].shape, heads_);
  const Index value_width = in[2].shape[Axis::C] / heads_;
  if (order_ == Order::qk_v) {
    return shape.slices() * groups_.pairs(shape) * (shape.width + value_width);
  }
  return shape.slices() * (shape.keys + shape.queries) * shape.width * value_width;
}

}  // namespace volley
