// Spikes as bit planes of weight +1 or -1.
#include "sim/tensor/spike_tensor.hpp"

#include <cmath>

#include "sim/base/parallel.hpp"

namespace volley {
namespace {

Index words(const Shape& shape) {
  return shape.rows() * ((shape.row() + 63) / 64);
}

bool is_value(float number, SpikeCode code) {
  const float low = code.coding == Coding::bipolar ? -1.0f : 0.0f;
  const float high = code.coding == Coding::graded ? static_cast<float>(code.planes) : 1.0f;
  return number >= low && number <= high && number == std::floor(number);
}

// Is the bit of plane p set for this value?
bool bit_of(int value, int p, Coding coding) {
  if (coding == Coding::bipolar) {
    return p == 0 ? value > 0 : value < 0;
  }
  return value > p;
}

}  // namespace

SpikeCode binary_code() {
  return {Coding::binary, 1};
}
SpikeCode bipolar_code() {
  return {Coding::bipolar, 2};
}
SpikeCode graded_code(int levels) {
  VOLLEY_ASSERT(levels >= 1 && levels <= max_planes);
  return {Coding::graded, levels};
}

std::string text(SpikeCode code) {
  switch (code.coding) {
    case Coding::binary:
      return "binary";
    case Coding::bipolar:
      return "bipolar";
    case Coding::graded:
      return fmt::format("graded {}", code.planes);
  }
  return "?";
}

std::size_t SpikeTensor::bytes(SpikeCode code, const Shape& shape) {
  return static_cast<std::size_t>(words(shape) * code.planes) * sizeof(std::uint64_t);
}

SpikeTensor::SpikeTensor(SpikeCode code, Shape shape) : SpikeTensor(code, std::move(shape), {}) {
  storage_.buffer = host_memory().allocate(bytes(code_, shape_));
}

SpikeTensor::SpikeTensor(SpikeCode code, Shape shape, Storage storage)
    : code_(code), shape_(std::move(shape)), storage_(std::move(storage)), plane_stride_(words(shape_)) {}

std::uint64_t* SpikeTensor::plane_begin(int p) const {
  VOLLEY_ASSERT(p >= 0 && p < code_.planes);
  return reinterpret_cast<std::uint64_t*>(storage_.data()) + p * plane_stride_;
}

std::span<const std::uint64_t> SpikeTensor::plane(int p) const {
  return {plane_begin(p), static_cast<std::size_t>(words(shape_))};
}

std::span<std::uint64_t> SpikeTensor::plane_mutable(int p) const {
  return {plane_begin(p), static_cast<std::size_t>(words(shape_))};
}

std::span<const std::uint64_t> SpikeTensor::row(int p, Index r) const {
  return {plane_begin(p) + r * words_per_row(), static_cast<std::size_t>(words_per_row())};
}

int SpikeTensor::at(Index r, Index column) const {
  int value = 0;
  for (int p = 0; p < code_.planes; ++p) {
    const std::uint64_t word = row(p, r)[static_cast<std::size_t>(column / 64)];
    value += code_.weight(p) * static_cast<int>((word >> (column % 64)) & 1u);
  }
  return value;
}

SpikeTensor SpikeTensor::steps(Index first, Index count) const {
  VOLLEY_ASSERT(!shape_.extents.empty() && shape_.extents[0].axis == Axis::T);
  SpikeTensor part = *this;
  const Index words_per_step = shape_[Axis::T] == 0 ? 0 : words(shape_) / shape_[Axis::T];
  part.storage_.offset += static_cast<std::size_t>(first * words_per_step) * sizeof(std::uint64_t);
  part.shape_ = shape_.with(Axis::T, count);
  return part;
}

SpikeTensor SpikeTensor::sample(Index index) const {
  VOLLEY_ASSERT(shape_[Axis::T] == 1 && shape_.position(Axis::B) == 1 && shape_.extents.size() > 2);
  SpikeTensor part = *this;
  part.shape_ = shape_.with(Axis::B, 1);
  part.storage_.offset += static_cast<std::size_t>(index * words(part.shape_)) * sizeof(std::uint64_t);
  return part;
}

SpikeTensor pack(const Tensor& dense, SpikeCode code) {
  for (const float number : dense.as<float>()) {
    VOLLEY_CHECK(is_value(number, code), Fault::model, "{} is not a value of a {} spike", number, text(code));
  }
  SpikeTensor spikes(code, dense.shape());
  pack_into(dense, spikes);
  return spikes;
}

void pack_into(const Tensor& dense, const SpikeTensor& out) {
  const auto numbers = dense.as<float>();
  const auto row_size = static_cast<std::size_t>(dense.shape().row());
  const auto row_words = static_cast<std::size_t>(out.words_per_row());
  for (int p = 0; p < out.code().planes; ++p) {
    const auto plane = out.plane_mutable(p);
    for (std::size_t w = 0; w < plane.size(); ++w) {
      const std::size_t first = w % row_words * 64;
      const float* row = numbers.data() + w / row_words * row_size;
      std::uint64_t word = 0;
      for (std::size_t b = 0; b < 64 && first + b < row_size; ++b) {
        word |= std::uint64_t{bit_of(static_cast<int>(row[first + b]), p, out.code().coding)} << b;
      }
      plane[w] = word;
    }
  }
}

Tensor unpack(const SpikeTensor& spikes) {
  Tensor dense(Dtype::f32, spikes.shape());
  unpack_into(spikes, dense);
  return dense;
}

void unpack_into(const SpikeTensor& spikes, const Tensor& out) {
  const auto numbers = out.as_mutable<float>();
  std::fill(numbers.begin(), numbers.end(), 0.0f);
  for (int p = 0; p < spikes.code().planes; ++p) {
    const auto weight = static_cast<float>(spikes.code().weight(p));
    for (Index r = 0; r < spikes.rows(); ++r) {
      const auto row = spikes.row(p, r);
      for (std::size_t w = 0; w < row.size(); ++w) {
        for (std::uint64_t bits = row[w]; bits != 0; bits &= bits - 1) {
          const auto column = static_cast<Index>(w) * 64 + lowest_bit(bits);
          numbers[static_cast<std::size_t>(r * spikes.shape().row() + column)] += weight;
        }
      }
    }
  }
}

Index spike_count(const SpikeTensor& spikes) {
  constexpr Index block = Index{1} << 14;  // [words]
  Index count = 0;
  for (int p = 0; p < spikes.code().planes; ++p) {
    const auto words = spikes.plane(p);
    count += sum_over_blocks(std::ssize(words), block, [&](Index begin, Index end) {
      Index set = 0;
      for (Index w = begin; w < end; ++w) {
        set += popcount(words[static_cast<std::size_t>(w)]);
      }
      return set;
    });
  }
  return count;
}

}  // namespace volley
