// LIF in vectors: one word of spikes at a time.
#include "neurons/lif_hwy.hpp"

#include <cmath>
#include <cstring>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "neurons/lif_hwy.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace volley {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The sums and products of Lif::charge, in its order. scale: a product in place of the division.
enum class Charge { divide, scale, keep };

using Lanes = hn::CappedTag<float, 64>;
using Numbers = hn::Vec<Lanes>;

struct Constants {
  float factor;  // tau, 1 / tau or keep
  float least;   // smallest h that fires
  float threshold;
};

template <Charge charge, Reset reset>
HWY_INLINE hn::Mask<Lanes> step(const Constants& constants, const float* x, float* v) {
  const Lanes lanes;
  const Numbers factor = hn::Set(lanes, constants.factor);
  const Numbers before = hn::LoadU(lanes, v);
  const Numbers input = hn::LoadU(lanes, x);
  Numbers h;
  if constexpr (charge == Charge::keep) {
    h = hn::Add(hn::Mul(before, factor), input);
  } else if constexpr (charge == Charge::scale) {
    h = hn::Add(before, hn::Mul(hn::Sub(input, before), factor));
  } else {
    h = hn::Add(before, hn::Div(hn::Sub(input, before), factor));
  }
  const auto fired = hn::Ge(h, hn::Set(lanes, constants.least));
  if constexpr (reset == Reset::hard) {
    const Numbers kept = hn::IfThenZeroElse(fired, hn::Set(lanes, 1.0f));  // 1 - s
    hn::StoreU(hn::Add(hn::Mul(kept, h), hn::Zero(lanes)), lanes, v);
  } else {
    hn::StoreU(hn::Sub(h, hn::IfThenElseZero(fired, hn::Set(lanes, constants.threshold))), lanes, v);
  }
  return fired;
}

// One step of up to 64 neurons; their spikes.
template <Charge charge, Reset reset>
HWY_INLINE std::uint64_t step_word(const Lif::Derived& derived, const Constants& constants, const float* x,
                                   Lif::State* cells, Index count) {
  const auto width = static_cast<Index>(hn::Lanes(Lanes()));
  std::uint64_t word = 0;
  Index i = 0;
  for (; i + width <= count; i += width) {
    const auto fired = step<charge, reset>(constants, x + i, &cells[i].v);
    std::uint8_t bytes[8] = {};
    hn::StoreMaskBits(Lanes(), fired, bytes);
    std::uint64_t bits = 0;
    std::memcpy(&bits, bytes, sizeof(bits));
    word |= bits << i;
  }
  for (; i < count; ++i) {
    word |= static_cast<std::uint64_t>(Lif::step(derived, cells[i], x[i])) << i;
  }
  return word;
}

template <Charge charge, Reset reset>
void run_words(const Lif::Derived& derived, const Constants& constants, const LifRun& run, Index begin,
               Index end) {
  const auto [steps, rows, row, words] = run.layout;
  for (Index t = 0; t < steps; ++t) {
    Index r = begin / words;
    Index w = begin % words;
    for (Index i = begin; i < end; ++i) {
      const Index element = r * row + 64 * w;
      const Index count = row - 64 * w < 64 ? row - 64 * w : 64;
      run.spikes[t * rows * words + i] = step_word<charge, reset>(
          derived, constants, run.x + t * rows * row + element, run.cells + element, count);
      if (run.v != nullptr) {
        std::memcpy(run.v + t * rows * row + element, run.cells + element,
                    static_cast<std::size_t>(count) * sizeof(float));
      }
      if (++w == words) {
        w = 0;
        ++r;
      }
    }
  }
}

template <Charge charge>
void run_reset(const Lif::Derived& derived, const Constants& constants, const LifRun& run, Index begin,
               Index end) {
  if (derived.firing.reset == Reset::hard) {
    run_words<charge, Reset::hard>(derived, constants, run, begin, end);
  } else {
    run_words<charge, Reset::soft>(derived, constants, run, begin, end);
  }
}

void lif_block(const Lif::Derived& derived, const LifRun& run, Index begin, Index end) {
  const float threshold = derived.firing.threshold;
  const float least = derived.firing.fire == Fire::ge
                          ? threshold
                          : std::nextafter(threshold, std::numeric_limits<float>::infinity());
  int exponent = 0;
  // Division by a power of two is a product with another one: the same bits.
  const bool is_power_of_two = std::frexp(derived.tau, &exponent) == 0.5f;
  if (!derived.decay_input) {
    run_reset<Charge::keep>(derived, {derived.keep, least, threshold}, run, begin, end);
  } else if (is_power_of_two) {
    run_reset<Charge::scale>(derived, {1.0f / derived.tau, least, threshold}, run, begin, end);
  } else {
    run_reset<Charge::divide>(derived, {derived.tau, least, threshold}, run, begin, end);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace volley
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace volley {
namespace {
HWY_EXPORT(lif_block);
}  // namespace

void lif_hwy(const Lif::Derived& derived, const LifRun& run, Index begin, Index end) {
  HWY_DYNAMIC_DISPATCH(lif_block)(derived, run, begin, end);
}

}  // namespace volley
#endif
