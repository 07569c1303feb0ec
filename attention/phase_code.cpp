// Phases on a circle of 2^40 places, and the neuron that each names.
#include "attention/phase_code.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "sim/base/check.hpp"
#include "sim/base/parallel.hpp"

namespace volley {
namespace {

constexpr Index tokens_per_block = 64;
constexpr double most_ticks = 0x1p53;

double stamp_at(const Value& stamps, Index i) {
  const auto& tensor = std::get<Tensor>(stamps);
  const auto at = static_cast<std::size_t>(i);
  return tensor.dtype() == Dtype::i32 ? static_cast<double>(tensor.as<std::int32_t>()[at])
                                      : static_cast<double>(tensor.as<float>()[at]);
}

std::uint64_t ticks_at(const Value& stamps, Index i) {
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(stamp_at(stamps, i)));
}

// Products and differences modulo 2^64 are right modulo 2^40.
void reference(const Call& call) {
  const auto& op = static_cast<const PhaseCode&>(call.op);
  const auto& out = std::get<SpikeTensor>(call.out[0]);
  const Index tokens = out.shape()[Axis::N];
  const Index words = out.words_per_row();
  const bool has_live = call.in.size() > op.stamp_inputs();
  std::uint64_t* bits = out.plane_mutable(0).data();
  for_each_block(out.rows(), tokens_per_block, [&](Index begin, Index end) {
    std::fill(bits + begin * words, bits + end * words, std::uint64_t{0});
    for (Index i = begin; i < end; ++i) {
      if (has_live && stamp_at(call.in.back(), i) == 0) {
        continue;
      }
      std::uint64_t t = ticks_at(call.in[0], i);
      if (op.time_ref() == TimeRef::since_first) {
        t -= ticks_at(call.in[0], i / tokens * tokens);
      } else if (op.time_ref() == TimeRef::target_span) {
        t = ticks_at(call.in[1], i / tokens) - t;
      }
      Index first = 0;
      for (const std::uint64_t increment : op.increments()) {
        constexpr std::uint64_t circle = std::uint64_t{1} << PhaseCode::circle_bits;
        const std::uint64_t phase = (t * increment) & (circle - 1);
        const Index neuron = first + static_cast<Index>(phase >> (PhaseCode::circle_bits - op.bits()));
        bits[i * words + neuron / 64] |= std::uint64_t{1} << (neuron % 64);
        first += Index{1} << op.bits();
      }
    }
  });
}

void check_numbers(const ValueSpec& spec, std::string_view name) {
  const auto& extents = spec.shape.extents;
  const std::vector<Axis> axes{Axis::T, Axis::B, Axis::N, Axis::C};
  const bool fits = std::equal(extents.begin(), extents.end(), axes.begin(), axes.end(),
                               [](const Extent& extent, Axis axis) { return extent.axis == axis; });
  VOLLEY_CHECK(fits && spec.shape[Axis::C] == 1, Fault::model, "{} is {}, wanted [T B N C=1]", name,
               text(spec));
  VOLLEY_CHECK(spec.is_dense() && (spec.dtype == Dtype::f32 || spec.dtype == Dtype::i32), Fault::model,
               "{} is {}, wanted f32 or i32", name, text(spec));
}

}  // namespace

void PhaseCode::install(KernelTable& table) {
  table.add(op_kind, {.name = "reference", .run = reference});
}

void PhaseCode::visit(ParamVisitor& visitor) {
  visitor.choice_of("time_ref", time_ref_, {"none", "since_first", "target_span"},
                    "where time starts: at 0, at token 0, or back from the input target");
  visitor.integer("bits", bits_, "bits of a phase: 2^bits neurons for each frequency");
}

void PhaseCode::set_weight(std::string_view, const std::vector<Index>& sizes,
                           std::span<const float> numbers) {
  VOLLEY_CHECK(sizes.size() == 1 && sizes[0] >= 1, Fault::model, "omega has {} axes, wanted [k], k >= 1",
               sizes.size());
  increments_.clear();
  for (const float omega : numbers) {
    const double turns = static_cast<double>(omega) / (2 * std::numbers::pi);
    VOLLEY_CHECK(std::abs(turns) <= 0.5, Fault::model,
                 "omega holds {}, wanted -pi to pi: a tick is half a turn or less", omega);
    increments_.push_back(static_cast<std::uint64_t>(std::llround(std::ldexp(turns, circle_bits))));
  }
  constants_[0] = tensor_of({{Axis::C, sizes[0]}}, numbers);
}

std::vector<ValueSpec> PhaseCode::infer(std::span<const ValueSpec> in, Index) const {
  VOLLEY_CHECK(bits_ >= 1 && bits_ <= most_bits, Fault::model, "bits is {}, wanted 1 to {}", bits_,
               most_bits);
  VOLLEY_CHECK(!increments_.empty(), Fault::model, "omega is missing");
  check_numbers(in[0], "stamps");
  const Shape& shape = in[0].shape;
  if (time_ref_ == TimeRef::target_span) {
    const ValueSpec wanted = dense_spec(shape.with(Axis::N, 1), in[0].dtype);
    VOLLEY_CHECK(in[1] == wanted, Fault::model, "target is {}, wanted {}", text(in[1]), text(wanted));
  }
  if (in.size() > stamp_inputs()) {
    const ValueSpec wanted = dense_spec(shape);
    VOLLEY_CHECK(in.back() == wanted, Fault::model, "live is {}, wanted {}", text(in.back()), text(wanted));
  }
  return {spike_spec(shape.with(Axis::C, std::ssize(increments_) << bits_), binary_code())};
}

void PhaseCode::check_values(std::span<const Value> in) const {
  for (std::size_t slot = 0; slot < stamp_inputs(); ++slot) {
    const Shape& shape = spec_of(in[slot]).shape;
    const Index tokens = shape[Axis::N];
    for (Index i = 0; i < shape.count(); ++i) {
      const double stamp = stamp_at(in[slot], i);
      VOLLEY_CHECK(std::abs(stamp) <= most_ticks && std::nearbyint(stamp) == stamp, Fault::model,
                   "{} {} of sample {} (of this batch) is {}, wanted a whole number of ticks",
                   slot == 0 ? "stamp" : "target", i % tokens, i / tokens % shape[Axis::B], stamp);
    }
  }
}

Cost PhaseCode::cost(std::span<const Activity> in, std::span<const Activity>) const {
  const Index live = in.size() > stamp_inputs() ? in.back().spikes : in[0].spec.shape.count();
  Cost cost;
  cost.mac = live * std::ssize(increments_);
  cost.shift = live * std::ssize(increments_);
  cost.add = time_ref_ == TimeRef::none ? 0 : live;
  return cost;
}

Index PhaseCode::dense_mac(std::span<const ValueSpec> in) const {
  return in[0].shape.count() * std::ssize(increments_);
}

}  // namespace volley
