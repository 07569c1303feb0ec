// Gives one value its steps.
#include "sim/ops/encode.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "sim/base/parallel.hpp"
#include "sim/base/rng.hpp"
#include "sim/ops/input_checks.hpp"
#include "sim/ops/places.hpp"

namespace volley {
namespace {

constexpr Index rows_per_block = 8;

void direct_reference(const Call& call) {
  if (const auto* dense = std::get_if<Tensor>(&call.in[0])) {
    const std::size_t bytes = static_cast<std::size_t>(dense->shape().count()) * size_of(dense->dtype());
    std::byte* to = std::get<Tensor>(call.out[0]).storage().data();
    for_each_block(call.steps.count, 1, [&](Index begin, Index end) {
      for (auto t = static_cast<std::size_t>(begin); t < static_cast<std::size_t>(end); ++t) {
        std::memcpy(to + t * bytes, dense->storage().data(), bytes);
      }
    });
    return;
  }
  const auto& in = std::get<SpikeTensor>(call.in[0]);
  const auto& out = std::get<SpikeTensor>(call.out[0]);
  for (int p = 0; p < in.code().planes; ++p) {
    const auto from = in.plane(p);
    auto to = out.plane_mutable(p).begin();
    for (Index t = 0; t < call.steps.count; ++t) {
      to = std::copy(from.begin(), from.end(), to);
    }
  }
}

// Writes every row of binary spikes: fires(number, t, i) for number i of the batch in step t of the run.
template <class Fires>
void encode_spikes(const Call& call, const Fires& fires) {
  const auto numbers = std::get<Tensor>(call.in[0]).as<float>();
  const auto& out = std::get<SpikeTensor>(call.out[0]);
  const Index columns = out.shape().row();
  const Index rows_per_step = spec_of(call.in[0]).shape.rows();
  for_each_block(out.rows(), rows_per_block, [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) {
      const Index t = call.steps.first + row / rows_per_step;
      const Index first = row % rows_per_step * columns;
      write_row(out, row, [&](Index column) {
        const Index i = first + column;
        return fires(numbers[static_cast<std::size_t>(i)], t, i) ? 1 : 0;
      });
    }
  });
}

void poisson_reference(const Call& call) {
  const float gain = static_cast<const EncodePoisson&>(call.op).gain();
  const Shape& shape = std::get<Tensor>(call.in[0]).shape();
  const Index before = call.first_sample * shape.stride(Axis::B);  // numbers of the samples before this batch
  encode_spikes(call, [&](float number, Index t, Index i) {
    return random_uniform(call.seed, call.node_key, static_cast<std::uint32_t>(t),
                          static_cast<std::uint64_t>(before + i)) < number * gain;
  });
}

void latency_reference(const Call& call) {
  const float threshold = static_cast<const EncodeLatency&>(call.op).threshold();
  const auto last_step = static_cast<float>(call.steps.total - 1);
  encode_spikes(call, [&](float number, Index t, Index) {
    const float step = std::floor((1.0f - std::min(number, 1.0f)) * last_step + 0.5f);
    return number > threshold && static_cast<Index>(step) == t;
  });
}

ValueSpec spread(ValueSpec spec, Index steps) {
  spec.shape = spec.shape.with(Axis::T, steps);
  return spec;
}

Cost one_comparison_each(std::span<const Activity> in) {
  Cost cost;
  cost.compare = in[0].spec.shape.count();
  return cost;
}

}  // namespace

void EncodeDirect::install(KernelTable& table) {
  table.add(op_kind, {"reference", Device::cpu, Exactness::bits, accepts_all, direct_reference});
}

Form EncodeDirect::wanted_form(std::size_t slot, std::span<const ValueSpec> in) const {
  return spikes_or_dense(in[slot]);
}

std::vector<ValueSpec> EncodeDirect::infer(std::span<const ValueSpec> in, Index steps) const {
  require_no_steps(in[0], "in");
  return {spread(in[0], steps)};
}

void EncodePoisson::install(KernelTable& table) {
  table.add(op_kind, {"reference", Device::cpu, Exactness::bits, accepts_all, poisson_reference});
}

void EncodePoisson::visit(ParamVisitor& visitor) {
  visitor.real("gain", gain_, "of the probability [1]");
}

std::vector<ValueSpec> EncodePoisson::infer(std::span<const ValueSpec> in, Index steps) const {
  VOLLEY_CHECK(gain_ > 0.0f, Fault::model, "gain is {}, wanted more than 0", gain_);
  require_f32(in[0], "in");
  require_no_steps(in[0], "in");
  return {spike_spec(spread(in[0], steps).shape, binary_code())};
}

Cost EncodePoisson::cost(std::span<const Activity> in, std::span<const Activity>) const {
  return one_comparison_each(in);
}

void EncodeLatency::install(KernelTable& table) {
  table.add(op_kind, {"reference", Device::cpu, Exactness::bits, accepts_all, latency_reference});
}

void EncodeLatency::visit(ParamVisitor& visitor) {
  visitor.real("threshold", threshold_, "values up to it stay silent [1]");
}

std::vector<ValueSpec> EncodeLatency::infer(std::span<const ValueSpec> in, Index steps) const {
  VOLLEY_CHECK(threshold_ >= 0.0f, Fault::model, "threshold is {}, wanted 0 or more", threshold_);
  require_f32(in[0], "in");
  require_no_steps(in[0], "in");
  return {spike_spec(spread(in[0], steps).shape, binary_code())};
}

Cost EncodeLatency::cost(std::span<const Activity> in, std::span<const Activity>) const {
  return one_comparison_each(in);
}

}  // namespace volley
