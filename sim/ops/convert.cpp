// Conversions between the forms of a value.
#include "sim/ops/convert.hpp"

#include <algorithm>
#include <cmath>

#include "sim/base/parallel.hpp"
#include "sim/ops/input_checks.hpp"
#include "sim/ops/places.hpp"

namespace volley {
namespace {

constexpr Index rows_per_block = 32;

void unpack_row(const SpikeTensor& spikes, Index row, float* out) {
  std::fill_n(out, spikes.shape().row(), 0.0f);
  for (int p = 0; p < spikes.code().planes; ++p) {
    const auto weight = static_cast<float>(spikes.code().weight(p));
    const auto words = spikes.row(p, row);
    for (std::size_t w = 0; w < words.size(); ++w) {
      for (std::uint64_t bits = words[w]; bits != 0; bits &= bits - 1) {
        out[static_cast<Index>(w) * 64 + lowest_bit(bits)] += weight;
      }
    }
  }
}

void scatter_events(const EventList& events, float* out) {
  const Index step_size = events.shape().stride(Axis::T);
  for_each_block(events.shape()[Axis::T], 1, [&](Index begin, Index end) {
    for (Index t = begin; t < end; ++t) {
      float* step = out + t * step_size;
      std::fill_n(step, step_size, 0.0f);
      const auto addresses = events.addresses(t);
      for (std::size_t i = 0; i < addresses.size(); ++i) {
        step[addresses[i]] = static_cast<float>(events.values(t)[i]);
      }
    }
  });
}

void dense_reference(const Call& call) {
  float* out = std::get<Tensor>(call.out[0]).as_mutable<float>().data();
  if (const auto* events = std::get_if<EventList>(&call.in[0])) {
    scatter_events(*events, out);
    return;
  }
  const auto& spikes = std::get<SpikeTensor>(call.in[0]);
  for_each_block(spikes.rows(), rows_per_block, [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) {
      unpack_row(spikes, row, out + row * spikes.shape().row());
    }
  });
}

// The value of the code that is nearest to the number.
int nearest_value(float number, SpikeCode code) {
  if (std::isnan(number)) {
    return 0;
  }
  const float least = code.coding == Coding::bipolar ? -1.0f : 0.0f;
  const float greatest = code.coding == Coding::graded ? static_cast<float>(code.planes) : 1.0f;
  return static_cast<int>(std::clamp(std::round(number), least, greatest));
}

void gather_events(const EventList& events, const SpikeTensor& out) {
  const Index columns = out.shape().row();
  const Index rows_per_step = out.shape().stride(Axis::T) / std::max(Index{1}, columns);
  for_each_block(out.shape()[Axis::T], 1, [&](Index begin, Index end) {
    for (Index t = begin; t < end; ++t) {
      const auto addresses = events.addresses(t);
      std::size_t next = 0;  // addresses ascend, and so do the places that are written
      for (Index row = 0; row < rows_per_step; ++row) {
        write_row(out, t * rows_per_step + row, [&](Index column) {
          if (next == addresses.size() || addresses[next] != row * columns + column) {
            return 0;
          }
          return nearest_value(static_cast<float>(events.values(t)[next++]), out.code());
        });
      }
    }
  });
}

void spikes_reference(const Call& call) {
  const auto& out = std::get<SpikeTensor>(call.out[0]);
  if (const auto* events = std::get_if<EventList>(&call.in[0])) {
    gather_events(*events, out);
    return;
  }
  const float* in = std::get<Tensor>(call.in[0]).as<float>().data();
  const Index columns = out.shape().row();
  for_each_block(out.rows(), rows_per_block, [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) {
      write_row(out, row,
                [&](Index column) { return nearest_value(in[row * columns + column], out.code()); });
    }
  });
}

}  // namespace

void ConvertDense::install(KernelTable& table) {
  table.add(op_kind, {"reference", Device::cpu, Exactness::bits, accepts_all, dense_reference});
}

std::vector<ValueSpec> ConvertDense::infer(std::span<const ValueSpec> in, Index) const {
  VOLLEY_CHECK(!in[0].is_dense(), Fault::model, "in is {}, wanted spikes or events", text(in[0]));
  require_step_and_batch(in[0], "in");
  return {dense_spec(in[0].shape)};
}

void ConvertSpikes::install(KernelTable& table) {
  table.add(op_kind, {"reference", Device::cpu, Exactness::bits, accepts_all, spikes_reference});
}

void ConvertSpikes::visit(ParamVisitor& visitor) {
  static constexpr std::string_view words[] = {"binary", "bipolar", "graded"};
  visitor.choice_of("code", coding_, words, "of the spikes");
  visitor.integer("levels", levels_, "greatest value of graded spikes [1]");
}

Form ConvertSpikes::wanted_form(std::size_t slot, std::span<const ValueSpec> in) const {
  return in[slot].form == Form::events ? Form::events : Form::dense;
}

SpikeCode ConvertSpikes::code() const {
  switch (coding_) {
    case Coding::binary:
      return binary_code();
    case Coding::bipolar:
      return bipolar_code();
    case Coding::graded:
      return graded_code(static_cast<int>(levels_));
  }
  return binary_code();
}

std::vector<ValueSpec> ConvertSpikes::infer(std::span<const ValueSpec> in, Index) const {
  VOLLEY_CHECK(levels_ >= 1 && levels_ <= max_planes, Fault::model, "levels is {}, wanted 1 to {}", levels_,
               max_planes);
  if (in[0].form != Form::events) {
    require_f32(in[0], "in");
  }
  require_step_and_batch(in[0], "in");
  return {spike_spec(in[0].shape, code())};
}

Cost ConvertSpikes::cost(std::span<const Activity> in, std::span<const Activity>) const {
  Cost cost;
  cost.compare = in[0].spec.is_dense() ? in[0].spec.shape.count() * code().planes : 0;
  return cost;
}

}  // namespace volley
