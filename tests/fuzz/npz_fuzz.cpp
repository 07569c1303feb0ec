// Fuzzes the reader of .npz.
#include "sim/io/npz.hpp"
#include "tests/fuzz/input_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  return volley::fuzz::read_or_refuse([&] { (void)volley::read_npz(volley::fuzz::file_with(bytes, size)); });
}
