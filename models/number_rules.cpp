// What each built-in operator proves about the numbers that leave it.
#include "models/number_rules.hpp"

#include <algorithm>
#include <cmath>

#include "attention/spike_attention.hpp"
#include "models/attention_number_rules.hpp"
#include "sim/ops/conv2d.hpp"
#include "sim/ops/linear.hpp"
#include "sim/ops/pool.hpp"
#include "sim/ops/readout.hpp"

namespace volley {
namespace {

using Sets = std::vector<NumberSet>;

Sets same(const NumberQuestion& question) {
  return {question.in[0]};
}

Sets added(const NumberQuestion& question) {
  NumberSet total = question.in[0];
  for (const NumberSet& set : question.in.subspan(1)) {
    total = sum(total, set);
  }
  return {total};
}

Sets multiplied(const NumberQuestion& question) {
  return {product(question.in[0], question.in[1])};
}

Sets positive(const NumberQuestion& question) {
  NumberSet set = question.in[0];
  set.least = std::max(set.least, 0.0);
  set.greatest = std::max(set.greatest, 0.0);
  return {set};
}

// A factor that is no power of two is rounded: then the products lie on no grid, and the range is a bit
// wider.
NumberSet rounded(const NumberSet& set, double factor) {
  NumberSet out = scaled(set, factor);
  int exponent = 0;
  if (std::abs(std::frexp(factor, &exponent)) != 0.5) {
    constexpr double slack = 1e-6;
    out.step = 0;
    out.least -= slack * std::abs(out.least);
    out.greatest += slack * std::abs(out.greatest);
  }
  return out;
}

Sets reduced(const NumberQuestion& question) {
  const auto* op = dynamic_cast<const ReadoutReduction*>(&question.op);
  const Index out = question.out_specs[0].shape.count();
  if (op == nullptr || out == 0 || question.in[0].step == 0) {
    return {};
  }
  if (op->is_running()) {  // the divisor grows with the steps
    return {{0, std::min(question.in[0].least, 0.0), std::max(question.in[0].greatest, 0.0)}};
  }
  const Index count = question.in_specs[0].shape.count() / out;
  return {rounded(repeated_sum(question.in[0], count), static_cast<double>(op->scale(count)))};
}

Sets averaged(const NumberQuestion& question) {
  const auto& pool = static_cast<const AveragePool&>(question.op);
  const auto taps = static_cast<double>(pool.kernel() * pool.kernel());
  if (!pool.counts_rim() && pool.padding() > 0) {
    NumberSet set = question.in[0];
    set.step = 0;
    return {rounded(set, 1.0 + 1e-6)};
  }
  const NumberSet in = with_zero(question.in[0]);
  return {rounded(repeated_sum(in, pool.kernel() * pool.kernel()), 1.0 / taps)};
}

Sets attended(const NumberQuestion& question) {
  const auto& op = static_cast<const SpikeAttention&>(question.op);
  const Index width = question.in_specs[0].shape.row() / op.heads();
  const Index keys = question.in_specs[1].shape.extents.at(2).size;
  const NumberSet score = repeated_sum(product(question.in[0], question.in[1]), width);
  const NumberSet total = repeated_sum(product(score, question.in[2]), keys);
  return {rounded(total, static_cast<double>(op.factor(width))), score};
}

Sets mapped(const NumberQuestion& question) {
  const ChannelBounds bounds = channel_bounds(question.op, question.in[0]);
  if (bounds.least.empty()) {
    return {};
  }
  return {{0, *std::min_element(bounds.least.begin(), bounds.least.end()),
           *std::max_element(bounds.greatest.begin(), bounds.greatest.end())}};
}

ChannelBounds bounds_of(const WeightView& weight, const NumberSet& in) {
  constexpr double rounding = 1.2e-7;  // of one float32 operation, both the product's and the sum's
  ChannelBounds bounds;
  for (Index o = 0; o < weight.layout.all_outputs(); ++o) {
    double least = static_cast<double>(weight.bias_or_zero(o));
    double greatest = least;
    double size = std::abs(least);
    for (Index c = 0; c < weight.layout.depth; ++c) {
      const auto w = static_cast<double>(weight.at(o, c));
      least += std::min(w * in.least, w * in.greatest);
      greatest += std::max(w * in.least, w * in.greatest);
      size += std::abs(w) * std::max(std::abs(in.least), std::abs(in.greatest));
    }
    const double slack = rounding * size * static_cast<double>(weight.layout.depth + 1);
    bounds.least.push_back(least - slack);
    bounds.greatest.push_back(greatest + slack);
  }
  return bounds;
}

}  // namespace

ChannelBounds channel_bounds(const Operator& op, const NumberSet& in) {
  if (!in.is_bounded()) {
    return {};
  }
  if (const auto* linear = dynamic_cast<const Linear*>(&op)) {
    return bounds_of({linear->layout(), linear->constants()}, in);
  }
  if (const auto* conv = dynamic_cast<const Conv2d*>(&op)) {
    return bounds_of({conv->layout(), conv->constants()}, with_zero(in));  // the rim is 0
  }
  return {};
}

const NumberRules& number_rules() {
  static const NumberRules rules = [] {
    NumberRules all{{"encode.direct", same},
                    {"convert.dense", same},
                    {"layout.patches", same},
                    {"layout.tokens", same},
                    {"layout.image", same},
                    {"layout.transpose", same},
                    {"layout.flatten", same},
                    {"layout.windows", same},
                    {"layout.from_windows", same},
                    {"layout.take_tokens", same},
                    {"pool.max", same},
                    {"pool.heads", same},
                    {"readout.last", same},
                    {"readout.max", same},
                    {"merge.add", added},
                    {"merge.multiply", multiplied},
                    {"relu", positive},
                    {"readout.sum", reduced},
                    {"readout.mean", reduced},
                    {"pool.average", averaged},
                    {"attention.ssa", attended},
                    {"linear", mapped},
                    {"conv2d", mapped}};
    all.merge(attention_number_rules());
    return all;
  }();
  return rules;
}

}  // namespace volley
