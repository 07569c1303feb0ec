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

using Lanes = hn::CappedTag<float, 16>;
using Numbers = hn::Vec<Lanes>;

struct Constants {
  float factor;  // tau, 1 / tau or keep
  float least;   // smallest h that fires
  float threshold;
};

template <Charge charge>
HWY_INLINE Numbers charged(float factor_number, Numbers x, Numbers v) {
  const Numbers factor = hn::Set(Lanes(), factor_number);
  if constexpr (charge == Charge::keep) {
    return hn::Add(hn::Mul(v, factor), x);
  } else if constexpr (charge == Charge::scale) {
    return hn::Add(v, hn::Mul(hn::Sub(x, v), factor));
  } else {
    return hn::Add(v, hn::Div(hn::Sub(x, v), factor));
  }
}

// Calls body.template operator()<charge>(factor).
template <class Body>
void with_charge(const Lif::Derived& derived, const Body& body) {
  int exponent = 0;
  // Division by a power of two is a product with another one: the same bits.
  const bool is_power_of_two = std::frexp(derived.tau, &exponent) == 0.5f;
  if (!derived.decay_input) {
    body.template operator()<Charge::keep>(derived.keep);
  } else if (is_power_of_two) {
    body.template operator()<Charge::scale>(1.0f / derived.tau);
  } else {
    body.template operator()<Charge::divide>(derived.tau);
  }
}

// x, v: input and membrane before; after: membrane. Where it fires.
template <Charge charge, Reset reset>
HWY_INLINE hn::Mask<Lanes> step(const Constants& constants, Numbers x, Numbers& v) {
  const Lanes lanes;
  const Numbers h = charged<charge>(constants.factor, x, v);
  const auto fired = hn::Ge(h, hn::Set(lanes, constants.least));
  if constexpr (reset == Reset::hard) {
    const Numbers kept = hn::IfThenZeroElse(fired, hn::Set(lanes, 1.0f));  // 1 - s
    v = hn::Add(hn::Mul(kept, h), hn::Zero(lanes));
  } else {
    v = hn::Sub(h, hn::IfThenElseZero(fired, hn::Set(lanes, constants.threshold)));
  }
  return fired;
}

// Up to 64 neurons in one word of a row, and where their numbers lie from step to step.
struct Word {
  Index count, steps;
  const float* x;
  Index x_stride;
  Lif::State* cells;
  std::uint64_t* spikes;
  Index spike_stride;
  float* v;  // nullptr: not wanted
  Index v_stride;
};

// Puts the bits of a vector of neurons, the first of which is number i, into their word.
HWY_INLINE void put_bits(hn::Mask<Lanes> fired, Index i, std::uint64_t& word) {
  std::uint8_t bytes[8] = {};
  if constexpr (hn::MaxLanes(Lanes()) >= 8) {  // whole bytes: no other vector writes them
    hn::StoreMaskBits(Lanes(), fired, reinterpret_cast<std::uint8_t*>(&word) + i / 8);
  } else {
    hn::StoreMaskBits(Lanes(), fired, bytes);
    word |= std::uint64_t{bytes[0]} << i;
  }
}

// All steps of a word: a vector of membranes stays in its register.
template <Charge charge, Reset reset>
HWY_INLINE void run_word(const Lif::Derived& derived, const Constants& constants, const Word& word) {
  const Lanes lanes;
  const auto width = static_cast<Index>(hn::Lanes(lanes));
  for (Index t = 0; t < word.steps; ++t) {
    word.spikes[t * word.spike_stride] = 0;
  }
  Index i = 0;
  for (; i + width <= word.count; i += width) {
    Numbers v = hn::LoadU(lanes, &word.cells[i].v);
    for (Index t = 0; t < word.steps; ++t) {
      const auto fired = step<charge, reset>(constants, hn::LoadU(lanes, word.x + t * word.x_stride + i), v);
      put_bits(fired, i, word.spikes[t * word.spike_stride]);
      if (word.v != nullptr) {
        hn::StoreU(v, lanes, word.v + t * word.v_stride + i);
      }
    }
    hn::StoreU(v, lanes, &word.cells[i].v);
  }
  for (; i < word.count; ++i) {
    for (Index t = 0; t < word.steps; ++t) {
      const int fired = Lif::step(derived, word.cells[i], word.x[t * word.x_stride + i]);
      word.spikes[t * word.spike_stride] |= static_cast<std::uint64_t>(fired) << i;
      if (word.v != nullptr) {
        word.v[t * word.v_stride + i] = word.cells[i].v;
      }
    }
  }
}

// Word w of row r; x: its current of step 0.
HWY_INLINE Word word_at(const LifRun& run, Index r, Index w, const float* x, Index x_stride) {
  const auto [steps, rows, row, words] = run.layout;
  const Index element = r * row + 64 * w;
  return {row - 64 * w < 64 ? row - 64 * w : 64,
          steps,
          x,
          x_stride,
          run.cells + element,
          run.spikes + r * words + w,
          rows * words,
          run.v == nullptr ? nullptr : run.v + element,
          rows * row};
}

// The words [begin, end) of a whole current.
struct Words {
  Index begin, end;
};

template <Charge charge, Reset reset>
void run_reset(const Lif::Derived& derived, const Constants& constants, const LifRun& run,
               const Words& part) {
  const auto [steps, rows, row, words] = run.layout;
  for (Index i = part.begin; i < part.end; ++i) {
    const Index r = i / words;
    const Index w = i % words;
    run_word<charge, reset>(derived, constants, word_at(run, r, w, run.x + r * row + 64 * w, rows * row));
  }
}

template <Charge charge, Reset reset>
void run_reset(const Lif::Derived& derived, const Constants& constants, const LifRun& run,
               const Strip& strip) {
  for (Index i = 0; i < strip.rows; ++i) {
    run_word<charge, reset>(
        derived, constants,
        word_at(run, strip.first_row + i, strip.word, strip.x + i * strip.row_stride, strip.step_stride));
  }
}

template <Charge charge, class Part>
void run_charge(const Lif::Derived& derived, const Constants& constants, const LifRun& run,
                const Part& part) {
  if (derived.firing.reset == Reset::hard) {
    run_reset<charge, Reset::hard>(derived, constants, run, part);
  } else {
    run_reset<charge, Reset::soft>(derived, constants, run, part);
  }
}

template <class Part>
void run_part(const Lif::Derived& derived, const LifRun& run, const Part& part) {
  const float threshold = derived.firing.threshold;
  const float least = derived.firing.fire == Fire::ge
                          ? threshold
                          : std::nextafter(threshold, std::numeric_limits<float>::infinity());
  with_charge(derived, [&]<Charge charge>(float factor) {
    run_charge<charge>(derived, {factor, least, threshold}, run, part);
  });
}

void lif_block(const Lif::Derived& derived, const LifRun& run, Index begin, Index end) {
  run_part(derived, run, Words{begin, end});
}

void lif_strip(const Lif::Derived& derived, const LifRun& run, const Strip& strip) {
  run_part(derived, run, strip);
}

// One step without input: the charge, then what a hard reset does to a membrane that did not fire: 1 h + 0.
template <Charge charge>
HWY_INLINE Numbers rested(float factor, Numbers v) {
  const Numbers zero = hn::Zero(Lanes());
  return hn::Add(charged<charge>(factor, zero, v), zero);
}

HWY_INLINE bool is_same(Numbers a, Numbers b) {
  const hn::RebindToUnsigned<Lanes> bits;
  return hn::AllTrue(bits, hn::Eq(hn::BitCast(bits, a), hn::BitCast(bits, b)));
}

// Four vectors side by side: one alone waits for its own sums. When a step changes no bit, none after it
// does.
template <Charge charge>
void rest(float factor, Lif::State* cells, Index count, Index n) {
  const Lanes lanes;
  const auto width = static_cast<Index>(hn::Lanes(lanes));
  float* v = &cells->v;
  for (Index i = 0; i < count; i += 4 * width) {
    Numbers a = hn::LoadU(lanes, v + i);
    Numbers b = hn::LoadU(lanes, v + i + width);
    Numbers c = hn::LoadU(lanes, v + i + 2 * width);
    Numbers d = hn::LoadU(lanes, v + i + 3 * width);
    for (Index t = 0; t < n; ++t) {
      const Numbers before_a = a, before_b = b, before_c = c, before_d = d;
      a = rested<charge>(factor, a);
      b = rested<charge>(factor, b);
      c = rested<charge>(factor, c);
      d = rested<charge>(factor, d);
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
  const auto run = [&](Lif::State* from, Index size) {
    with_charge(derived, [&]<Charge charge>(float factor) { rest<charge>(factor, from, size, n); });
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
HWY_EXPORT(lif_block);
HWY_EXPORT(lif_strip);
HWY_EXPORT(lif_idle);
}  // namespace

void lif_hwy(const Lif::Derived& derived, const LifRun& run, Index begin, Index end) {
  HWY_DYNAMIC_DISPATCH(lif_block)(derived, run, begin, end);
}

void lif_strip_hwy(const Lif::Derived& derived, const LifRun& run, const Strip& strip) {
  HWY_DYNAMIC_DISPATCH(lif_strip)(derived, run, strip);
}

void lif_idle_hwy(const Lif::Derived& derived, std::span<Lif::State> cells, Index n) {
  HWY_DYNAMIC_DISPATCH(lif_idle)(derived, cells.data(), std::ssize(cells), n);
}

}  // namespace volley
#endif
