// Spikes as addresses, sorted, with one span per step.
#pragma once

#include <span>
#include <vector>

#include "sim/tensor/spike_tensor.hpp"

namespace volley {

// An address is the row-major index inside one step. Sorted by (step, address); no address twice in a step.
class EventList {
 public:
  EventList() = default;
  // Precondition: as above; begins has T + 1 entries, the last is addresses.size(); values are not 0.
  EventList(SpikeCode code, Shape shape, std::vector<Index> begins, std::vector<Index> addresses,
            std::vector<std::int8_t> values);

  SpikeCode code() const { return code_; }
  const Shape& shape() const { return shape_; }
  Index count() const { return static_cast<Index>(addresses_.size()); }
  std::span<const Index> addresses(Index step) const;
  std::span<const std::int8_t> values(Index step) const;  // +1, -1 or the count of a graded spike

 private:
  std::size_t begin(Index step) const {
    return static_cast<std::size_t>(begins_[static_cast<std::size_t>(step)]);
  }

  SpikeCode code_;
  Shape shape_;
  std::vector<Index> begins_;
  std::vector<Index> addresses_;
  std::vector<std::int8_t> values_;
};

EventList to_events(const SpikeTensor& spikes);
void from_events(const EventList& events, const SpikeTensor& out);

}  // namespace volley
