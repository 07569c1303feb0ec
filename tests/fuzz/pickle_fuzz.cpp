// Fuzzes the reader of pickles.
#include "sim/io/pickle.hpp"
#include "tests/fuzz/input_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  return volley::fuzz::read_or_refuse(
      [&] { (void)volley::read_pickle(std::as_bytes(std::span(bytes, size)), "fuzz"); });
}
