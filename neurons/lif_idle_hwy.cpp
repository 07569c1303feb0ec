// LIF without input, in vectors: only the leak, until nothing moves.
#include "neurons/lif_idle_hwy.hpp"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "neurons/lif_idle_hwy.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace volley {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The sums and products of Lif::charge, in its order. scale: a product in place of the division.
enum class Leak { divide, scale, keep };

using Lanes = hn::CappedTag<float, 16>;
using Numbers = hn::Vec<Lanes>;

// One step: the charge with x = 0, then what a hard reset does to a membrane that did not fire: 1 h + 0.
template <Leak leak>
HWY_INLINE Numbers after_step(Numbers v, Numbers factor) {
  const Numbers zero = hn::Zero(Lanes());
  Numbers h;
  if constexpr (leak == Leak::keep) {
    h = hn::Add(hn::Mul(v, factor), zero);
  } else if constexpr (leak == Leak::scale) {
    h = hn::Add(v, hn::Mul(hn::Sub(zero, v), factor));
  } else {
    h = hn::Add(v, hn::Div(hn::Sub(zero, v), factor));
  }
  return hn::Add(h, zero);
}

HWY_INLINE bool is_same(Numbers a, Numbers b) {
  const hn::RebindToUnsigned<Lanes> bits;
  return hn::AllTrue(bits, hn::Eq(hn::BitCast(bits, a), hn::BitCast(bits, b)));
}

// Four vectors side by side: one alone waits for its own sums. When a step changes no bit, none after it
// does.
template <Leak leak>
void rest(float factor_number, Lif::State* cells, Index count, Index n) {
  const Lanes lanes;
  const auto width = static_cast<Index>(hn::Lanes(lanes));
  const Numbers factor = hn::Set(lanes, factor_number);
  float* v = &cells->v;
  for (Index i = 0; i < count; i += 4 * width) {
    Numbers a = hn::LoadU(lanes, v + i);
    Numbers b = hn::LoadU(lanes, v + i + width);
    Numbers c = hn::LoadU(lanes, v + i + 2 * width);
    Numbers d = hn::LoadU(lanes, v + i + 3 * width);
    for (Index t = 0; t < n; ++t) {
      const Numbers before_a = a, before_b = b, before_c = c, before_d = d;
      a = after_step<leak>(a, factor);
      b = after_step<leak>(b, factor);
      c = after_step<leak>(c, factor);
      d = after_step<leak>(d, factor);
      if (is_same(a, before_a) && is_same(b, before_b) && is_same(c, before_c) && is_same(d, before_d)) {
        break;
      }
    }
    hn::StoreU(a, lanes, v + i);
    hn::StoreU(b, lanes, v + i + width);
    hn::StoreU(c, lanes, v + i + 2 * width);
    hn::StoreU(d, lanes, v + i + 3 * width);
  }
}

void lif_idle(const Lif::Derived& derived, Lif::State* cells, Index count, Index n) {
  constexpr Index padded = 64;
  int exponent = 0;
  // Division by a power of two is a product with another one: the same bits.
  const bool is_power_of_two = std::frexp(derived.tau, &exponent) == 0.5f;
  const auto run = [&](Lif::State* from, Index size) {
    if (!derived.decay_input) {
      rest<Leak::keep>(derived.keep, from, size, n);
    } else if (is_power_of_two) {
      rest<Leak::scale>(1.0f / derived.tau, from, size, n);
    } else {
      rest<Leak::divide>(derived.tau, from, size, n);
    }
  };
  const Index whole = count / padded * padded;
  run(cells, whole);
  Lif::State last[padded] = {};
  for (Index i = whole; i < count; ++i) {
    last[i - whole] = cells[i];
  }
  if (whole < count) {
    run(last, padded);
  }
  for (Index i = whole; i < count; ++i) {
    cells[i] = last[i - whole];
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace volley
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace volley {
namespace {
HWY_EXPORT(lif_idle);
}  // namespace

void lif_idle_hwy(const Lif::Derived& derived, std::span<Lif::State> cells, Index n) {
  HWY_DYNAMIC_DISPATCH(lif_idle)(derived, cells.data(), std::ssize(cells), n);
}

}  // namespace volley
#endif
