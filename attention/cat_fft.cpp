// Circulant products by kissfft: the only file that includes it.
#include "attention/cat_fft.hpp"

#include <kiss_fft.h>

#include <map>
#include <memory>
#include <vector>

namespace volley {
namespace {

struct FreePlan {
  void operator()(kiss_fft_cfg plan) const { kiss_fft_free(plan); }
};
using PlanHandle = std::unique_ptr<kiss_fft_state, FreePlan>;

// Both directions of one length, and room for its numbers.
struct Transform {
  explicit Transform(std::size_t length)
      : forward(kiss_fft_alloc(static_cast<int>(length), 0, nullptr, nullptr)),
        backward(kiss_fft_alloc(static_cast<int>(length), 1, nullptr, nullptr)),
        signal(length),
        spectrum(length),
        row(length) {}

  PlanHandle forward, backward;
  std::vector<kiss_fft_cpx> signal, spectrum, row;
};

Transform& transform_of(std::size_t length) {
  thread_local std::map<std::size_t, Transform> transforms;
  return transforms.try_emplace(length, length).first->second;
}

}  // namespace

// Two channels are one complex signal: the matrix is real, so they don't mix.
void multiply_circulant(std::span<const float> first_row, const float* values, Index width, float* out,
                        Index out_stride) {
  const std::size_t length = first_row.size();
  Transform& transform = transform_of(length);
  auto& [forward, backward, signal, spectrum, row] = transform;
  for (std::size_t n = 0; n < length; ++n) {
    signal[n] = {first_row[n], 0.0f};
  }
  kiss_fft(forward.get(), signal.data(), row.data());
  const float unit = 1.0f / static_cast<float>(length);
  for (kiss_fft_cpx& number : row) {
    number = {number.r * unit, -number.i * unit};  // conjugate: a correlation
  }
  for (Index c = 0; c < width; c += 2) {
    const bool is_pair = c + 1 < width;
    for (std::size_t n = 0; n < length; ++n) {
      const float* token = values + static_cast<Index>(n) * width + c;
      signal[n] = {token[0], is_pair ? token[1] : 0.0f};
    }
    kiss_fft(forward.get(), signal.data(), spectrum.data());
    for (std::size_t n = 0; n < length; ++n) {
      const kiss_fft_cpx a = row[n];
      const kiss_fft_cpx b = spectrum[n];
      spectrum[n] = {a.r * b.r - a.i * b.i, a.r * b.i + a.i * b.r};
    }
    kiss_fft(backward.get(), spectrum.data(), signal.data());
    for (std::size_t n = 0; n < length; ++n) {
      float* token = out + static_cast<Index>(n) * out_stride + c;
      token[0] = signal[n].r;
      if (is_pair) {
        token[1] = signal[n].i;
      }
    }
  }
}

Index transform_steps(Index length) {
  Index sum = 0;
  for (; length % 4 == 0; length /= 4) {
    sum += 4;
  }
  for (Index prime = 2; length > 1; ++prime) {
    for (; length % prime == 0; length /= prime) {
      sum += prime > 5 ? 2 * prime : prime;
    }
  }
  return sum;
}

}  // namespace volley
