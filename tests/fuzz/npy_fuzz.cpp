// Fuzzes the reader of .npy: what is read must also write and read back.
#include "sim/io/npy.hpp"
#include "tests/fuzz/input_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  return volley::fuzz::read_or_refuse([&] {
    const volley::Array array = volley::parse_npy(std::as_bytes(std::span(bytes, size)), "fuzz");
    std::string again = volley::npy_header(array);
    again.append(reinterpret_cast<const char*>(array.bytes.data()), array.bytes.size());
    if (volley::parse_npy(std::as_bytes(std::span(again)), "again") != array) {
      std::abort();
    }
  });
}
