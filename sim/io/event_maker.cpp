// Makes events of an image by moving the gaze over it.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "sim/base/check.hpp"
#include "sim/base/rng.hpp"
#include "sim/io/event_data.hpp"
#include "sim/io/event_formats.hpp"

namespace volley {
namespace {

constexpr double darkest = 0.1;      // the log of black is finite
constexpr double spread = 0.03;      // of the thresholds, between pixels
constexpr std::int64_t tick = 1000;  // [us]; within one the log intensity moves evenly
constexpr int saccades = 3;
constexpr Index most_side = 1024;
constexpr std::int64_t most_saccade = 10'000'000;

// 0 outside of the image.
double intensity(std::span<const float> image, Index rows, Index columns, double y, double x) {
  const auto pixel = [&](Index row, Index column) {
    const bool is_inside = row >= 0 && row < rows && column >= 0 && column < columns;
    return is_inside ? static_cast<double>(image[static_cast<std::size_t>(row * columns + column)]) : 0.0;
  };
  const auto top = static_cast<Index>(std::floor(y));
  const auto left = static_cast<Index>(std::floor(x));
  const double down = y - std::floor(y);
  const double right = x - std::floor(x);
  return (1 - down) * ((1 - right) * pixel(top, left) + right * pixel(top, left + 1)) +
         down * ((1 - right) * pixel(top + 1, left) + right * pixel(top + 1, left + 1));
}

struct Gaze {
  double x, y;
};

// Down to the right, up to the right, and back to the left.
Gaze gaze_at(double phase, double travel) {
  const double part = phase - std::floor(phase);
  if (phase < 1) {
    return {travel / 2 * part, travel * part};
  }
  if (phase < 2) {
    return {travel / 2 * (1 + part), travel * (1 - part)};
  }
  return {travel * (1 - std::min(phase - 2, 1.0)), 0};
}

double normal(std::uint64_t seed, std::uint64_t index) {
  constexpr std::uint32_t stream = 0x6D616B65;
  const double u = 1.0 - static_cast<double>(random_uniform(seed, stream, 0, index));
  const double v = static_cast<double>(random_uniform(seed, stream, 1, index));
  return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
}

}  // namespace

EventRecording make_events(std::span<const float> image, Index rows, Index columns, const EventMaker& maker) {
  VOLLEY_CHECK(
      rows >= 1 && columns >= 1 && maker.side <= most_side && rows <= maker.side && columns <= maker.side,
      Fault::usage, "an image of {} x {} does not fit a sensor of {} x {} (at most {})", rows, columns,
      maker.side, maker.side, most_side);
  VOLLEY_ASSERT(static_cast<Index>(image.size()) == rows * columns);
  VOLLEY_CHECK(maker.threshold >= 0.01 && maker.saccade >= tick && maker.saccade <= most_saccade,
               Fault::usage,
               "a threshold of {} or saccades of {} us can't be, wanted 0.01 or more and 1000 .. {} us",
               maker.threshold, maker.saccade, most_saccade);
  EventRecording recording{"made", maker.side, maker.side, {}};
  const std::int64_t ticks = saccades * maker.saccade / tick;
  const auto middle_y = static_cast<double>((maker.side - rows) / 2);
  const auto middle_x = static_cast<double>((maker.side - columns) / 2);
  for (Index place = 0; place < maker.side * maker.side; ++place) {
    const auto y = static_cast<double>(place / maker.side);
    const auto x = static_cast<double>(place % maker.side);
    const auto log_at = [&](std::int64_t k) {
      const double phase = static_cast<double>(k * tick) / static_cast<double>(maker.saccade);
      const Gaze gaze = gaze_at(phase, maker.travel);
      return std::log(darkest +
                      intensity(image, rows, columns, y - middle_y + gaze.y, x - middle_x + gaze.x));
    };
    const double wide =
        1 + spread * std::clamp(normal(maker.seed, static_cast<std::uint64_t>(place)), -3.0, 3.0);
    const double threshold = maker.threshold * wide;
    double before = log_at(0);
    double level = before;
    for (std::int64_t k = 1; k <= ticks; ++k) {
      const double now = log_at(k);
      while (std::abs(now - level) >= threshold) {
        level += now > level ? threshold : -threshold;
        const double part = now == before ? 0 : std::clamp((level - before) / (now - before), 0.0, 1.0);
        const std::int64_t t = (k - 1) * tick + std::llround(part * static_cast<double>(tick));
        recording.events.push_back({t, static_cast<std::uint16_t>(place % maker.side),
                                    static_cast<std::uint16_t>(place / maker.side),
                                    static_cast<std::uint8_t>(now > before ? 1 : 0)});
      }
      before = now;
    }
  }
  events::sort_by_time(recording);
  return recording;
}

}  // namespace volley
