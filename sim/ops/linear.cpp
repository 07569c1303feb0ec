// Linear: checks, cost, and kernels around the shared bodies.
#include "sim/ops/linear.hpp"

#include <numeric>

#include "sim/ops/byte_gather.hpp"

namespace volley {
namespace {

Verdict accepts_spikes(const Operator& op, std::span<const ValueSpec> in) {
  if (!in[0].is_spikes()) {
    return {false, "the input is not spikes"};
  }
  const auto& linear = static_cast<const Linear&>(op);
  if (linear.layout().depth > longest_depth) {
    return {false, "more than 65535 inputs: the lists hold 16 bits"};
  }
  return linear.is_rounded() ? Verdict{false, "the weights are in 8 bits"} : Verdict{};
}

Verdict accepts_dense(const Operator& op, std::span<const ValueSpec> in) {
  if (static_cast<const Linear&>(op).is_rounded()) {
    return {false, "the weights are in 8 bits"};
  }
  return in[0].is_dense() ? Verdict{} : Verdict{false, "the input is spikes"};
}

Verdict accepts_bytes(const Operator& op, std::span<const ValueSpec> in) {
  if (!static_cast<const Linear&>(op).is_rounded()) {
    return {false, "the weights are float32"};
  }
  return in[0].is_spikes() ? Verdict{} : Verdict{false, "the input is not spikes"};
}

WeightView weight_of(const Call& call) {
  return {static_cast<const Linear&>(call.op).layout(), call.constants};
}

float* numbers_of(const Value& out) {
  return std::get<Tensor>(out).as_mutable<float>().data();
}

void gather(const Call& call) {
  const auto& spikes = std::get<SpikeTensor>(call.in[0]);
  const Index inputs = spikes.shape().row();
  gather_rows(
      weight_of(call), spikes.code(), spikes.rows(), numbers_of(call.out[0]),
      [&](RowListBuilder& builder, Index token, Index) { builder.append(spikes, token, 0, inputs, 0); });
}

void gather_fed(const Call& call, const StripSink& sink) {
  const auto& spikes = std::get<SpikeTensor>(call.in[0]);
  const Index inputs = spikes.shape().row();
  const Index steps = spikes.shape()[Axis::T];
  gather_into(
      weight_of(call), spikes.code(), spikes.rows() / steps, steps, sink,
      [&](RowListBuilder& builder, Index token, Index) { builder.append(spikes, token, 0, inputs, 0); });
}

void gather_i8_fed(const Call& call, const StripSink& sink) {
  const auto& spikes = std::get<SpikeTensor>(call.in[0]);
  const Index inputs = spikes.shape().row();
  const Index steps = spikes.shape()[Axis::T];
  gather_bytes({weight_of(call), spikes, spikes.rows() / steps, steps, sink},
               [&](auto& builder, int plane, Index token) {
                 builder.append_plane(spikes, plane, token, 0, inputs, 0);
               });
}

void gather_i8(const Call& call) {
  const Shape& out = shape_of(call.out[0]);
  const CurrentSink current{numbers_of(call.out[0]), out.rows() / out[Axis::T], out.row(), out[Axis::T]};
  gather_i8_fed(call, current.sink());
}

void dense(const Call& call) {
  const WeightView weight = weight_of(call);
  const auto& in = std::get<Tensor>(call.in[0]);
  const float* x = in.as<float>().data();
  float* out = numbers_of(call.out[0]);
  constexpr Index block = 64;
  for_each_part(in.shape().rows(), weight.layout.tiles(), block, [&](const WorkPart& part) {
    sum_dense(x + part.first_token * weight.layout.depth, part.last_token - part.first_token,
              tile_range(weight, 0, part),
              out + part.first_token * weight.layout.outputs + part.first_tile * tile_columns,
              weight.layout.outputs);
  });
}

// Sums of the rounded weights, in integers.
void sum_bytes(const WeightView& weight, const SpikeTensor& spikes, float* out) {
  for (Index row = 0; row < spikes.rows(); ++row) {
    for (Index o = 0; o < weight.layout.outputs; ++o) {
      Index sum = 0;
      for (Index c = 0; c < weight.layout.depth; ++c) {
        sum += spikes.at(row, c) * weight.byte_at(o, c);
      }
      out[row * weight.layout.outputs + o] =
          weight.scale[o] * static_cast<float>(sum) + weight.bias_or_zero(o);
    }
  }
}

// The double loop. value(row, c) is the input as a number.
template <class ValueAt>
void sum_all(const WeightView& weight, Index rows, float* out, const ValueAt& value) {
  for_each_block(rows, 16, [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) {
      for (Index o = 0; o < weight.layout.outputs; ++o) {
        float sum = 0.0f;
        for (Index c = 0; c < weight.layout.depth; ++c) {
          sum += value(row, c) * weight.at(o, c);
        }
        out[row * weight.layout.outputs + o] = sum + weight.bias_or_zero(o);
      }
    }
  });
}

void reference(const Call& call) {
  const WeightView weight = weight_of(call);
  if (const auto* spikes = std::get_if<SpikeTensor>(&call.in[0])) {
    if (weight.bytes != nullptr) {
      sum_bytes(weight, *spikes, numbers_of(call.out[0]));
      return;
    }
    sum_all(weight, spikes->rows(), numbers_of(call.out[0]),
            [&](Index row, Index c) { return static_cast<float>(spikes->at(row, c)); });
    return;
  }
  const auto& in = std::get<Tensor>(call.in[0]);
  const auto numbers = in.as<float>();
  sum_all(weight, in.shape().rows(), numbers_of(call.out[0]), [&](Index row, Index c) {
    return numbers[static_cast<std::size_t>(row * weight.layout.depth + c)];
  });
}

}  // namespace

void Linear::install(KernelTable& table) {
  table.add(op_kind, {"gather", Device::cpu, Exactness::bits, accepts_spikes, gather, gather_fed});
  table.add(op_kind, {"gather_i8", Device::cpu, Exactness::bits, accepts_bytes, gather_i8, gather_i8_fed});
  table.add(op_kind, {"dense", Device::cpu, Exactness::bits, accepts_dense, dense});
  table.add(op_kind, {"reference", Device::cpu, Exactness::bits, accepts_all, reference});
}

void Linear::visit(ParamVisitor& visitor) {
  visitor.integer("norm", norm_, "a spike c stands for c / norm, a power of two [1]");
}

void Linear::set_weight(std::string_view slot, const std::vector<Index>& sizes,
                        std::span<const float> numbers) {
  if (slot == "bias") {
    VOLLEY_CHECK(sizes.size() == 1, Fault::model, "bias has {} axes, wanted 1", sizes.size());
    weight_.set_bias(numbers);
    return;
  }
  VOLLEY_CHECK(sizes.size() == 2, Fault::model, "weight has {} axes, wanted 2: [out in]", sizes.size());
  VOLLEY_CHECK(sizes[0] > 0 && sizes[1] > 0, Fault::model, "weight is [{} {}], wanted no empty axis",
               sizes[0], sizes[1]);
  std::vector<Index> source(static_cast<std::size_t>(sizes[1]));
  std::iota(source.begin(), source.end(), Index{0});
  weight_.set({1, sizes[0], sizes[1]}, numbers, source, norm_);
}

std::vector<ValueSpec> Linear::infer(std::span<const ValueSpec> in, Index) const {
  const ValueSpec& x = in[0];
  const WeightLayout& weight = layout();
  VOLLEY_CHECK(weight.outputs > 0, Fault::model, "weight is missing");
  require_numbers(x, "in");
  VOLLEY_CHECK(!x.shape.extents.empty() && x.shape.extents.back().axis == Axis::C, Fault::model,
               "the input is {}, wanted C as the last axis", text(x));
  VOLLEY_CHECK(x.shape.row() == weight.depth, Fault::model,
               "C of input is {}, wanted {} as in weight [{} {}]", x.shape.row(), weight.depth,
               weight.outputs, weight.depth);
  VOLLEY_CHECK(!weight_.has_bias() || weight_.bias_size() == weight.outputs, Fault::model,
               "bias has {} numbers, wanted {} as in weight [{} {}]", weight_.bias_size(), weight.outputs,
               weight.outputs, weight.depth);
  return {dense_spec(x.shape.with(Axis::C, weight.outputs))};
}

Cost Linear::cost(std::span<const Activity> in, std::span<const Activity>) const {
  Cost cost;
  if (in[0].spec.is_dense()) {
    cost.mac = dense_mac(std::vector{in[0].spec});
  } else {
    cost.ac = in[0].spikes * outputs();
  }
  if (weight_.has_bias()) {
    cost.add = in[0].spec.shape.rows() * outputs();
  }
  return cost;
}

Index Linear::dense_mac(std::span<const ValueSpec> in) const {
  return in[0].shape.count() * outputs();
}

}  // namespace volley
