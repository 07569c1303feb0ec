// Fuzzes the reader of PyTorch checkpoints: whole archives, and pickles in an archive that is good.
#include <string_view>

#include "sim/io/torch_checkpoint.hpp"
#include "tests/fuzz/input_file.hpp"
#include "tests/unit/io/zip_bytes.hpp"

namespace {

// Checksums let hardly any mutated archive through to the reader of tensors.
std::string checkpoint_of(std::string_view pickle) {
  std::vector<volley::test::ZipEntry> entries{{"m/data.pkl", std::string(pickle)}};
  for (int i = 0; i < 10; ++i) {
    entries.push_back({"m/data/" + std::to_string(i), std::string(64, static_cast<char>(i))});
  }
  return volley::test::zip_of(entries);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  const std::string archive = input.starts_with("PK") ? std::string(input) : checkpoint_of(input);
  const auto* begin = reinterpret_cast<const std::uint8_t*>(archive.data());
  return volley::fuzz::read_or_refuse([&] {
    const auto path = volley::fuzz::file_with(begin, archive.size());
    for (const auto average : {volley::WeightAverage::plain, volley::WeightAverage::ema}) {
      float sum = 0;
      for (const auto& [name, tensor] : volley::read_torch_checkpoint(path, average).tensors) {
        for (const float number : tensor.numbers) {
          sum += number;
        }
      }
      if (sum != sum) {
        std::abort();  // NaN is refused
      }
    }
  });
}
