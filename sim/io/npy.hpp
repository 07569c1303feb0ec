// .npy: one numpy array in a file.
#pragma once

#include <span>
#include <string>

#include "sim/io/array.hpp"
#include "sim/io/file.hpp"

namespace volley {

// Versions 1 to 3, either byte order, either memory order. Refused: objects (pickles), structured types,
// complex numbers, text, bytes after the array.
Array read_npy(const std::string& path);
Array parse_npy(std::span<const std::byte> bytes, const std::string& what);

// The fields of a structured array with one axis, by name, in any order and with any padding. A field is a
// number; nested fields are refused.
Arrays read_npy_fields(const std::string& path);

// A .npy of `size` bytes from a stream. what: file and entry, for messages. It allocates `size` bytes and no
// more.
Array read_npy_stream(const ReadNext& read, Index size, const std::string& what);

void write_npy(const std::string& path, const Array& array);
std::string npy_header(const Array& array);  // what stands in front of array.bytes

}  // namespace volley
