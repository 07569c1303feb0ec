// Reads maps in double; the mean over steps is taken here.
#include "cli/attention_maps.hpp"

#include <cstring>

#include "sim/base/check.hpp"
#include "sim/io/npz.hpp"

namespace volley::cli {
namespace {

std::vector<double> as_doubles(const Array& array) {
  std::vector<double> numbers(static_cast<std::size_t>(array.count()));
  if (array.type == NumberType::f64) {
    std::memcpy(numbers.data(), array.bytes.data(), array.bytes.size());
    return numbers;
  }
  const std::vector<float> floats = as_floats(array);
  return {floats.begin(), floats.end()};
}

}  // namespace

AttentionMaps read_attention_maps(const std::string& path, const std::string& array, Index sample) {
  const NpzFile file(path);
  std::string name = array;
  if (name.empty()) {
    const auto names = file.names();
    std::string list;
    for (const std::string& each : names) {
      list += " " + each;
    }
    VOLLEY_CHECK(names.size() == 1, Fault::usage, "'{}' holds {} arrays, name one with --array:{}", path,
                 names.size(), list);
    name = names.front();
  }
  const Array read = file.read(name);
  const std::vector<Index>& sizes = read.sizes;
  const std::size_t rank = sizes.size();
  VOLLEY_CHECK(rank >= 2 && rank <= 5 && sizes[rank - 1] == sizes[rank - 2] && read.count() > 0, Fault::model,
               "array '{}' of '{}' is {}, wanted [N N], [H N N], [S H N N] or [T S H N N]", name, path,
               text(sizes));
  const Index n = sizes[rank - 1];
  const Index heads = rank >= 3 ? sizes[rank - 3] : 1;
  const Index samples = rank >= 4 ? sizes[rank - 4] : 1;
  const Index steps = rank == 5 ? sizes[0] : 1;
  VOLLEY_CHECK(sample >= 0 && sample < samples, Fault::usage, "sample {} isn't there; array '{}' holds {}",
               sample, name, samples);
  const std::vector<double> numbers = as_doubles(read);
  AttentionMaps out{name, sizes, {}};
  for (Index head = 0; head < heads; ++head) {
    SquareMatrix map{n, std::vector<double>(static_cast<std::size_t>(n * n))};
    for (Index step = 0; step < steps; ++step) {
      const Index first = ((step * samples + sample) * heads + head) * n * n;
      for (Index i = 0; i < n * n; ++i) {
        map.numbers[i] += numbers[first + i] / static_cast<double>(steps);
      }
    }
    out.heads.push_back(std::move(map));
  }
  return out;
}

}  // namespace volley::cli
