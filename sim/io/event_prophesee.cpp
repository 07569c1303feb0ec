// Prophesee DAT, EVT 2 and EVT 3.
#include <algorithm>
#include <charconv>

#include "sim/base/check.hpp"
#include "sim/io/event_formats.hpp"

namespace volley::events {
namespace {

// The number after the first of the words; 0: none.
Index number_after(const std::string& header, std::initializer_list<std::string_view> words) {
  for (const std::string_view word : words) {
    const auto at = header.find(word);
    Index number = 0;
    if (at != std::string::npos) {
      const char* first = header.data() + at + word.size();
      std::from_chars(first, header.data() + header.size(), number);
    }
    if (number > 0) {
      return number;
    }
  }
  return 0;
}

bool says(const std::string& header, std::string_view word) {
  return header.find(word) != std::string::npos;
}

void read_dat(Bytes bytes, EventRecording& recording) {
  constexpr std::size_t event_bytes = 8;
  const std::uint64_t type = bytes.little(1);
  const std::uint64_t size = bytes.little(1);
  VOLLEY_CHECK((type == 0 || type == 0x0C) && size == event_bytes, Fault::model,
               "{}: holds events of type {}, {} bytes each, wanted type 0 or 12 of 8 bytes", bytes.path(),
               type, size);
  VOLLEY_CHECK(bytes.left() % event_bytes == 0, Fault::model, "{}: ends within an event", bytes.path());
  while (bytes.left() > 0) {
    const auto t = static_cast<std::int64_t>(bytes.little(4));
    const std::uint64_t word = bytes.little(4);
    recording.events.push_back({t, static_cast<std::uint16_t>(word & 0x3FFF),
                                static_cast<std::uint16_t>(word >> 14 & 0x3FFF),
                                static_cast<std::uint8_t>(word >> 28)});
  }
}

// A clock's high part, in units of `unit` us, that may have wrapped. Words that come a little late do not
// wrap it.
class HighTime {
 public:
  HighTime(int bits, std::int64_t unit) : range_(std::int64_t{1} << bits), unit_(unit) {}
  void set(std::uint64_t high) {
    constexpr std::int64_t late = 10;
    const auto now = static_cast<std::int64_t>(high);
    if (known_ && last_ - now >= range_ - 1 - late) {
      base_ += range_;
    }
    last_ = now;
    known_ = true;
  }
  bool known() const { return known_; }
  std::int64_t start() const { return (base_ + last_) * unit_; }  // [us]

 private:
  std::int64_t range_, unit_, last_ = 0, base_ = 0;
  bool known_ = false;
};

void read_evt2(Bytes bytes, EventRecording& recording) {
  HighTime high(28, 64);
  VOLLEY_CHECK(bytes.left() % 4 == 0, Fault::model, "{}: ends within a word", bytes.path());
  while (bytes.left() > 0) {
    const std::size_t at = bytes.at();
    const std::uint64_t word = bytes.little(4);
    switch (word >> 28) {
      case 0x0:
      case 0x1:
        if (high.known()) {
          recording.events.push_back({high.start() + static_cast<std::int64_t>(word >> 22 & 0x3F),
                                      static_cast<std::uint16_t>(word >> 11 & 0x7FF),
                                      static_cast<std::uint16_t>(word & 0x7FF),
                                      static_cast<std::uint8_t>(word >> 28)});
        }
        break;
      case 0x8:
        high.set(word & 0xFFFFFFF);
        break;
      case 0xA:  // trigger
      case 0xE:  // of the vendor
      case 0xF:
        break;
      default:
        fail(Fault::model, "{}: byte {} begins a word of type {}, wanted one of EVT2", bytes.path(), at,
             word >> 28);
    }
  }
}

class Evt3 {
 public:
  explicit Evt3(EventRecording& recording) : out_(recording.events) {}

  // False: no word of EVT3.
  bool take(std::uint64_t word) {
    const std::uint64_t low = word & 0xFFF;
    switch (word >> 12) {
      case 0x0:
        y_ = static_cast<std::uint16_t>(low & 0x7FF);
        return true;
      case 0x2:
        emit(low & 0x7FF, low >> 11);
        return true;
      case 0x3:
        x_ = low & 0x7FF;
        p_ = low >> 11;
        return true;
      case 0x4:
        vector(low, 12);
        return true;
      case 0x5:
        vector(low & 0xFF, 8);
        return true;
      case 0x6:
        time_ = high_.start() + static_cast<std::int64_t>(low);
        return true;
      case 0x8:
        high_.set(low);
        time_ = high_.start();
        return true;
      case 0x7:  // continued, trigger, of the vendor
      case 0xA:
      case 0xE:
      case 0xF:
        return true;
      default:
        return false;
    }
  }

 private:
  void emit(std::uint64_t x, std::uint64_t p) {
    if (high_.known()) {
      out_.push_back({time_, static_cast<std::uint16_t>(x), y_, static_cast<std::uint8_t>(p)});
    }
  }
  void vector(std::uint64_t valid, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      if ((valid >> i & 1) != 0) {
        emit(x_ + i, p_);
      }
    }
    x_ = (x_ + count) & 0xFFFF;
  }

  std::vector<Event>& out_;
  HighTime high_{12, 4096};
  std::int64_t time_ = 0;
  std::uint16_t y_ = 0;
  std::uint64_t x_ = 0, p_ = 0;
};

void read_evt3(Bytes bytes, EventRecording& recording) {
  VOLLEY_CHECK(bytes.left() % 2 == 0, Fault::model, "{}: ends within a word", bytes.path());
  Evt3 reader(recording);
  while (bytes.left() > 0) {
    const std::size_t at = bytes.at();
    const std::uint64_t word = bytes.little(2);
    VOLLEY_CHECK(reader.take(word), Fault::model, "{}: byte {} begins a word of type {}, wanted one of EVT3",
                 bytes.path(), at, word >> 12);
  }
}

}  // namespace

EventRecording read_prophesee(Bytes bytes) {
  const std::string header = bytes.header('%', "% end");
  EventRecording recording;
  recording.width = number_after(header, {"width=", "% Width ", "% geometry "});
  recording.height = number_after(header, {"height=", "% Height "});
  if (const auto at = header.find("% geometry "); recording.height == 0 && at != std::string::npos) {
    recording.height = number_after(header.substr(at, header.find('\n', at) - at), {"x"});
  }
  if (says(header, "% evt 3.0") || says(header, "% format EVT3")) {
    recording.format = "EVT3";
    read_evt3(bytes, recording);
    sort_by_time(recording);
  } else if (says(header, "% evt 2.0") || says(header, "% format EVT2;") || says(header, "% format EVT2\n")) {
    recording.format = "EVT2";
    read_evt2(bytes, recording);
    sort_by_time(recording);
  } else {
    VOLLEY_CHECK(!says(header, "% evt ") && !says(header, "% format "), Fault::model,
                 "{}: is raw data of another format, wanted EVT2, EVT3 or DAT", bytes.path());
    recording.format = "DAT";
    read_dat(bytes, recording);
  }
  return recording;
}

}  // namespace volley::events
