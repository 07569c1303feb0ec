// N-MNIST and N-Caltech101: five bytes an event.
#include "sim/base/check.hpp"
#include "sim/io/event_formats.hpp"

namespace volley::events {
namespace {

constexpr std::size_t event_bytes = 5;
constexpr std::uint64_t overflow_y = 240;
constexpr std::int64_t overflow = 1 << 13;  // [us], of this and all later times
constexpr Index nmnist_side = 34;
constexpr Index atis_width = 304, atis_height = 240;

}  // namespace

EventRecording read_bin(Bytes bytes) {
  VOLLEY_CHECK(bytes.left() > 0 && bytes.left() % event_bytes == 0, Fault::model,
               "{}: is no known event format: no mark at its begin, and {} bytes are not events of 5",
               bytes.path(), bytes.left());
  EventRecording recording{"N-MNIST", nmnist_side, nmnist_side, {}};
  std::int64_t base = 0;
  while (bytes.left() > 0) {
    const std::uint64_t x = bytes.big(1);
    const std::uint64_t y = bytes.big(1);
    const std::uint64_t word = bytes.big(3);
    if (y == overflow_y) {
      base += overflow;
      continue;
    }
    if (x >= nmnist_side || y >= nmnist_side) {
      recording.format = "N-Caltech101";
      recording.width = atis_width;
      recording.height = atis_height;
    }
    recording.events.push_back({base + static_cast<std::int64_t>(word & 0x7FFFFF),
                                static_cast<std::uint16_t>(x), static_cast<std::uint16_t>(y),
                                static_cast<std::uint8_t>(word >> 23)});
  }
  return recording;
}

}  // namespace volley::events
