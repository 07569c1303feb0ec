// Circulant attention: what it takes and costs, and its plain loops.
#include "attention/cat.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include "attention/cat_call.hpp"
#include "attention/cat_fft.hpp"
#include "attention/softmax_attention.hpp"
#include "sim/base/check.hpp"

namespace volley {
namespace {

using cat::at;
using cat::CatCall;
using cat::CatSlice;

constexpr std::string_view direction_words[] = {"corr", "conv"};
constexpr std::string_view causal_words[] = {"none", "rel", "abs"};

// w of the first `count` tokens, straight from the definition. Precondition: w has N numbers.
void define_weights(const CatSlice& slice, Index count, std::span<float> w) {
  std::vector<float> kept;
  for (Index n = 0; n < count; ++n) {
    if (slice.logits.keeps(n)) {
      kept.push_back(slice.logits.z[n * slice.logits.stride]);
    }
  }
  softmax_row(kept);
  std::size_t next = 0;
  for (Index n = 0; n < count; ++n) {
    w[at(n)] = slice.logits.keeps(n) ? kept[next++] : 0.0f;
  }
}

void run_reference(const Call& any_call) {
  const CatCall call(any_call);
  const auto [steps, samples, heads, tokens, width] = call.shape;
  std::vector<float> w(at(tokens));
  for (Index s = 0; s < call.shape.slices(); ++s) {
    const CatSlice slice(call, s);
    for (Index i = 0; i < tokens; ++i) {
      const Index seen = call.op.is_causal() ? i + 1 : tokens;
      define_weights(slice, seen, w);
      cat::store_weight(call, slice, i, w[at(i)]);
      for (Index c = 0; c < width; ++c) {
        float sum = 0;
        for (Index j = 0; j < seen; ++j) {
          sum += w[at(call.op.logit_of(i, j, tokens))] * call.value(slice.first_row + j, slice.channel + c);
        }
        slice.out[i * call.shape.channels() + c] = sum;
      }
    }
  }
}

bool is_long(Index tokens) {
  constexpr Index gathered_per_step = 12;  // measured: at this length both take about as long
  const Index length = circulant_length(tokens);
  return tokens * tokens >= gathered_per_step * length * transform_steps(length);
}

Verdict accepts_events(const Operator& op, std::span<const ValueSpec> in) {
  if (static_cast<const CatAttention&>(op).is_causal()) {
    return {false, "causal columns are no windows of one row"};
  }
  return in[1].is_spikes() ? Verdict{} : Verdict{false, "v is not spikes"};
}

Verdict accepts_events_or_fft(const Operator& op, std::span<const ValueSpec> in) {
  const Verdict events = accepts_events(op, in);
  if (!events.ok) {
    return events;
  }
  return is_long(in[1].shape[Axis::N]) ? Verdict{} : Verdict{false, "N is small"};
}

Verdict accepts_fft(const Operator& op, std::span<const ValueSpec> in) {
  if (static_cast<const CatAttention&>(op).is_causal()) {
    return {false, "causal weights are no circulant"};
  }
  if (!in[1].is_dense()) {
    return {false, "v is spikes"};
  }
  return is_long(in[1].shape[Axis::N]) ? Verdict{} : Verdict{false, "N is small"};
}

Verdict accepts_causal_fft(const Operator& op, std::span<const ValueSpec> in) {
  if (static_cast<const CatAttention&>(op).causal() != CatAttention::Causal::rel) {
    return {false, "causal is not rel"};
  }
  return is_long(std::max<Index>(in[1].shape[Axis::N] / 2, 1)) ? Verdict{} : Verdict{false, "N is small"};
}

Verdict accepts_scan(const Operator& op, std::span<const ValueSpec>) {
  return static_cast<const CatAttention&>(op).causal() == CatAttention::Causal::abs
             ? Verdict{}
             : Verdict{false, "causal is not abs"};
}

}  // namespace

void CatAttention::install(KernelTable& table) {
  const auto rounding = Exactness::tolerance;
  table.add(op_kind, {.name = "events_or_fft",
                      .exactness = rounding,
                      .accepts = accepts_events_or_fft,
                      .run = cat::run_events_or_transforms});
  table.add(op_kind, {.name = "events", .accepts = accepts_events, .run = cat::run_events});
  table.add(op_kind,
            {.name = "fft", .exactness = rounding, .accepts = accepts_fft, .run = cat::run_transforms});
  table.add(op_kind, {.name = "causal_fft",
                      .exactness = rounding,
                      .accepts = accepts_causal_fft,
                      .run = cat::run_causal_transforms});
  table.add(op_kind, {.name = "scan", .exactness = rounding, .accepts = accepts_scan, .run = cat::run_scan});
  table.add(op_kind, {.name = "gather", .run = cat::run_gather});
  table.add(op_kind, {.name = "reference", .run = run_reference});
}

void CatAttention::visit(ParamVisitor& visitor) {
  visitor.integer("heads", heads_, "number of heads, one logit each [1]", Need::required);
  visitor.choice_of("direction", direction_, direction_words,
                    "weight of token j for token i: that of j - i (corr) or of i - j (conv)");
  visitor.choice_of("causal", causal_, causal_words,
                    "rel, abs: no token sees a later one; weight by the logit of i - j (rel) or of j (abs)");
}

Form CatAttention::wanted_form(std::size_t slot, std::span<const ValueSpec> in) const {
  return slot == 1 && in[slot].is_spikes() ? Form::spikes : Form::dense;
}

CatShape CatAttention::shape(const Shape& v) const {
  return {v[Axis::T], v[Axis::B], heads_, v[Axis::N], v[Axis::C] / heads_};
}

Index CatAttention::logit_of(Index i, Index j, Index tokens) const {
  if (causal_ == Causal::abs) {
    return j;
  }
  return ((is_conv() || is_causal() ? i - j : j - i) + tokens) % tokens;
}

std::vector<Index> CatAttention::reach(std::span<const Index> keeps) const {
  const auto tokens = static_cast<Index>(keeps.size());
  std::vector<Index> prefix(keeps.size());  // kept among the first n + 1
  std::partial_sum(keeps.begin(), keeps.end(), prefix.begin());
  std::vector<Index> reach(keeps.size());
  for (Index j = 0; j < tokens; ++j) {
    const Index later = tokens - 1 - j;
    reach[at(j)] = causal_ == Causal::none  ? prefix.back()
                   : causal_ == Causal::rel ? prefix[at(later)]
                                            : keeps[at(j)] * (later + 1);
  }
  return reach;
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
  if (in.size() > key_mask_slot) {
    const ValueSpec wanted = dense_spec(z.with(Axis::C, 1));
    VOLLEY_CHECK(in[key_mask_slot] == wanted, Fault::model, "key_mask is {}, wanted {}",
                 text(in[key_mask_slot]), text(wanted));
  }
  return {dense_spec(v), dense_spec(z)};
}

std::vector<Axis> CatAttention::activity_axes(std::size_t slot) const {
  return slot == 0 ? std::vector<Axis>{} : std::vector<Axis>{Axis::B, Axis::N};
}

Cost CatAttention::cost(std::span<const Activity> in, std::span<const Activity>) const {
  const CatShape sizes = shape(in[1].spec.shape);
  const bool has_key_mask = in.size() > key_mask_slot;
  Index entries = 0;
  Cost cost;
  for (Index b = 0; b < sizes.samples; ++b) {
    std::vector<Index> keeps(at(sizes.tokens), 1);
    if (has_key_mask) {
      std::copy_n(in[key_mask_slot].marginal.begin() + b * sizes.tokens, sizes.tokens, keeps.begin());
    }
    const std::vector<Index> reached = reach(keeps);
    for (Index n = 0; n < sizes.tokens; ++n) {
      entries += heads_ * keeps[at(n)] * (is_causal() ? sizes.tokens - n : 1);
      if (in[1].spec.is_dense()) {
        cost.mac += reached[at(n)] * sizes.channels();
      } else {
        cost.ac += reached[at(n)] * in[1].marginal[at(b * sizes.tokens + n)];
      }
    }
  }
  cost.compare = entries;
  cost.add = 2 * entries;
  cost.special = 2 * entries;
  return cost;
}

Index CatAttention::dense_mac(std::span<const ValueSpec> in) const {
  const CatShape sizes = shape(in[1].shape);
  const Index pairs = is_causal() ? sizes.tokens * (sizes.tokens + 1) / 2 : sizes.tokens * sizes.tokens;
  return sizes.slices() * pairs * sizes.width;
}

}  // namespace volley
