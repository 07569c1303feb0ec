// Scores of spiking primal attention: weights, checks, costs.
#include "attention/primal_scores.hpp"

#include <algorithm>
#include <array>

#include "attention/cat.hpp"
#include "sim/base/check.hpp"

namespace volley {
namespace {

constexpr std::string_view trace_words[] = {"raw", "data"};
constexpr std::array<std::string_view, PrimalScores::slot_count> slot_names{"we", "wr", "lambda"};
constexpr std::array<std::string_view, 3> input_names{"q", "k", "x"};

}  // namespace

void PrimalScores::visit(ParamVisitor& visitor) {
  visitor.integer("heads", heads_, "number of heads [1]", Need::required);
  visitor.flag("causal", causal_, "weights that don't depend on x, and no x");
  sampling_.visit(visitor);
  visitor.real("threshold", threshold_, "least size of a score that fires, above 0 [score]");
  visitor.choice_of("trace", trace_, trace_words, "objective: trace of the weights or of their data form");
}

void PrimalScores::set_weight(std::string_view slot, const std::vector<Index>& sizes,
                              std::span<const float> numbers) {
  const auto which =
      static_cast<std::size_t>(std::find(slot_names.begin(), slot_names.end(), slot) - slot_names.begin());
  VOLLEY_ASSERT(which < slot_count);
  const std::size_t axes = which == lambda ? 2 : 3;
  VOLLEY_CHECK(sizes.size() == axes, Fault::model, "{} has {} axes, wanted {}", slot, sizes.size(), axes);
  VOLLEY_CHECK(std::all_of(sizes.begin(), sizes.end(), [](Index size) { return size > 0; }), Fault::model,
               "{} is {}, wanted no empty axis", slot, sizes_text(sizes));
  weight_sizes_[which] = sizes;
  weights_[which] = tensor_of({{Axis::C, static_cast<Index>(numbers.size())}}, numbers);
}

PrimalScoreSizes PrimalScores::sizes(const Shape& q) const {
  const auto& weight = weight_sizes_[we];
  return {q[Axis::T], q[Axis::B], heads_, q[Axis::N], q[Axis::C] / heads_, weight[1], weight[2]};
}

Form PrimalScores::wanted_form(std::size_t slot, std::span<const ValueSpec> in) const {
  return in[slot].is_dense() ? Form::dense : Form::spikes;  // infer refuses real numbers
}

void PrimalScores::check_inputs(std::span<const ValueSpec> in) const {
  const std::size_t wanted = causal_ ? 2 : 3;
  VOLLEY_CHECK(in.size() == wanted, Fault::model, "there are {} inputs, wanted {}", in.size(),
               causal_ ? "q and k: it is causal" : "q, k and x");
  for (std::size_t i = 0; i < wanted; ++i) {
    check_cat_tokens(in[i], input_names[i]);
    VOLLEY_CHECK(in[i].shape == in[0].shape, Fault::model, "{} is {}, wanted {} as q", input_names[i],
                 text(in[i].shape), text(in[0].shape));
    const bool is_feature = i < 2;
    const bool fits = in[i].is_spikes() && (!is_feature || in[i].code.coding != Coding::graded);
    VOLLEY_CHECK(fits, Fault::model, "{} is {}, wanted {}", input_names[i], domain(in[i]),
                 is_feature ? "binary or bipolar spikes" : "spikes");
  }
}

std::vector<ValueSpec> PrimalScores::infer(std::span<const ValueSpec> in, Index) const {
  for (std::size_t slot = 0; slot < slot_count; ++slot) {
    VOLLEY_CHECK(!weight_sizes_[slot].empty(), Fault::model, "{} is missing", slot_names[slot]);
  }
  check_inputs(in);
  const Shape& q = in[0].shape;
  VOLLEY_CHECK(heads_ >= 1, Fault::model, "heads is {}, wanted at least 1", heads_);
  VOLLEY_CHECK(q[Axis::C] % heads_ == 0, Fault::model, "C of q is {}, wanted a multiple of heads {}",
               q[Axis::C], heads_);
  VOLLEY_CHECK(threshold_ > 0, Fault::model, "threshold is {}, wanted above 0", threshold_);
  VOLLEY_CHECK(!causal_ || trace_ == PrimalTrace::raw, Fault::model,
               "trace is data, wanted raw: causal weights don't depend on x");
  const PrimalScoreSizes all = sizes(q);
  const std::array<std::vector<Index>, slot_count> wanted{
      std::vector<Index>{heads_, causal_ ? all.width : all.rows, all.rank},
      {heads_, all.rows, all.rank},
      {heads_, all.rank}};
  for (std::size_t slot = 0; slot < slot_count; ++slot) {
    VOLLEY_CHECK(weight_sizes_[slot] == wanted[slot], Fault::model, "{} is {}, wanted {}", slot_names[slot],
                 sizes_text(weight_sizes_[slot]), sizes_text(wanted[slot]));
  }
  if (!causal_) {
    sampling_.check(all.rows, all.rank, all.tokens);
  }
  const ValueSpec scores = dense_spec(q.with(Axis::C, heads_ * all.rank));
  const ValueSpec number = dense_spec({{Axis::T, all.steps}, {Axis::B, all.samples}, {Axis::C, 1}});
  return {spike_spec(q.with(Axis::C, 2 * heads_ * all.rank), bipolar_code()), scores, scores, number, number};
}

std::vector<Axis> PrimalScores::activity_axes(std::size_t slot) const {
  return slot == 2 ? std::vector{Axis::N} : std::vector<Axis>{};
}

Cost PrimalScores::cost(std::span<const Activity> in, std::span<const Activity>) const {
  const PrimalScoreSizes all = sizes(in[0].spec.shape);
  Index sampled_events = 0;
  for (Index row = 0; !causal_ && row < all.rows; ++row) {
    sampled_events += in[2].marginal[static_cast<std::size_t>(sampled(row, all.tokens))];
  }
  Cost cost;
  cost.ac = all.rank * (2 * sampled_events + in[0].spikes + in[1].spikes);
  cost.neuron = all.slices() * all.tokens * 2 * all.rank;
  return cost;
}

Index PrimalScores::dense_mac(std::span<const ValueSpec> in) const {
  const PrimalScoreSizes all = sizes(in[0].shape);
  return all.slices() * 2 * ((causal_ ? 0 : all.rows) + all.tokens) * all.width * all.rank;
}

}  // namespace volley
