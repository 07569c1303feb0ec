// AEDAT 2.0 of the DVS128 and AEDAT 3.1 packets.
#include <algorithm>

#include "sim/base/check.hpp"
#include "sim/io/event_formats.hpp"

namespace volley::events {
namespace {

constexpr Index dvs128_side = 128;
constexpr std::int64_t clock_range = std::int64_t{1} << 32;

struct Sensor {
  std::string_view name;
  Index width, height;
};
constexpr Sensor sensors[] = {{"DVS128", 128, 128}, {"DAVIS240", 240, 180}, {"DAVIS346", 346, 260}};

}  // namespace

EventRecording read_aedat2(Bytes bytes) {
  const std::string header = bytes.header('#', "#End Of ASCII Header");
  VOLLEY_CHECK(header.find("DAVIS") == std::string::npos, Fault::model,
               "{}: is AEDAT 2 of a DAVIS camera, wanted the DVS128", bytes.path());
  EventRecording recording{"AEDAT 2", dvs128_side, dvs128_side, {}};
  VOLLEY_CHECK(bytes.left() % 8 == 0, Fault::model, "{}: ends within an event", bytes.path());
  Unwrapped clock(clock_range);
  while (bytes.left() > 0) {
    const std::uint64_t address = bytes.big(4);
    const std::int64_t t = clock(static_cast<std::int64_t>(bytes.big(4)));
    if (address >> 15 == 0) {  // others: synchronisation, triggers
      recording.events.push_back({t, static_cast<std::uint16_t>(address >> 8 & 0x7F),
                                  static_cast<std::uint16_t>(address >> 1 & 0x7F),
                                  static_cast<std::uint8_t>(address & 1)});
    }
  }
  sort_by_time(recording);
  return recording;
}

EventRecording read_aedat3(Bytes bytes) {
  constexpr std::uint64_t polarity_events = 1, pair_bytes = 8;
  const std::string header = bytes.header('#', "#!END-HEADER");
  EventRecording recording{"AEDAT 3.1", 0, 0, {}};
  for (const Sensor& sensor : sensors) {
    if (header.find(sensor.name) != std::string::npos) {
      recording.width = sensor.width;
      recording.height = sensor.height;
      break;
    }
  }
  while (bytes.left() > 0) {
    const std::uint64_t type = bytes.little(2);
    bytes.skip(2);  // source
    const std::uint64_t size = bytes.little(4);
    bytes.skip(4);  // where an event has its time
    const auto overflows = static_cast<std::int64_t>(bytes.little(4));
    const std::uint64_t capacity = bytes.little(4);
    const std::uint64_t number = bytes.little(4);
    bytes.skip(4);  // how many are valid
    VOLLEY_CHECK(number <= capacity, Fault::model, "{}: a packet has {} events and room for {}", bytes.path(),
                 number, capacity);
    VOLLEY_CHECK(size <= bytes.left() && (size == 0 || capacity <= bytes.left() / size), Fault::model,
                 "{}: a packet of {} events of {} bytes, but the file has {} more", bytes.path(), capacity,
                 size, bytes.left());
    const std::size_t packet = static_cast<std::size_t>(size * capacity);
    Bytes events = bytes;
    bytes.skip(packet);
    if (type != polarity_events) {
      continue;
    }
    VOLLEY_CHECK(size == pair_bytes, Fault::model, "{}: polarity events of {} bytes, wanted 8", bytes.path(),
                 size);
    for (std::uint64_t i = 0; i < number; ++i) {
      const std::uint64_t data = events.little(4);
      const auto t = static_cast<std::int64_t>(events.little(4) & 0x7FFFFFFF) | overflows << 31;
      if ((data & 1) != 0) {  // valid
        recording.events.push_back({t, static_cast<std::uint16_t>(data >> 17 & 0x1FFF),
                                    static_cast<std::uint16_t>(data >> 2 & 0x1FFF),
                                    static_cast<std::uint8_t>(data >> 1 & 1)});
      }
    }
  }
  sort_by_time(recording);
  return recording;
}

}  // namespace volley::events
