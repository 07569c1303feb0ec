// Spikes as bit planes of weight +1 or -1.
#pragma once

#include <span>

#include "sim/tensor/memory.hpp"
#include "sim/tensor/shape.hpp"
#include "sim/tensor/tensor.hpp"

namespace volley {

enum class Coding : std::uint8_t { binary, bipolar, graded };

// value = sum over planes of weight(p) * bit(p). Graded values are thermometers: plane p is set where value >
// p.
struct SpikeCode {
  Coding coding = Coding::binary;
  int planes = 1;

  int weight(int plane) const { return coding == Coding::bipolar && plane == 1 ? -1 : 1; }
  bool operator==(const SpikeCode&) const = default;
};
constexpr int max_planes = 64;
SpikeCode binary_code();
SpikeCode bipolar_code();
SpikeCode graded_code(int levels);  // values 0 .. levels
std::string text(SpikeCode code);   // "binary", "bipolar", "graded 4"

// A handle to bits: copies share them. A row is the last axis, padded to 64: bit b of word w is channel 64 w
// + b. Always true: padding bits are 0; bipolar never has both planes set in one place.
class SpikeTensor {
 public:
  SpikeTensor() = default;
  SpikeTensor(SpikeCode code, Shape shape);  // silent, on the host
  SpikeTensor(SpikeCode code, Shape shape, Storage storage);

  static std::size_t bytes(SpikeCode code, const Shape& shape);

  SpikeCode code() const { return code_; }
  const Shape& shape() const { return shape_; }
  const Storage& storage() const { return storage_; }
  Index rows() const { return shape_.rows(); }
  Index words_per_row() const { return (shape_.row() + 63) / 64; }

  std::span<const std::uint64_t> plane(int p) const;
  std::span<std::uint64_t> plane_mutable(int p) const;
  std::span<const std::uint64_t> row(int p, Index r) const;

  // The value at one place.
  int at(Index row, Index column) const;

  // Steps [first, first + count) of the outermost axis T: a view.
  SpikeTensor steps(Index first, Index count) const;
  // One sample of spikes [T=1 B ...] with axes behind B: a view with B = 1.
  SpikeTensor sample(Index index) const;

 private:
  std::uint64_t* plane_begin(int p) const;

  SpikeCode code_;
  Shape shape_;
  Storage storage_;
  Index plane_stride_ = 0;  // [words]
};

// pack throws Error when a number is not a value of the code. unpack gives float32.
SpikeTensor pack(const Tensor& dense, SpikeCode code);
void pack_into(const Tensor& dense,
               const SpikeTensor& out);  // precondition: every number is a value of the code
Tensor unpack(const SpikeTensor& spikes);
void unpack_into(const SpikeTensor& spikes, const Tensor& out);

// Number of set bits over all planes (unit events).
Index spike_count(const SpikeTensor& spikes);

}  // namespace volley
