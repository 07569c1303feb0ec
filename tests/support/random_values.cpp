// Random spikes and numbers for tests.
#include "tests/support/random_values.hpp"

#include <cmath>

#include "sim/base/rng.hpp"

namespace volley::test {

SpikeTensor random_spikes(const Shape& shape, SpikeCode code, double rate, std::uint64_t seed) {
  Tensor dense(Dtype::f32, shape);
  const auto numbers = dense.as_mutable<float>();
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (random_uniform(seed, 1, 0, i) >= static_cast<float>(rate)) {
      continue;
    }
    const std::uint32_t bits = random_bits(seed, 2, 0, i);
    if (code.coding == Coding::bipolar) {
      numbers[i] = (bits & 1u) != 0 ? 1.0f : -1.0f;
    } else {
      numbers[i] = static_cast<float>(1 + bits % static_cast<std::uint32_t>(code.planes));
    }
  }
  return pack(dense, code);
}

std::vector<float> random_numbers(Index count, std::uint64_t seed, double grid) {
  std::vector<float> numbers(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    double number = 2.0 * static_cast<double>(random_uniform(seed, 3, 0, i)) - 1.0;
    if (grid > 0) {
      number = std::floor(number * grid) / grid;
    }
    numbers[i] = static_cast<float>(number);
  }
  return numbers;
}

Tensor random_dense(const Shape& shape, std::uint64_t seed, double grid) {
  return tensor_of(shape, random_numbers(shape.count(), seed, grid));
}

}  // namespace volley::test
