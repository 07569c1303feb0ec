// Spikes as addresses, sorted, with one span per step.
#include "sim/tensor/event_list.hpp"

#include <algorithm>

namespace volley {

EventList::EventList(SpikeCode code, Shape shape, std::vector<Index> begins, std::vector<Index> addresses,
                     std::vector<std::int8_t> values)
    : code_(code),
      shape_(std::move(shape)),
      begins_(std::move(begins)),
      addresses_(std::move(addresses)),
      values_(std::move(values)) {
  VOLLEY_ASSERT(static_cast<Index>(begins_.size()) == shape_[Axis::T] + 1);
  VOLLEY_ASSERT(addresses_.size() == values_.size());
}

std::span<const Index> EventList::addresses(Index step) const {
  return std::span(addresses_).subspan(begin(step), begin(step + 1) - begin(step));
}

std::span<const std::int8_t> EventList::values(Index step) const {
  return std::span(values_).subspan(begin(step), begin(step + 1) - begin(step));
}

EventList to_events(const SpikeTensor& spikes) {
  const Shape& shape = spikes.shape();
  const Index steps = shape[Axis::T];
  const Index rows_per_step = steps == 0 ? 0 : spikes.rows() / steps;
  std::vector<Index> begins{0};
  std::vector<Index> addresses;
  std::vector<std::int8_t> values;
  for (Index r = 0; r < spikes.rows(); ++r) {
    for (std::size_t w = 0; w < static_cast<std::size_t>(spikes.words_per_row()); ++w) {
      std::uint64_t any = 0;
      for (int p = 0; p < spikes.code().planes; ++p) {
        any |= spikes.row(p, r)[w];
      }
      for (; any != 0; any &= any - 1) {
        const Index column = static_cast<Index>(w) * 64 + lowest_bit(any);
        addresses.push_back(r % rows_per_step * shape.row() + column);
        values.push_back(static_cast<std::int8_t>(spikes.at(r, column)));
      }
    }
    if ((r + 1) % rows_per_step == 0) {
      begins.push_back(static_cast<Index>(addresses.size()));
    }
  }
  begins.resize(static_cast<std::size_t>(steps) + 1, static_cast<Index>(addresses.size()));
  return {spikes.code(), shape, std::move(begins), std::move(addresses), std::move(values)};
}

void from_events(const EventList& events, const SpikeTensor& out) {
  for (int p = 0; p < out.code().planes; ++p) {
    const auto plane = out.plane_mutable(p);
    std::fill(plane.begin(), plane.end(), 0);
  }
  const Index row_size = out.shape().row();
  const Index rows_per_step = out.shape()[Axis::T] == 0 ? 0 : out.rows() / out.shape()[Axis::T];
  for (Index t = 0; t < out.shape()[Axis::T]; ++t) {
    const auto addresses = events.addresses(t);
    const auto values = events.values(t);
    for (std::size_t i = 0; i < addresses.size(); ++i) {
      const Index row = t * rows_per_step + addresses[i] / row_size;
      const Index column = addresses[i] % row_size;
      const auto word = static_cast<std::size_t>(row * out.words_per_row() + column / 64);
      const std::uint64_t bit = std::uint64_t{1} << (column % 64);
      if (out.code().coding == Coding::bipolar) {
        out.plane_mutable(values[i] > 0 ? 0 : 1)[word] |= bit;
        continue;
      }
      for (int p = 0; p < values[i]; ++p) {
        out.plane_mutable(p)[word] |= bit;
      }
    }
  }
}

}  // namespace volley
