// CRC-32 of bytes and files: does somebody else have the same bytes?
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace volley {

std::uint32_t crc32_of(std::span<const std::byte> bytes);

// Eight hexadecimal digits, as `crc32 FILE` prints them. Not for security. Throws Error when it can't be
// read.
std::string crc32_of_file(const std::string& path);

}  // namespace volley
