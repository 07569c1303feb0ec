// Circulant products by kissfft: the only file that includes it.
#include "attention/cat_fft.hpp"

#include <kiss_fft.h>

#include <cmath>
#include <cstring>
#include <kissfft.hh>
#include <map>
#include <memory>
#include <vector>

namespace volley {
namespace {

constexpr Index lanes = 4;  // what every x86-64 and ARMv8 has
using Vector = float __attribute__((vector_size(lanes * sizeof(float))));

// The number type of kissfft: four floats side by side, so that one transform does four.
struct Lanes {
  Lanes() = default;
  Lanes(Vector vector) : v(vector) {}
  Lanes(float x) : v{x, x, x, x} {}
  Lanes(double x) : Lanes(static_cast<float>(x)) {}
  Lanes(int x) : Lanes(static_cast<float>(x)) {}
  operator double() const { return static_cast<double>(v[0]); }  // kissfft asks for acos(-1)

  Lanes& operator+=(Lanes o) { return v += o.v, *this; }
  Lanes& operator-=(Lanes o) { return v -= o.v, *this; }
  Lanes& operator*=(Lanes o) { return v *= o.v, *this; }

  Vector v{};
};
Lanes operator+(Lanes a, Lanes b) {
  return a.v + b.v;
}
Lanes operator-(Lanes a, Lanes b) {
  return a.v - b.v;
}
Lanes operator-(Lanes a) {
  return -a.v;
}
Lanes operator*(Lanes a, Lanes b) {
  return a.v * b.v;
}
Lanes operator*(Lanes a, double b) {
  return a * Lanes(b);
}
Lanes operator*(std::size_t a, Lanes b) {
  return Lanes(static_cast<double>(a)) * b;
}

using Signal = std::vector<std::complex<Lanes>>;

// Both directions of one length, and room for its numbers.
struct Transform {
  explicit Transform(std::size_t length)
      : forward(length, false), backward(length, true), signal(length), spectrum(length) {}

  kissfft<Lanes> forward, backward;
  Signal signal, spectrum;
};

Transform& transform_of(std::size_t length) {
  thread_local std::map<std::size_t, Transform> transforms;
  return transforms.try_emplace(length, length).first->second;
}

struct FreePlan {
  void operator()(kiss_fft_cfg plan) const { kiss_fft_free(plan); }
};

kiss_fft_cfg column_plan(std::size_t length) {
  thread_local std::map<std::size_t, std::unique_ptr<kiss_fft_state, FreePlan>> plans;
  auto& plan = plans[length];
  if (plan == nullptr) {
    plan.reset(kiss_fft_alloc(static_cast<int>(length), 0, nullptr, nullptr));
  }
  return plan.get();
}

// Channels 0 to 3 are the real part, 4 to 7 the imaginary part: the matrix is real, so they don't mix.
std::complex<Lanes> load(const float* row, Index width) {
  float numbers[channels_at_once] = {};
  std::memcpy(numbers, row, static_cast<std::size_t>(width) * sizeof(float));
  Lanes parts[2];
  std::memcpy(&parts[0].v, numbers, sizeof(Vector));
  std::memcpy(&parts[1].v, numbers + lanes, sizeof(Vector));
  return {parts[0], parts[1]};
}

void store(std::complex<Lanes> number, Index width, float* row) {
  float numbers[channels_at_once];
  const Lanes parts[2] = {number.real(), number.imag()};
  std::memcpy(numbers, &parts[0].v, sizeof(Vector));
  std::memcpy(numbers + lanes, &parts[1].v, sizeof(Vector));
  std::memcpy(row, numbers, static_cast<std::size_t>(width) * sizeof(float));
}

}  // namespace

void transform_column(std::span<const float> column, std::span<std::complex<float>> spectrum) {
  thread_local std::vector<kiss_fft_cpx> signal, result;
  signal.assign(spectrum.size(), {0.0f, 0.0f});
  result.resize(spectrum.size());
  const float unit = 1.0f / static_cast<float>(spectrum.size());
  for (std::size_t n = 0; n < column.size(); ++n) {
    signal[n].r = column[n];
  }
  kiss_fft(column_plan(spectrum.size()), signal.data(), result.data());
  for (std::size_t n = 0; n < spectrum.size(); ++n) {
    spectrum[n] = {result[n].r * unit, result[n].i * unit};
  }
}

void convolve(std::span<const std::complex<float>> spectrum, const ChannelGroup& group,
              const WantedRows& rows, float* out, Index out_stride) {
  Transform& transform = transform_of(spectrum.size());
  auto& [forward, backward, signal, values] = transform;
  const auto tokens = static_cast<std::size_t>(group.tokens);
  for (std::size_t n = 0; n < tokens; ++n) {
    signal[n] = load(group.values + static_cast<Index>(n) * group.stride, group.width);
  }
  std::fill(signal.begin() + group.tokens, signal.end(), std::complex<Lanes>());
  forward.transform(signal.data(), values.data());
  for (std::size_t n = 0; n < spectrum.size(); ++n) {
    const Lanes real(spectrum[n].real()), imag(spectrum[n].imag());
    const Lanes a = values[n].real(), b = values[n].imag();
    values[n] = {real * a - imag * b, real * b + imag * a};
  }
  backward.transform(values.data(), signal.data());
  for (Index i = rows.first; i < rows.last; ++i) {
    std::complex<Lanes> sum = signal[static_cast<std::size_t>(i)];
    const Index wrapped = i + rows.last;
    if (rows.is_folded && wrapped < static_cast<Index>(signal.size())) {
      sum += signal[static_cast<std::size_t>(wrapped)];
    }
    store(sum, group.width, out + (i - rows.first) * out_stride);
  }
}

void multiply_circulant(std::span<const std::complex<float>> spectrum, const float* values, Index stride,
                        Index tokens, Index width, float* out, Index out_stride) {
  const bool is_folded = static_cast<Index>(spectrum.size()) != tokens;
  for (Index c = 0; c < width; c += channels_at_once) {
    convolve(spectrum, {values + c, stride, tokens, std::min(channels_at_once, width - c)},
             {0, tokens, is_folded}, out + c, out_stride);
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

Index smooth_length(Index least) {
  for (Index length = least;; ++length) {
    Index rest = length;
    for (const Index prime : {2, 3, 5}) {
      for (; rest % prime == 0; rest /= prime) {
      }
    }
    if (rest == 1) {
      return length;
    }
  }
}

Index circulant_length(Index tokens) {
  const Index padded = smooth_length(2 * tokens - 1);
  return padded * transform_steps(padded) < tokens * transform_steps(tokens) ? padded : tokens;
}

}  // namespace volley
