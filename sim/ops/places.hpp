// Reads single places of a value and writes rows of spikes.
#pragma once

#include <array>

#include "sim/tensor/value.hpp"

namespace volley {

// Spikes by (row, column), with the pointers to the planes looked up once.
class PlaceReader {
 public:
  explicit PlaceReader(const SpikeTensor& spikes)
      : code_(spikes.code()), words_per_row_(spikes.words_per_row()) {
    for (int p = 0; p < code_.planes; ++p) {
      planes_[static_cast<std::size_t>(p)] = spikes.plane(p).data();
    }
  }

  int operator()(Index row, Index column) const {
    const Index word = row * words_per_row_ + column / 64;
    int value = 0;
    for (int p = 0; p < code_.planes; ++p) {
      const std::uint64_t bits = planes_[static_cast<std::size_t>(p)][word];
      value += code_.weight(p) * static_cast<int>((bits >> (column % 64)) & 1u);
    }
    return value;
  }

 private:
  SpikeCode code_;
  Index words_per_row_;
  std::array<const std::uint64_t*, max_planes> planes_{};
};

// Dense float32 or spikes, as numbers. Calls body(at), with at(row, column) -> float.
template <class Body>
void with_numbers(const Value& value, const Body& body) {
  if (const auto* spikes = std::get_if<SpikeTensor>(&value)) {
    const PlaceReader reader(*spikes);
    body([&reader](Index row, Index column) { return static_cast<float>(reader(row, column)); });
    return;
  }
  const auto& dense = std::get<Tensor>(value);
  const float* numbers = dense.as<float>().data();
  const Index row_size = dense.shape().row();
  body([numbers, row_size](Index row, Index column) { return numbers[row * row_size + column]; });
}

// Writes one row: value_at(column) -> int, a value of the code. Padding bits become 0.
template <class ValueAt>
void write_row(const SpikeTensor& out, Index row, const ValueAt& value_at) {
  const SpikeCode code = out.code();
  const Index columns = out.shape().row();
  for (Index w = 0; w < out.words_per_row(); ++w) {
    std::array<std::uint64_t, max_planes> words{};
    for (Index c = 64 * w; c < columns && c < 64 * (w + 1); ++c) {
      const int value = value_at(c);
      const std::uint64_t bit = std::uint64_t{1} << (c % 64);
      if (value < 0) {
        words[1] |= bit;
      }
      for (int p = 0; p < value; ++p) {
        words[static_cast<std::size_t>(p)] |= bit;
      }
    }
    for (int p = 0; p < code.planes; ++p) {
      out.plane_mutable(p)[static_cast<std::size_t>(row * out.words_per_row() + w)] =
          words[static_cast<std::size_t>(p)];
    }
  }
}

}  // namespace volley
