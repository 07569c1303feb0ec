// CRC32 of one step of spikes, as the golden files hold it.
#pragma once

#include <zlib.h>

#include <vector>

#include "sim/tensor/spike_tensor.hpp"
#include "sim/tensor/tensor.hpp"

namespace volley::test {

// The values that this code can send, one plane of bits each in a checksum.
inline std::vector<int> levels_of(SpikeCode code) {
  if (code.coding == Coding::bipolar) {
    return {1, -1};
  }
  std::vector<int> levels;
  for (int level = 1; level <= code.planes; ++level) {
    levels.push_back(level);
  }
  return levels;
}

// spikes: i8 [T ...]. For each level the places that have it, as rows of bits, bit 0 first, each row padded
// to bytes: examples/train/exact.py writes the same.
inline std::uint32_t spike_checksum(const Tensor& spikes, Index step, const std::vector<int>& levels) {
  const auto numbers = spikes.steps(step, 1).as<std::int8_t>();
  const auto row = static_cast<std::size_t>(spikes.shape().row());
  std::vector<unsigned char> bytes;
  for (const int level : levels) {
    for (std::size_t begin = 0; begin < numbers.size(); begin += row) {
      const std::size_t first = bytes.size();
      bytes.resize(first + (row + 7) / 8, 0);
      for (std::size_t i = 0; i < row; ++i) {
        const unsigned bit = numbers[begin + i] == level ? 1u << (i % 8) : 0u;
        bytes[first + i / 8] = static_cast<unsigned char>(bytes[first + i / 8] | bit);
      }
    }
  }
  return static_cast<std::uint32_t>(crc32(0, bytes.data(), static_cast<uInt>(bytes.size())));
}

}  // namespace volley::test
