// How often each neuron fired.
#include "sim/measure/firing_counts.hpp"

#include <algorithm>

#include "sim/base/device_fn.hpp"

namespace volley {

Index FiringEntry::dead() const {
  return std::count(fired.begin(), fired.end(), Index{0});
}

Index FiringEntry::saturated(double rate) const {
  return std::count_if(fired.begin(), fired.end(), [&](Index count) {
    return static_cast<double>(count) > rate * static_cast<double>(chances);
  });
}

void FiringCounts::on_value(Port port, StepRange, Index, const Value& value) {
  const auto* spikes = std::get_if<SpikeTensor>(&value);
  if (spikes == nullptr) {
    return;
  }
  const Shape& shape = spikes->shape();
  const Index neurons = shape.count() / (shape[Axis::T] * shape[Axis::B]);
  FiringEntry& entry = entries_[port];
  entry.fired.resize(static_cast<std::size_t>(neurons));
  entry.chances += shape[Axis::T] * shape[Axis::B];
  const Index columns = shape.row();
  for (Index row = 0; row < spikes->rows(); ++row) {
    const Index first = row * columns % neurons;
    for (Index word = 0; word < spikes->words_per_row(); ++word) {
      std::uint64_t bits = 0;  // of any plane
      for (int p = 0; p < spikes->code().planes; ++p) {
        bits |= spikes->row(p, row)[static_cast<std::size_t>(word)];
      }
      for (; bits != 0; bits &= bits - 1) {
        ++entry.fired[static_cast<std::size_t>(first + 64 * word + lowest_bit(bits))];
      }
    }
  }
}

}  // namespace volley
