// Fuzzes the reader of PyTorch checkpoints.
#include "sim/io/torch_checkpoint.hpp"
#include "tests/fuzz/input_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  return volley::fuzz::read_or_refuse(
      [&] { (void)volley::read_torch_checkpoint(volley::fuzz::file_with(bytes, size)); });
}
