// Circulant attention: gathered rows, events of spikes, transforms, plain loops.
#include "attention/cat.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include "attention/cat_fft.hpp"
#include "attention/head_spikes.hpp"
#include "attention/softmax_attention.hpp"
#include "sim/base/check.hpp"
#include "sim/base/parallel.hpp"

namespace volley {
namespace {

constexpr std::string_view direction_words[] = {"corr", "conv"};
constexpr std::string_view causal_words[] = {"none", "rel"};

std::size_t at(Index i) {
  return static_cast<std::size_t>(i);
}

// One call, as every kernel reads it.
struct CatCall {
  explicit CatCall(const Call& call)
      : op(static_cast<const CatAttention&>(call.op)),
        shape(op.shape(spec_of(call.in[1]).shape)),
        z(std::get<Tensor>(call.in[0]).as<float>().data()),
        out(std::get<Tensor>(call.out[0]).as_mutable<float>().data()) {
    if (const auto* spikes = std::get_if<SpikeTensor>(&call.in[1])) {
      v_spikes = spikes;
    } else {
      v = std::get<Tensor>(call.in[1]).as<float>().data();
    }
    if (call.out.size() > 1 && is_present(call.out[1])) {
      weights = std::get<Tensor>(call.out[1]).as_mutable<float>().data();
    }
  }

  float value(Index row, Index channel) const {
    return v != nullptr ? v[row * shape.channels() + channel]
                        : static_cast<float>(v_spikes->at(row, channel));
  }

  const CatAttention& op;
  CatShape shape;
  const float* z;
  const float* v = nullptr;
  const SpikeTensor* v_spikes = nullptr;
  float* out;
  float* weights = nullptr;  // nobody asked for it
};

// Where one slice (t, b, h) stands.
struct CatSlice {
  CatSlice(const CatCall& call, Index slice)
      : head(slice % call.shape.heads),
        first_row(slice / call.shape.heads * call.shape.tokens),
        channel(head * call.shape.width),
        z(call.z + first_row * call.shape.heads + head),
        out(call.out + first_row * call.shape.channels() + channel) {}

  Index head, first_row, channel;
  const float* z;
  float* out;
};

void store_weight(const CatCall& call, const CatSlice& slice, Index n, float weight) {
  if (call.weights != nullptr) {
    call.weights[(slice.first_row + n) * call.shape.heads + slice.head] = weight;
  }
}

// The weights of a row straight from the definition. Precondition: row has N numbers.
void define_row(const CatCall& call, const CatSlice& slice, Index i, std::span<float> row) {
  const Index tokens = call.shape.tokens;
  const Index entries = call.op.is_causal() ? i + 1 : tokens;
  for (Index n = 0; n < entries; ++n) {
    row[at(n)] = slice.z[n * call.shape.heads];
  }
  softmax_row(row.first(at(entries)));
}

void run_reference(const Call& any_call) {
  const CatCall call(any_call);
  const auto [steps, samples, heads, tokens, width] = call.shape;
  const bool is_conv = call.op.is_causal() || call.op.direction() == CatAttention::Direction::conv;
  std::vector<float> row(at(tokens));
  for (Index s = 0; s < call.shape.slices(); ++s) {
    const CatSlice slice(call, s);
    for (Index i = 0; i < tokens; ++i) {
      define_row(call, slice, i, row);
      store_weight(call, slice, i, row[at(i)]);
      for (Index c = 0; c < width; ++c) {
        float sum = 0;
        for (Index j = 0; j < (call.op.is_causal() ? i + 1 : tokens); ++j) {
          const Index roll = ((is_conv ? i - j : j - i) + tokens) % tokens;
          sum += row[at(roll)] * call.value(slice.first_row + j, slice.channel + c);
        }
        slice.out[i * call.shape.channels() + c] = sum;
      }
    }
  }
}

struct CatScratch {
  CatRows rows;
  HeadSpikes spikes;
  std::vector<std::int32_t> spike_values, all;          // all: 0, 1, 2, ...
  std::vector<float> values;                            // [N d]: close together for the caches
  std::vector<std::vector<std::int32_t>> tokens_fired;  // by channel
  std::vector<std::vector<float>> numbers_fired;
  std::vector<float> away, columns;  // the weights that tokens 0, 1, ... get from token 0; sums, [d N]
};

void gather_values(const CatCall& call, const CatSlice& slice, CatScratch& scratch) {
  const auto [steps, samples, heads, tokens, width] = call.shape;
  if (call.v == nullptr) {
    scratch.spikes.cut(*call.v_spikes, slice.first_row, tokens, slice.channel, width);
    scratch.spikes.values_into(scratch.spike_values, width);
    scratch.values.resize(at(tokens * width));
    std::transform(scratch.spike_values.begin(), scratch.spike_values.end(), scratch.values.begin(),
                   [](std::int32_t value) { return static_cast<float>(value); });
    return;
  }
  scratch.values.clear();
  for (Index n = 0; n < tokens; ++n) {
    const float* row = call.v + (slice.first_row + n) * call.shape.channels() + slice.channel;
    scratch.values.insert(scratch.values.end(), row, row + width);
  }
}

// body(slice, scratch) for each head with its rows prepared, on any thread.
template <class Body>
void for_each_head(const CatCall& call, const Body& body) {
  for_each_block(call.shape.slices(), 1, [&](Index s, Index) {
    thread_local CatScratch scratch;
    const CatSlice slice(call, s);
    scratch.rows.prepare(call.op, slice.z, call.shape.heads, call.shape.tokens);
    body(slice, scratch);
  });
}

// A row of A is a window of w written twice, so A itself never exists.
void run_gather(const Call& any_call) {
  const CatCall call(any_call);
  for_each_head(call, [&](const CatSlice& slice, CatScratch& scratch) {
    const auto [steps, samples, heads, tokens, width] = call.shape;
    gather_values(call, slice, scratch);
    scratch.all.resize(at(tokens));
    std::iota(scratch.all.begin(), scratch.all.end(), 0);
    for (Index i = 0; i < tokens; ++i) {
      const std::span<const float> row = scratch.rows.row(i);
      store_weight(call, slice, i, scratch.rows.weight(i));
      sum_rows({std::span(scratch.all).first(row.size()), row}, scratch.values.data(), width, width,
               slice.out + i * call.shape.channels());
    }
  });
}

void store_weights(const CatCall& call, const CatSlice& slice, const CatRows& rows) {
  for (Index n = 0; n < call.shape.tokens; ++n) {
    store_weight(call, slice, n, rows.weight(n));
  }
}

void run_fft(const Call& any_call) {
  const CatCall call(any_call);
  for_each_head(call, [&](const CatSlice& slice, CatScratch& scratch) {
    store_weights(call, slice, scratch.rows);
    gather_values(call, slice, scratch);
    multiply_circulant(scratch.rows.doubled().first(at(call.shape.tokens)), scratch.values.data(),
                       call.shape.width, slice.out, call.shape.channels());
  });
}

void list_events(const CatCall& call, const CatSlice& slice, CatScratch& scratch) {
  const auto [steps, samples, heads, tokens, width] = call.shape;
  scratch.tokens_fired.resize(std::max(scratch.tokens_fired.size(), at(width)));
  scratch.numbers_fired.resize(scratch.tokens_fired.size());
  for (std::size_t c = 0; c < scratch.tokens_fired.size(); ++c) {
    scratch.tokens_fired[c].clear();
    scratch.numbers_fired[c].clear();
  }
  scratch.spikes.cut(*call.v_spikes, slice.first_row, tokens, slice.channel, width);
  for (Index n = 0; n < tokens; ++n) {
    const auto events = scratch.spikes.events(n);
    for (std::size_t e = 0; e < events.rows.size(); ++e) {
      const auto channel = static_cast<std::size_t>(events.rows[e]);
      scratch.tokens_fired[channel].push_back(static_cast<std::int32_t>(n));
      scratch.numbers_fired[channel].push_back(static_cast<float>(events.weights[e]));
    }
  }
}

// Each event adds its column of A to its channel; columns are windows too, of w turned round.
void run_events(const Call& any_call) {
  const CatCall call(any_call);
  for_each_head(call, [&](const CatSlice& slice, CatScratch& scratch) {
    const auto [steps, samples, heads, tokens, width] = call.shape;
    store_weights(call, slice, scratch.rows);
    list_events(call, slice, scratch);
    const auto doubled = scratch.rows.doubled();
    scratch.away.resize(doubled.size());
    for (Index n = 0; n < 2 * tokens; ++n) {
      scratch.away[at(n)] = doubled[at((2 * tokens - n) % tokens)];
    }
    scratch.columns.resize(at(tokens));
    for (Index c = 0; c < width; ++c) {
      // Row j of this table begins j before its middle: a stride of -1.
      sum_rows({scratch.tokens_fired[at(c)], scratch.numbers_fired[at(c)]}, scratch.away.data() + tokens, -1,
               tokens, scratch.columns.data());
      for (Index i = 0; i < tokens; ++i) {
        slice.out[i * call.shape.channels() + c] = scratch.columns[at(i)];
      }
    }
  });
}

Verdict accepts_events(const Operator& op, std::span<const ValueSpec> in) {
  if (static_cast<const CatAttention&>(op).is_causal()) {
    return {false, "causal columns are no windows of one row"};
  }
  return in[1].is_spikes() ? Verdict{} : Verdict{false, "v is not spikes"};
}

Verdict accepts_fft(const Operator& op, std::span<const ValueSpec> in) {
  constexpr Index gathered_per_step = 16;  // measured: at N = 256 both take as long
  if (static_cast<const CatAttention&>(op).is_causal()) {
    return {false, "causal weights are no circulant"};
  }
  if (!in[1].is_dense()) {
    return {false, "v is spikes"};
  }
  const Index tokens = in[1].shape[Axis::N];
  return tokens >= gathered_per_step * transform_steps(tokens)
             ? Verdict{}
             : Verdict{false, "N is small or has a large prime factor"};
}

}  // namespace

void CatAttention::install(KernelTable& table) {
  table.add(op_kind, {.name = "events", .accepts = accepts_events, .run = run_events});
  table.add(op_kind,
            {.name = "fft", .exactness = Exactness::tolerance, .accepts = accepts_fft, .run = run_fft});
  table.add(op_kind, {.name = "gather", .run = run_gather});
  table.add(op_kind, {.name = "reference", .run = run_reference});
}

void CatAttention::visit(ParamVisitor& visitor) {
  visitor.integer("heads", heads_, "number of heads, one logit each [1]", Need::required);
  visitor.choice_of("direction", direction_, direction_words,
                    "weight of token j for token i: that of j - i (corr) or of i - j (conv)");
  visitor.choice_of("causal", causal_, causal_words, "rel: no token sees a later one, weights by i - j");
}

Form CatAttention::wanted_form(std::size_t slot, std::span<const ValueSpec> in) const {
  return slot == 0 || in[slot].is_dense() ? Form::dense : Form::spikes;
}

CatShape CatAttention::shape(const Shape& v) const {
  return {v[Axis::T], v[Axis::B], heads_, v[Axis::N], v[Axis::C] / heads_};
}

Index CatAttention::pairs(Index tokens) const {
  return is_causal() ? tokens * (tokens + 1) / 2 : tokens * tokens;
}

void check_cat_tokens(const ValueSpec& spec, std::string_view input) {
  constexpr std::array<Axis, 4> axes{Axis::T, Axis::B, Axis::N, Axis::C};
  const auto& extents = spec.shape.extents;
  VOLLEY_CHECK(std::equal(extents.begin(), extents.end(), axes.begin(), axes.end(),
                          [](const Extent& extent, Axis axis) { return extent.axis == axis; }),
               Fault::model, "{} is {}, wanted the axes T B N C", input, text(spec));
  for (const Extent& extent : extents) {
    VOLLEY_CHECK(extent.size >= 1, Fault::model, "{} of {} is {}, wanted at least 1", letter(extent.axis),
                 input, extent.size);
  }
}

std::vector<ValueSpec> CatAttention::infer(std::span<const ValueSpec> in, Index) const {
  check_cat_tokens(in[0], "z");
  check_cat_tokens(in[1], "v");
  const Shape& z = in[0].shape;
  const Shape& v = in[1].shape;
  for (const Axis axis : {Axis::T, Axis::B, Axis::N}) {
    VOLLEY_CHECK(v[axis] == z[axis], Fault::model, "{} of v is {}, wanted {} as in z", letter(axis), v[axis],
                 z[axis]);
  }
  VOLLEY_CHECK(heads_ >= 1, Fault::model, "heads is {}, wanted at least 1", heads_);
  VOLLEY_CHECK(z[Axis::C] == heads_, Fault::model, "C of z is {}, wanted heads {}: one logit for each",
               z[Axis::C], heads_);
  VOLLEY_CHECK(v[Axis::C] % heads_ == 0, Fault::model, "C of v is {}, wanted a multiple of heads {}",
               v[Axis::C], heads_);
  VOLLEY_CHECK(in[0].is_dense() && in[0].dtype == Dtype::f32, Fault::model, "z is {}, wanted dense f32",
               domain(in[0]));
  VOLLEY_CHECK(in[1].is_spikes() || (in[1].is_dense() && in[1].dtype == Dtype::f32), Fault::model,
               "v is {}, wanted dense f32 or spikes", domain(in[1]));
  return {dense_spec(v), dense_spec(z)};
}

std::vector<Axis> CatAttention::activity_axes(std::size_t slot) const {
  return slot == 1 && is_causal() ? std::vector<Axis>{Axis::N} : std::vector<Axis>{};
}

Cost CatAttention::cost(std::span<const Activity> in, std::span<const Activity>) const {
  const CatShape sizes = shape(in[1].spec.shape);
  const Index entries = sizes.slices() * (is_causal() ? pairs(sizes.tokens) : sizes.tokens);
  Cost cost;
  cost.compare = entries;
  cost.add = 2 * entries;
  cost.special = 2 * entries;
  if (in[1].spec.is_dense()) {
    cost.mac = sizes.slices() * pairs(sizes.tokens) * sizes.width;
  } else if (!is_causal()) {
    cost.ac = in[1].spikes * sizes.tokens;
  } else {
    for (Index j = 0; j < sizes.tokens; ++j) {
      cost.ac += in[1].marginal[at(j)] * (sizes.tokens - j);
    }
  }
  return cost;
}

Index CatAttention::dense_mac(std::span<const ValueSpec> in) const {
  const CatShape sizes = shape(in[1].shape);
  return sizes.slices() * pairs(sizes.tokens) * sizes.width;
}

}  // namespace volley
