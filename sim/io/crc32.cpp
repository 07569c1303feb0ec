// CRC-32 of a file, block by block.
#include "sim/io/crc32.hpp"

#include <zlib.h>

#include <algorithm>
#include <vector>

#include "sim/base/check.hpp"
#include "sim/io/file.hpp"

namespace volley {

std::uint32_t crc32_of(std::span<const std::byte> bytes) {
  return static_cast<std::uint32_t>(::crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

std::string crc32_of_file(const std::string& path) {
  constexpr Index block = Index{1} << 20;  // [bytes]
  const InputFile file(path);
  std::vector<std::byte> bytes(static_cast<std::size_t>(std::min(block, file.size())));
  uLong sum = ::crc32(0, nullptr, 0);
  for (Index at = 0; at < file.size(); at += block) {
    const auto part = std::span(bytes).first(static_cast<std::size_t>(std::min(block, file.size() - at)));
    file.read(at, part);
    sum = ::crc32(sum, reinterpret_cast<const Bytef*>(part.data()), static_cast<uInt>(part.size()));
  }
  return fmt::format("{:08x}", static_cast<std::uint32_t>(sum));
}

}  // namespace volley
