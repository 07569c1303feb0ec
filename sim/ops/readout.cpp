// Draws one value from many steps, tokens or pixels.
#include "sim/ops/readout.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "sim/base/parallel.hpp"
#include "sim/ops/input_checks.hpp"
#include "sim/ops/places.hpp"

namespace volley {
namespace {

constexpr Index sums_per_block = 64;
constexpr Index numbers_per_block = 4096;

// Some axes of a shape, walked row-major: index within them -> offset in the whole.
struct Walk {
  std::array<Index, 16> sizes{};
  std::array<Index, 16> strides{};
  std::size_t rank = 0;
  Index count = 1;

  void add(Index size, Index stride) {
    sizes[rank] = size;
    strides[rank] = stride;
    ++rank;
    count *= size;
  }
  Index offset(Index index) const {
    Index sum = 0;
    for (std::size_t i = rank; i-- > 0;) {
      sum += index % sizes[i] * strides[i];
      index /= sizes[i];
    }
    return sum;
  }
  // Calls body(offset) for all of them in order, without a division.
  template <class Body>
  void for_each_offset(const Body& body) const {
    std::array<Index, 16> index{};
    Index sum = 0;
    for (Index n = 0; n < count; ++n) {
      body(sum);
      for (std::size_t i = rank; i-- > 0;) {
        sum += strides[i];
        if (++index[i] < sizes[i]) {
          break;
        }
        sum -= sizes[i] * strides[i];
        index[i] = 0;
      }
    }
  }
};

// The axes of one step, apart: those that stay and those that are summed over.
struct Split {
  Walk kept, summed;

  Split(const ReadoutReduction& op, const Shape& shape) {
    for (const Extent& extent : shape.extents) {
      if (extent.axis != Axis::T) {
        (op.is_summed(extent.axis) ? summed : kept).add(extent.size, shape.stride(extent.axis));
      }
    }
  }
};

void reduce_reference(const Call& call) {
  const auto& op = static_cast<const ReadoutReduction&>(call.op);
  const Shape shape = spec_of(call.in[0]).shape;
  const Split split(op, shape);
  const Index columns = shape.row();
  const Index step_size = shape.stride(Axis::T);
  const float scale = op.scale(split.summed.count * (op.gathers() ? call.steps.total : 1));
  float* state = op.sums_steps() ? static_cast<CellState<float>&>(*call.state).cells().data() : nullptr;
  float* out = std::get<Tensor>(call.out[0]).as_mutable<float>().data();
  with_numbers(call.in[0], [&](const auto& at) {
    for_each_block(split.kept.count, sums_per_block, [&](Index begin, Index end) {
      for (Index k = begin; k < end; ++k) {
        for (Index t = 0; t < shape[Axis::T]; ++t) {
          const Index first = t * step_size + split.kept.offset(k);
          float sum = 0.0f;
          split.summed.for_each_offset([&](Index offset) {
            const Index place = first + offset;
            sum += at(place / columns, place % columns);
          });
          if (state == nullptr) {
            out[t * split.kept.count + k] = sum * scale;
          } else {
            state[k] += sum;
          }
          if (op.is_running()) {
            out[t * split.kept.count + k] =
                state[k] * op.scale(split.summed.count * (call.steps.first + t + 1));
          }
        }
        if (op.gathers() && call.steps.is_last()) {
          out[k] = state[k] * scale;
        }
      }
    });
  });
}

// Calls body(i, number) for the numbers of step t of the call.
template <class Body>
void for_each_number(const Call& call, Index t, const Body& body) {
  const Shape shape = spec_of(call.in[0]).shape;
  const Index columns = shape.row();
  const Index step_size = shape.stride(Axis::T);
  with_numbers(call.in[0], [&](const auto& at) {
    for_each_block(step_size, numbers_per_block, [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) {
        const Index place = t * step_size + i;
        body(static_cast<std::size_t>(i), at(place / columns, place % columns));
      }
    });
  });
}

void last_reference(const Call& call) {
  if (!call.steps.is_last()) {
    return;
  }
  const auto out = std::get<Tensor>(call.out[0]).as_mutable<float>();
  for_each_number(call, call.steps.count - 1, [&](std::size_t i, float number) { out[i] = number; });
}

void max_reference(const Call& call) {
  const auto state = static_cast<CellState<float>&>(*call.state).cells();
  for (Index t = 0; t < call.steps.count; ++t) {
    for_each_number(call, t, [&](std::size_t i, float number) {
      if (number > state[i]) {
        state[i] = number;
      }
    });
  }
  if (call.steps.is_last()) {
    std::copy(state.begin(), state.end(), std::get<Tensor>(call.out[0]).as_mutable<float>().begin());
  }
}

// The spec of one step, gathered.
ValueSpec gathered(const ValueSpec& in) {
  require_numbers(in, "in");
  require_step_and_batch(in, "in");
  return dense_spec(in.shape.with(Axis::T, 1));
}

}  // namespace

void ReadoutReduction::visit(ParamVisitor& visitor) {
  visitor.text("axes", axes_, "letters of the axes to sum over, such as \"T N\"", Need::required);
}

Form ReadoutReduction::wanted_form(std::size_t slot, std::span<const ValueSpec> in) const {
  return spikes_or_dense(in[slot]);
}

std::vector<ValueSpec> ReadoutReduction::infer(std::span<const ValueSpec> in, Index) const {
  require_numbers(in[0], "in");
  require_step_and_batch(in[0], "in");
  const std::vector<Axis> axes = axes_of(axes_);
  VOLLEY_CHECK(!axes.empty(), Fault::model, "axes is empty, wanted letters of {}", text(in[0].shape));
  Shape shape = in[0].shape;
  bool seen_steps = false;
  for (const Axis axis : axes) {
    const bool is_there = axis == Axis::T ? !seen_steps : shape.has(axis);
    VOLLEY_CHECK(is_there && axis != Axis::B, Fault::model,
                 "axes is '{}', wanted axes of {} but B, each once", axes_, text(in[0].shape));
    seen_steps = seen_steps || axis == Axis::T;
    if (axis != Axis::T) {
      shape = shape.without(axis);
    } else if (gathers()) {
      shape = shape.with(Axis::T, 1);
    }
  }
  return {dense_spec(std::move(shape))};
}

std::unique_ptr<State> ReadoutReduction::make_state(std::span<const ValueSpec> in) const {
  if (!sums_steps()) {
    return nullptr;
  }
  return std::make_unique<CellState<float>>(infer(in, 1)[0].shape.with(Axis::T, 1).count(), 0.0f);
}

Cost ReadoutReduction::cost(std::span<const Activity> in, std::span<const Activity>) const {
  Cost cost;
  cost.add = in[0].spec.is_spikes() ? in[0].spikes : in[0].spec.shape.count();
  return cost;
}

void ReadoutSum::install(KernelTable& table) {
  table.add(op_kind, {"reference", Device::cpu, Exactness::bits, accepts_all, reduce_reference});
}

void ReadoutMean::install(KernelTable& table) {
  table.add(op_kind, {"reference", Device::cpu, Exactness::bits, accepts_all, reduce_reference});
}

void ReadoutMean::visit(ParamVisitor& visitor) {
  ReadoutReduction::visit(visitor);
  visitor.flag("running", is_running_, "the mean of the steps up to now, in each step");
}

std::vector<ValueSpec> ReadoutMean::infer(std::span<const ValueSpec> in, Index steps) const {
  auto out = ReadoutReduction::infer(in, steps);
  VOLLEY_CHECK(!is_running_ || sums_steps(), Fault::model, "running is true, but axes has no T");
  return out;
}

void ReadoutLast::install(KernelTable& table) {
  table.add(op_kind, {"reference", Device::cpu, Exactness::bits, accepts_all, last_reference});
}

Form ReadoutLast::wanted_form(std::size_t slot, std::span<const ValueSpec> in) const {
  return spikes_or_dense(in[slot]);
}

std::vector<ValueSpec> ReadoutLast::infer(std::span<const ValueSpec> in, Index) const {
  return {gathered(in[0])};
}

void ReadoutMax::install(KernelTable& table) {
  table.add(op_kind, {"reference", Device::cpu, Exactness::bits, accepts_all, max_reference});
}

Form ReadoutMax::wanted_form(std::size_t slot, std::span<const ValueSpec> in) const {
  return spikes_or_dense(in[slot]);
}

std::vector<ValueSpec> ReadoutMax::infer(std::span<const ValueSpec> in, Index) const {
  return {gathered(in[0])};
}

std::unique_ptr<State> ReadoutMax::make_state(std::span<const ValueSpec> in) const {
  return std::make_unique<CellState<float>>(infer(in, 1)[0].shape.count(),
                                            -std::numeric_limits<float>::infinity());
}

Cost ReadoutMax::cost(std::span<const Activity> in, std::span<const Activity>) const {
  Cost cost;
  cost.compare = in[0].spec.shape.count();
  return cost;
}

}  // namespace volley
