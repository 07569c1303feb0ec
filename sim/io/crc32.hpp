// CRC-32 of a file: does somebody else have the same bytes?
#pragma once

#include <string>

namespace volley {

// Eight hexadecimal digits, as `crc32 FILE` prints them. Not for security. Throws Error when it can't be
// read.
std::string crc32_of_file(const std::string& path);

}  // namespace volley
