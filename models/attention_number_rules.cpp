// What the operators of attention, time and tokens prove about their numbers.
#include "models/attention_number_rules.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "attention/bipolar_attention.hpp"
#include "attention/cat.hpp"
#include "attention/dual_spike_attention.hpp"
#include "attention/primal_mix.hpp"
#include "attention/qk_attention.hpp"
#include "attention/resonator_bank.hpp"
#include "attention/selection.hpp"
#include "attention/statten.hpp"
#include "attention/time_features.hpp"

namespace volley {
namespace {

using Sets = std::vector<NumberSet>;

constexpr double rounding = 1.2e-7;  // of one float32 operation

NumberSet widened(NumberSet set, double slack) {
  const double size = std::max(std::abs(set.least), std::abs(set.greatest));
  if (set.is_bounded()) {
    set.least -= slack * size;
    set.greatest += slack * size;
  }
  return set;
}

// A result of float32 sums of so many terms: on the grid if there is one, else a bit wider.
NumberSet summed(NumberSet set, Index terms) {
  return set.step > 0 ? set : widened(set, rounding * static_cast<double>(terms + 4));
}

// A factor that is no power of two leaves no grid.
NumberSet times_scale(const NumberSet& set, float scale) {
  NumberSet out = scaled(set, static_cast<double>(scale));
  int exponent = 0;
  if (std::abs(std::frexp(scale, &exponent)) != 0.5f) {
    out.step = 0;
    out = widened(out, 4 * rounding);
  }
  return out;
}

// Weights of a mean, from 0 to 1.
NumberSet shares() {
  return {0, 0, 1 + 4 * rounding};
}

// A mean of so many numbers, weighted by shares whose sum is 1 at most.
NumberSet weighted_mean(const NumberSet& set, Index terms) {
  constexpr double transform = 1e-5;  // a Fourier transform spreads its error over all numbers
  NumberSet mean = with_zero(set);
  mean.step = 0;
  return widened(mean, transform + rounding * static_cast<double>(terms + 4));
}

NumberSet hull(const NumberSet& a, const NumberSet& b) {
  return {sum(a, b).step, std::min(a.least, b.least), std::max(a.greatest, b.greatest)};
}

NumberSet numbers_of_weight(const Operator& op, std::size_t slot) {
  const auto numbers = std::get<Tensor>(op.constants()[slot]).as<float>();
  const auto [least, greatest] = std::minmax_element(numbers.begin(), numbers.end());
  return {0, static_cast<double>(*least), static_cast<double>(*greatest)};
}

Index tokens_of(const NumberQuestion& question, std::size_t slot) {
  return question.in_specs[slot].shape[Axis::N];
}

Sets same(const NumberQuestion& question) {
  return {question.in[0]};
}

Sets together(const NumberQuestion& question) {
  NumberSet all = question.in[0];
  for (const NumberSet& set : question.in.subspan(1)) {
    all = hull(all, set);
  }
  return {all};
}

Sets softmax(const NumberQuestion& question) {
  return {weighted_mean(question.in[2], tokens_of(question, 1)), shares()};
}

Sets circulant(const NumberQuestion& question) {
  return {weighted_mean(question.in[1], tokens_of(question, 1)), shares()};
}

Sets circulant_spikes(const NumberQuestion& question) {
  const NumberSet total = repeated_sum(product(question.in[0], question.in[1]), tokens_of(question, 1));
  return {numbers_of_spec(question.out_specs[0]), total};
}

NumberSet score_of(const NumberQuestion& question, Index heads) {
  const Index width = question.in_specs[0].shape[Axis::C] / heads;
  return summed(repeated_sum(product(question.in[0], question.in[1]), width), width);
}

Sets bipolar(const NumberQuestion& question) {
  const auto& op = static_cast<const BipolarAttention&>(question.op);
  const Index keys = tokens_of(question, 1);
  if (op.normalise() == BipolarAttention::Normalise::none) {
    const NumberSet score = score_of(question, op.heads());
    return {summed(repeated_sum(product(score, question.in[2]), keys), keys), score};
  }
  NumberSet score = shares();
  NumberSet out = weighted_mean(question.in[2], keys);
  if (op.normalise() == BipolarAttention::Normalise::shiftmax) {
    score = {op.cuts() && op.max_shift() < 64 ? std::ldexp(1.0, -static_cast<int>(op.max_shift())) : 0, 0, 1};
  }
  if (op.arithmetic() == BipolarAttention::Arithmetic::qmn) {  // floor moves each term by less than a step
    const double step = std::ldexp(1.0, -op.frac_bits());
    out = {step, out.least - step * static_cast<double>(keys + 1), out.greatest + step};
  }
  return {out, score};
}

Sets selected(const NumberQuestion& question) {
  const auto& op = static_cast<const SelectiveAttention&>(question.op);
  const Index keys = tokens_of(question, 1);
  if (op.takes()) {
    return {weighted_mean(question.in[2], keys), shares()};
  }
  const Index width = question.in_specs[0].shape[Axis::C] / op.heads();
  const NumberSet score = times_scale(score_of(question, op.heads()), op.scale(width));
  return {summed(repeated_sum(product(score, question.in[2]), keys), keys), score};
}

Sets over_steps(const NumberQuestion& question) {
  const auto& op = static_cast<const Statten&>(question.op);
  const NumberSet score = score_of(question, op.heads());
  const Index keys = tokens_of(question, 1) * op.chunk();
  return {times_scale(repeated_sum(product(score, question.in[2]), keys), op.scale())};
}

Sets head_sums(const NumberQuestion& question) {
  const auto& op = static_cast<const TokenSum&>(question.op);
  return {repeated_sum(question.in[0], question.in_specs[0].shape[Axis::C] / op.heads())};
}

Sets column_sums(const NumberQuestion& question) {  // of q, or of k AND v
  return {repeated_sum(question.in[0], tokens_of(question, 0))};
}

Sets dual_spikes(const NumberQuestion& question) {
  const auto& op = static_cast<const DssaProduct&>(question.op);
  const Index width = question.in_specs[0].shape[Axis::C] / (2 * op.heads());
  const Index terms = question.op.kind() == DssaScores::op_kind ? width : tokens_of(question, 0);
  float scale = 0;
  for (Index head = 0; head < op.heads(); ++head) {
    scale = std::max(scale, op.scale(head, width));
  }
  NumberSet out = scaled(repeated_sum(product(question.in[0], question.in[1]), terms), scale);
  out.step = 0;
  return {summed(out, terms)};
}

// J can have any sign, the loss is its square.
Sets primal(const NumberQuestion& question) {
  Sets sets;
  for (const ValueSpec& spec : question.out_specs) {
    sets.push_back(numbers_of_spec(spec));
  }
  sets.back().least = 0;
  return sets;
}

Sets primal_mixed(const NumberQuestion& question) {
  const auto& op = static_cast<const PrimalMix&>(question.op);
  const auto weights = std::get<Tensor>(op.constants()[0]).as<float>();  // [2s d]
  const auto bias = std::get<Tensor>(op.constants()[1]).as<float>();
  NumberSet all{0, 0, 0};
  for (std::size_t c = 0; c < bias.size(); ++c) {
    const double offset = bias[c];
    NumberSet out{0, offset, offset};
    for (std::size_t i = c; i < weights.size(); i += bias.size()) {
      out = sum(out, scaled(question.in[0], static_cast<double>(weights[i])));
    }
    out.step = 0;
    all = hull(all, out);
  }
  double size = 0;  // sums may cancel, their rounding does not
  for (const float weight : weights) {
    size += std::abs(static_cast<double>(weight));
  }
  const double slack = rounding * static_cast<double>(op.inputs() + 2) * (size + 1);
  return {{0, all.least - slack, all.greatest + slack}};
}

Sets from_zero_at(double bound) {
  return {widened({0, -bound, bound}, 4 * rounding)};
}

Sets bochner(const NumberQuestion& question) {
  const auto& op = static_cast<const TimeBochner&>(question.op);
  if (op.form() == TimeBochner::Map::textbook) {
    return from_zero_at(std::sqrt(1.0 / static_cast<double>(op.frequencies().size())));
  }
  double bound = op.beta().empty() ? 1 : 0;
  for (const double beta : op.beta()) {
    bound = std::max(bound, std::abs(beta));
  }
  return from_zero_at(bound);
}

Sets mercer(const NumberQuestion& question) {
  const auto& op = static_cast<const TimeMercer&>(question.op);
  const auto coefficients = op.coefficients();
  const bool is_textbook = op.form() == TimeMercer::Map::textbook;
  const auto row = is_textbook ? std::size_t{1} : static_cast<std::size_t>(2 * op.degree());
  double bound = 0;
  for (std::size_t first = 0; first < coefficients.size(); first += row) {
    double total = op.bias().empty() ? 0 : std::abs(op.bias()[first / row]);
    for (const double number : coefficients.subspan(first, row)) {
      total += std::abs(number);
    }
    bound = std::max(bound, total);
  }
  return from_zero_at(bound);
}

// Each event so far rings with at most the sum of the gains; damping only makes it less.
Sets resonating(const NumberQuestion& question) {
  const auto& op = static_cast<const ResonatorBank&>(question.op);
  double gains = op.gain().empty() ? static_cast<double>(op.omega().size()) : 0;
  for (const double gain : op.gain()) {
    gains += std::abs(gain);
  }
  NumberSet out = repeated_sum(product(question.in[0], {0, -gains, gains}), tokens_of(question, 0));
  out.step = 0;
  return {widened(out, 4 * rounding)};
}

Sets rows_of_table(const NumberQuestion& question) {
  return {numbers_of_weight(question.op, 0)};
}

Sets hidden(const NumberQuestion& question) {
  return {hull(question.in[0], numbers_of_weight(question.op, 0))};
}

Sets placed(const NumberQuestion& question) {
  return {summed(sum(question.in[0], numbers_of_weight(question.op, 0)), 1)};
}

}  // namespace

NumberRules attention_number_rules() {
  return {{"attention.softmax", softmax},
          {"attention.cat", circulant},
          {"attention.cat_spikes", circulant_spikes},
          {"attention.bipolar", bipolar},
          {"attention.select", selected},
          {"attention.statten", over_steps},
          {"attention.token_sum", head_sums},
          {"attention.channel_sum", column_sums},
          {"attention.sdsa1", column_sums},
          {"attention.dssa_scores", dual_spikes},
          {"attention.dssa_values", dual_spikes},
          {"attention.primal", primal},
          {"attention.primal_scores", primal},
          {"attention.primal_mix", primal_mixed},
          {"attention.resonator", resonating},
          {"time.bochner", bochner},
          {"time.mercer", mercer},
          {"embed.table", rows_of_table},
          {"embed.mask", hidden},
          {"embed.position", placed},
          {"layout.rows_to_tokens", same},
          {"layout.tokens_to_rows", same},
          {"merge.tokens", together},
          {"merge.concat", together}};
}

}  // namespace volley
