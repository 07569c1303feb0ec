// Primal attention: weights, checks, costs.
#include "attention/primal.hpp"

#include <algorithm>
#include <array>

#include "attention/cat.hpp"
#include "sim/base/check.hpp"

namespace volley {
namespace {

constexpr std::string_view trace_words[] = {"raw", "data"};
constexpr std::array<std::string_view, PrimalAttention::slot_count> slot_names{
    "we", "wr", "lambda", "concate_weight", "concate_bias"};
constexpr std::array<std::string_view, 3> input_names{"q", "k", "x"};

std::size_t at(Index i) {
  return static_cast<std::size_t>(i);
}

}  // namespace

void PrimalAttention::visit(ParamVisitor& visitor) {
  visitor.integer("heads", heads_, "number of heads [1]", Need::required);
  visitor.flag("causal", causal_, "means over the tokens so far, and weights that don't depend on x");
  sampling_.visit(visitor);
  visitor.real("eps", eps_, "least length that a row is divided by [1]");
  visitor.choice_of("trace", trace_, trace_words, "objective: trace of the weights or of their data form");
}

std::vector<WeightSlot> PrimalAttention::weight_slots() const {
  std::vector<WeightSlot> slots;
  for (const std::string_view name : slot_names) {
    slots.push_back({name});
  }
  return slots;
}

void PrimalAttention::set_weight(std::string_view slot, const std::vector<Index>& sizes,
                                 std::span<const float> numbers) {
  const auto which =
      static_cast<std::size_t>(std::find(slot_names.begin(), slot_names.end(), slot) - slot_names.begin());
  VOLLEY_ASSERT(which < slot_count);
  constexpr std::array<std::size_t, slot_count> axes{3, 3, 2, 2, 1};
  VOLLEY_CHECK(sizes.size() == axes[which], Fault::model, "{} has {} axes, wanted {}", slot, sizes.size(),
               axes[which]);
  VOLLEY_CHECK(std::all_of(sizes.begin(), sizes.end(), [](Index size) { return size > 0; }), Fault::model,
               "{} is {}, wanted no empty axis", slot, sizes_text(sizes));
  std::vector<float> own(numbers.begin(), numbers.end());
  if (which == concate_weight) {
    for (Index row = 0; row < sizes[0]; ++row) {
      for (Index column = 0; column < sizes[1]; ++column) {
        own[at(column * sizes[0] + row)] = numbers[at(row * sizes[1] + column)];
      }
    }
  }
  weight_sizes_[which] = sizes;
  weights_[which] = tensor_of({{Axis::C, static_cast<Index>(own.size())}}, own);
}

PrimalShape PrimalAttention::shape(const Shape& q) const {
  const auto& sizes = weight_sizes_[we];
  return {q[Axis::T], q[Axis::B], heads_, q[Axis::N], q[Axis::C] / heads_, sizes[1], sizes[2]};
}

void PrimalAttention::check_weights(const PrimalShape& sizes) const {
  const std::array<std::vector<Index>, slot_count> wanted{
      std::vector<Index>{heads_, causal_ ? sizes.width : sizes.rows, sizes.rank},
      {heads_, sizes.rows, sizes.rank},
      {heads_, sizes.rank},
      {sizes.width, 2 * sizes.rank},
      {sizes.width}};
  for (std::size_t slot = 0; slot < slot_count; ++slot) {
    VOLLEY_CHECK(weight_sizes_[slot] == wanted[slot], Fault::model, "{} is {}, wanted {}", slot_names[slot],
                 sizes_text(weight_sizes_[slot]), sizes_text(wanted[slot]));
  }
}

void PrimalAttention::check_inputs(std::span<const ValueSpec> in) const {
  VOLLEY_CHECK(in.size() == mask_slot() || in.size() == mask_slot() + 1, Fault::model,
               "there are {} inputs, wanted {}, and maybe mask", in.size(),
               causal_ ? "q and k: it is causal" : "q, k and x");
  for (std::size_t i = 0; i < mask_slot(); ++i) {
    check_cat_tokens(in[i], input_names[i]);
    VOLLEY_CHECK(in[i].shape == in[0].shape, Fault::model, "{} is {}, wanted {} as q", input_names[i],
                 text(in[i].shape), text(in[0].shape));
    VOLLEY_CHECK(in[i].is_dense() && in[i].dtype == Dtype::f32, Fault::model, "{} is {}, wanted dense f32",
                 input_names[i], domain(in[i]));
  }
  const ValueSpec mask = dense_spec(in[0].shape.with(Axis::C, 1));
  VOLLEY_CHECK(in.size() == mask_slot() || in.back() == mask, Fault::model, "mask is {}, wanted {}",
               text(in.back()), text(mask));
}

std::vector<ValueSpec> PrimalAttention::infer(std::span<const ValueSpec> in, Index) const {
  for (std::size_t slot = 0; slot < slot_count; ++slot) {
    VOLLEY_CHECK(!weight_sizes_[slot].empty(), Fault::model, "{} is missing", slot_names[slot]);
  }
  check_inputs(in);
  const Shape& q = in[0].shape;
  VOLLEY_CHECK(heads_ >= 1, Fault::model, "heads is {}, wanted at least 1", heads_);
  VOLLEY_CHECK(q[Axis::C] % heads_ == 0, Fault::model, "C of q is {}, wanted a multiple of heads {}",
               q[Axis::C], heads_);
  VOLLEY_CHECK(eps_ > 0, Fault::model, "eps is {}, wanted more than 0", eps_);
  VOLLEY_CHECK(!causal_ || trace_ == PrimalTrace::raw, Fault::model,
               "trace is data, wanted raw: causal weights don't depend on x");
  const PrimalShape sizes = shape(q);
  check_weights(sizes);
  if (!causal_) {
    sampling_.check(sizes.rows, sizes.rank, sizes.tokens);
  }
  const ValueSpec scores = dense_spec(q.with(Axis::C, heads_ * sizes.rank));
  const ValueSpec number = dense_spec({{Axis::T, sizes.steps}, {Axis::B, sizes.samples}, {Axis::C, 1}});
  return {dense_spec(q), scores, scores, number, number};
}

Index PrimalAttention::dense_mac(std::span<const ValueSpec> in) const {
  const auto sizes = shape(in[0].shape);
  const Index projections = causal_ ? 0 : 2 * sizes.rows * sizes.width * sizes.rank;
  const Index of_token = 4 * sizes.width * sizes.rank;
  return sizes.all_samples() * sizes.heads * (projections + sizes.tokens * of_token);
}

Cost PrimalAttention::cost(std::span<const Activity> in, std::span<const Activity>) const {
  const PrimalShape sizes = shape(in[0].spec.shape);
  const Index rows = sizes.all_samples() * sizes.heads * sizes.tokens;
  const Index means = causal_ ? 2 * rows * sizes.width : 0;
  const std::array<ValueSpec, 1> q{in[0].spec};
  Cost cost;
  cost.mac = dense_mac(q) + 2 * rows * sizes.width;
  cost.compare = 2 * rows + (in.size() > mask_slot() ? rows * sizes.width : 0);
  cost.add = rows * sizes.width + means;
  cost.special = 2 * rows * (sizes.width + 1) + means;
  return cost;
}

}  // namespace volley
