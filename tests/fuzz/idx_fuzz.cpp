// Fuzzes the reader of IDX, plain and gzip.
#include "sim/io/idx.hpp"
#include "tests/fuzz/input_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  return volley::fuzz::read_or_refuse([&] { (void)volley::read_idx(volley::fuzz::file_with(bytes, size)); });
}
