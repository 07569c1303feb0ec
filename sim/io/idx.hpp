// IDX: the format of the MNIST files.
#pragma once

#include <string>

#include "sim/io/array.hpp"

namespace volley {

// Plain or gzip. Magic 0 0 8 rank, sizes (big-endian u32), bytes. Refused: a type other than unsigned bytes,
// a rank above 3, sizes that differ from what the file holds.
Array read_idx(const std::string& path);

}  // namespace volley
