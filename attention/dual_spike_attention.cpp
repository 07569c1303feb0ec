// DSSA: lists of spikes pick rows of real numbers.
#include "attention/dual_spike_attention.hpp"

#include <algorithm>
#include <cmath>

#include "attention/overlap.hpp"
#include "attention/spike_driven_attention.hpp"
#include "attention/weighted_rows.hpp"
#include "sim/base/parallel.hpp"

namespace volley {
namespace {

// Sizes of one call of either product, and where its heads stand.
struct DssaCall {
  explicit DssaCall(const Call& call)
      : op(static_cast<const DssaProduct&>(call.op)),
        y(std::get<Tensor>(call.in[0]).as<float>().data()),
        spikes(std::get<SpikeTensor>(call.in[1])),
        out(std::get<Tensor>(call.out[0]).as_mutable<float>().data()),
        heads(op.heads()),
        keys(spec_of(call.in[0]).shape[Axis::N]),
        tokens(spikes.shape()[Axis::N]),
        stride(spec_of(call.in[0]).shape[Axis::C]),
        width(stride / (2 * heads)),
        slices(spikes.shape()[Axis::T] * spikes.shape()[Axis::B] * heads) {}

  // y1 of the first token of y in a slice (step, sample, head); y2 is `width` further, the next token
  // `stride`.
  const float* first(Index slice) const {
    return y + slice / heads * keys * stride + slice % heads * 2 * width;
  }
  float scale(Index slice) const { return op.scale(slice % heads, width); }

  const DssaProduct& op;
  const float* y;
  const SpikeTensor& spikes;
  float* out;
  Index heads, keys, tokens, stride, width, slices;  // keys: M, tokens: N
};

void scores_reference(const Call& any_call) {
  const DssaCall call(any_call);
  for (Index slice = 0; slice < call.slices; ++slice) {
    const Index row = slice / call.heads * call.tokens;
    const Index channel = slice % call.heads * call.width;
    for (Index m = 0; m < call.keys; ++m) {
      for (Index n = 0; n < call.tokens; ++n) {
        float sum = 0;
        for (Index c = 0; c < call.width; ++c) {
          sum += call.spikes.at(row + n, channel + c) != 0 ? call.first(slice)[m * call.stride + c] : 0.0f;
        }
        call.out[(slice * call.keys + m) * call.tokens + n] = call.scale(slice) * sum;
      }
    }
  }
}

void values_reference(const Call& any_call) {
  const DssaCall call(any_call);
  for (Index slice = 0; slice < call.slices; ++slice) {
    for (Index n = 0; n < call.tokens; ++n) {
      const Index row = slice / call.heads * call.tokens + n;
      for (Index c = 0; c < call.width; ++c) {
        float sum = 0;
        for (Index m = 0; m < call.keys; ++m) {
          const bool fires = call.spikes.at(slice * call.keys + m, n) != 0;
          sum += fires ? call.first(slice)[m * call.stride + call.width + c] : 0.0f;
        }
        call.out[(row * call.heads + slice % call.heads) * call.width + c] = call.scale(slice) * sum;
      }
    }
  }
}

struct Scratch {
  std::vector<float> table;         // y1 the other way round, [d M]
  std::vector<float> row;           // sums of one token of s
  std::vector<float> ones;          // weights of spikes
  std::vector<std::int32_t> list;   // rows of the table
  std::vector<std::int32_t> first;  // of token n in the list
};

// Each spike of a token of s adds a row of y1^T: a lane is a token of y.
void scores_events(const Call& any_call) {
  const DssaCall call(any_call);
  for_each_block(call.slices, 1, [&](Index slice, Index) {
    thread_local Scratch scratch;
    scratch.table.resize(static_cast<std::size_t>(call.width * call.keys));
    scratch.row.resize(static_cast<std::size_t>(call.keys));
    scratch.ones.assign(static_cast<std::size_t>(call.width), 1.0f);
    for (Index m = 0; m < call.keys; ++m) {
      for (Index c = 0; c < call.width; ++c) {
        scratch.table[static_cast<std::size_t>(c * call.keys + m)] = call.first(slice)[m * call.stride + c];
      }
    }
    const Index words = call.spikes.words_per_row();
    const float scale = call.scale(slice);
    for (Index n = 0; n < call.tokens; ++n) {
      const std::uint64_t* bits =
          call.spikes.plane(0).data() + (slice / call.heads * call.tokens + n) * words;
      scratch.list.clear();
      for (Index w = 0; 64 * w < call.width; ++w) {
        std::uint64_t word = slice_word(bits, slice % call.heads * call.width, call.width, w);
        for (; word != 0; word &= word - 1) {
          scratch.list.push_back(static_cast<std::int32_t>(64 * w + lowest_bit(word)));
        }
      }
      sum_rows({scratch.list, std::span(scratch.ones).first(scratch.list.size())}, scratch.table.data(),
               call.keys, call.keys, scratch.row.data());
      for (Index m = 0; m < call.keys; ++m) {
        call.out[(slice * call.keys + m) * call.tokens + n] =
            scale * scratch.row[static_cast<std::size_t>(m)];
      }
    }
  });
}

// The set tokens m of A for each n, upward, as one list with places in it.
void list_columns(const DssaCall& call, Index slice, Scratch& scratch) {
  const Index words = call.spikes.words_per_row();
  const std::uint64_t* bits = call.spikes.plane(0).data() + slice * call.keys * words;
  const auto for_each_spike = [&](const auto& body) {
    for (Index m = 0; m < call.keys; ++m) {
      for (Index w = 0; w < words; ++w) {
        for (std::uint64_t word = bits[m * words + w]; word != 0; word &= word - 1) {
          body(m, static_cast<std::size_t>(64 * w + lowest_bit(word)));
        }
      }
    }
  };
  scratch.first.assign(static_cast<std::size_t>(call.tokens) + 2, 0);
  for_each_spike([&](Index, std::size_t n) { ++scratch.first[n + 2]; });
  for (std::size_t n = 2; n < scratch.first.size(); ++n) {
    scratch.first[n] += scratch.first[n - 1];
  }
  scratch.list.resize(static_cast<std::size_t>(scratch.first.back()));
  // Filling moves the beginning of token n, at n + 1, to its end, which is the beginning of the next.
  for_each_spike([&](Index m, std::size_t n) {
    scratch.list[static_cast<std::size_t>(scratch.first[n + 1]++)] = static_cast<std::int32_t>(m);
  });
}

// Each spike of A adds a row of y2: a lane is a channel.
void values_events(const Call& any_call) {
  const DssaCall call(any_call);
  for_each_block(call.slices, 1, [&](Index slice, Index) {
    thread_local Scratch scratch;
    scratch.ones.assign(static_cast<std::size_t>(call.keys), 1.0f);
    list_columns(call, slice, scratch);
    const float scale = call.scale(slice);
    for (Index n = 0; n < call.tokens; ++n) {
      const auto begin = static_cast<std::size_t>(scratch.first[static_cast<std::size_t>(n)]);
      const auto count = static_cast<std::size_t>(scratch.first[static_cast<std::size_t>(n) + 1]) - begin;
      const Index row = slice / call.heads * call.tokens + n;
      float* out = call.out + (row * call.heads + slice % call.heads) * call.width;
      sum_rows({std::span(scratch.list).subspan(begin, count), std::span(scratch.ones).first(count)},
               call.first(slice) + call.width, call.stride, call.width, out);
      for (Index c = 0; c < call.width; ++c) {
        out[c] *= scale;
      }
    }
  });
}

}  // namespace

void DssaProduct::visit(ParamVisitor& visitor) {
  visitor.integer("heads", heads_, "number of heads [1]", Need::required);
  if (which_ == Which::values) {
    visitor.integer("tokens", tokens_, "tokens of y that the model was trained with, for the scale [1]",
                    Need::required);
  }
}

Form DssaProduct::wanted_form(std::size_t slot, std::span<const ValueSpec> in) const {
  return slot == 0 ? Form::dense : binary_form(in[slot]);
}

std::string_view DssaProduct::rate_name() const {
  return which_ == Which::scores ? "firing_rate_x" : "firing_rate_attn";
}

void DssaProduct::set_weight(std::string_view, const std::vector<Index>&, std::span<const float> numbers) {
  rates_.assign(numbers.begin(), numbers.end());
}

float DssaProduct::scale(Index head, Index width) const {
  const Index terms = which_ == Which::scores ? width : tokens_;
  return 1.0f / std::sqrt(rates_[static_cast<std::size_t>(head)] * static_cast<float>(terms));
}

void DssaProduct::check_y(const ValueSpec& y) const {
  check_axes(y, "y");
  VOLLEY_CHECK(y.is_dense() && y.dtype == Dtype::f32, Fault::model, "y is {}, wanted dense f32", domain(y));
  VOLLEY_CHECK(heads_ >= 1, Fault::model, "heads is {}, wanted at least 1", heads_);
  VOLLEY_CHECK(y.shape[Axis::C] % (2 * heads_) == 0, Fault::model,
               "C of y is {}, wanted a multiple of 2 for each of {} heads", y.shape[Axis::C], heads_);
}

void DssaProduct::check_rates() const {
  VOLLEY_CHECK(!rates_.empty(), Fault::model, "{} is missing: the scale of the product is made of it",
               rate_name());
  VOLLEY_CHECK(static_cast<Index>(rates_.size()) == heads_, Fault::model,
               "{} has {} numbers, wanted {}, one for each head", rate_name(), rates_.size(), heads_);
  for (std::size_t h = 0; h < rates_.size(); ++h) {
    VOLLEY_CHECK(rates_[h] > 0 && std::isfinite(rates_[h]), Fault::model,
                 "{} of head {} is {}, wanted a number above 0: the model may be untrained", rate_name(), h,
                 rates_[h]);
  }
}

void DssaScores::install(KernelTable& table) {
  table.add(op_kind, {.name = "events", .run = scores_events});
  table.add(op_kind, {.name = "reference", .run = scores_reference});
}

std::vector<ValueSpec> DssaScores::infer(std::span<const ValueSpec> in, Index) const {
  check_y(in[0]);
  check_axes(in[1], "s");
  const Shape& y = in[0].shape;
  const Shape& s = in[1].shape;
  check_agree(s, "s", y, "y", Axis::T);
  check_agree(s, "s", y, "y", Axis::B);
  VOLLEY_CHECK(2 * s[Axis::C] == y[Axis::C], Fault::model, "C of s is {}, wanted {}, half of that of y",
               s[Axis::C], y[Axis::C] / 2);
  check_binary(in[1], "s");
  check_rates();
  return {dense_spec({{Axis::T, s[Axis::T]},
                      {Axis::B, s[Axis::B]},
                      {Axis::H, heads()},
                      {Axis::M, y[Axis::N]},
                      {Axis::N, s[Axis::N]}})};
}

Cost DssaScores::cost(std::span<const Activity> in, std::span<const Activity>) const {
  Cost cost;
  cost.ac = in[1].spikes * in[0].spec.shape[Axis::N];
  return cost;
}

Index DssaScores::dense_mac(std::span<const ValueSpec> in) const {
  return in[1].shape.count() * in[0].shape[Axis::N];
}

void DssaValues::install(KernelTable& table) {
  table.add(op_kind, {.name = "events", .run = values_events});
  table.add(op_kind, {.name = "reference", .run = values_reference});
}

std::vector<ValueSpec> DssaValues::infer(std::span<const ValueSpec> in, Index) const {
  check_y(in[0]);
  const Shape& y = in[0].shape;
  const Shape& a = in[1].shape;
  const Index keys = y[Axis::N];
  const Shape wanted{{Axis::T, y[Axis::T]},
                     {Axis::B, y[Axis::B]},
                     {Axis::H, heads()},
                     {Axis::M, keys},
                     {Axis::N, a.size_or(Axis::N, 0)}};
  VOLLEY_CHECK(a == wanted, Fault::model, "A is {}, wanted {} with any N, as dssa_scores gives it",
               text(in[1]), text(wanted));
  VOLLEY_CHECK(a[Axis::N] >= 1, Fault::model, "N of A is {}, wanted at least 1", a[Axis::N]);
  check_binary(in[1], "A");
  VOLLEY_CHECK(tokens_ >= 1, Fault::model, "tokens is {}, wanted at least 1", tokens_);
  check_rates();
  return {dense_spec(
      {{Axis::T, y[Axis::T]}, {Axis::B, y[Axis::B]}, {Axis::N, a[Axis::N]}, {Axis::C, y[Axis::C] / 2}})};
}

Cost DssaValues::cost(std::span<const Activity> in, std::span<const Activity>) const {
  Cost cost;
  cost.ac = in[1].spikes * (in[0].spec.shape[Axis::C] / (2 * heads()));
  return cost;
}

Index DssaValues::dense_mac(std::span<const ValueSpec> in) const {
  return in[1].shape.count() * (in[0].shape[Axis::C] / (2 * heads()));
}

}  // namespace volley
