// How fast weights come from a file, and how much of it becomes heap: volley_loader_bench FILE ...
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <string>

#include "sim/base/check.hpp"
#include "sim/io/file.hpp"
#include "sim/io/safetensors.hpp"
#include "sim/io/torch_checkpoint.hpp"

namespace volley::bench {
namespace {

constexpr int repeats = 5;

// RssAnon: pages that belong to no file [MB].
double heap_megabytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) {
      return std::stod(line.substr(line.find_first_of("0123456789"))) / 1e3;
    }
  }
  return 0;
}

Weights read(const std::string& path) {
  return path.ends_with(".safetensors") ? read_safetensors(path) : read_torch_checkpoint(path).tensors;
}

void measure(const std::string& path) {
  std::array<double, repeats> seconds{}, processor{};
  double heap = 0;
  std::size_t numbers = 0, mapped = 0;
  for (std::size_t i = 0; i < repeats; ++i) {
    const double before = heap_megabytes();
    const std::clock_t clock = std::clock();
    const auto begin = std::chrono::steady_clock::now();
    const Weights weights = read(path);
    seconds[i] = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    processor[i] = static_cast<double>(std::clock() - clock) / CLOCKS_PER_SEC;
    heap = heap_megabytes() - before;
    numbers = mapped = 0;
    for (const auto& [name, tensor] : weights) {
      numbers += tensor.numbers.size();
      mapped += tensor.numbers.is_mapped() ? tensor.numbers.size() : 0;
    }
  }
  std::sort(seconds.begin(), seconds.end());
  std::sort(processor.begin(), processor.end());
  const double gigabytes = static_cast<double>(InputFile(path).size()) / 1e9;
  std::printf(
      "%-24s %6.3f GB  wall %.3f s %5.2f GB/s  processor %.3f s %5.2f GB/s  heap %6.1f MB  mapped %5.1f %%\n",
      path.c_str(), gigabytes, seconds[repeats / 2], gigabytes / seconds[repeats / 2], processor[repeats / 2],
      gigabytes / processor[repeats / 2], heap,
      100.0 * static_cast<double>(mapped) / static_cast<double>(std::max<std::size_t>(numbers, 1)));
}

}  // namespace
}  // namespace volley::bench

int main(int count, char** words) {
  for (int i = 1; i < count; ++i) {
    volley::bench::measure(words[i]);
  }
  return 0;
}
