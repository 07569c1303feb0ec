// Rounds numbers to a few levels and back.
#include "sim/ops/quantise.hpp"

#include <algorithm>
#include <cmath>

#include "sim/base/check.hpp"
#include "sim/base/parallel.hpp"
#include "sim/ops/input_checks.hpp"

namespace volley {
namespace {

constexpr Index numbers_per_block = 4096;
constexpr Index fewest_bits = 2;  // one bit has no symmetric level beside 0
constexpr Index most_bits = 16;   // every level is exact in float32

void quantise_reference(const Call& call) {
  const auto& op = static_cast<const Quantise&>(call.op);
  const auto in = std::get<Tensor>(call.in[0]).as<float>();
  const auto out = std::get<Tensor>(call.out[0]).as_mutable<float>();
  const float scale = op.scale();
  const float lowest = op.lowest();
  const float highest = op.highest();
  for_each_block(static_cast<Index>(out.size()), numbers_per_block, [&](Index begin, Index end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      out[i] = quantised(in[i], scale, lowest, highest);
    }
  });
}

}  // namespace

Index highest_level(Index bits, bool is_signed) {
  return (Index{1} << (is_signed ? bits - 1 : bits)) - 1;
}

float quantised(float number, float scale, float lowest, float highest) {
  const float level = std::min(std::max(std::nearbyint(number / scale), lowest), highest);
  return level * scale + 0.0f;  // + 0 makes 0 of -0
}

void Quantise::install(KernelTable& table) {
  table.add(op_kind, {"reference", Device::cpu, Exactness::bits, accepts_all, quantise_reference});
}

void Quantise::visit(ParamVisitor& visitor) {
  visitor.integer("bits", bits_, "width of a level, 2 to 16 [bit]", Need::required);
  visitor.real("scale", scale_, "distance of two levels, more than 0 [in]", Need::required);
  visitor.flag("signed", is_signed_, "are there levels below 0?");
}

float Quantise::highest() const {
  return static_cast<float>(highest_level(bits_, is_signed_));
}

std::vector<ValueSpec> Quantise::infer(std::span<const ValueSpec> in, Index) const {
  VOLLEY_CHECK(bits_ >= fewest_bits && bits_ <= most_bits, Fault::model, "bits is {}, wanted {} to {}", bits_,
               fewest_bits, most_bits);
  VOLLEY_CHECK(scale_ > 0.0f, Fault::model, "scale is {}, wanted more than 0", scale_);
  require_f32(in[0], "in");
  require_step_and_batch(in[0], "in");
  return {in[0]};
}

Cost Quantise::cost(std::span<const Activity> in, std::span<const Activity>) const {
  Cost cost;
  cost.special = in[0].spec.shape.count();
  return cost;
}

}  // namespace volley
