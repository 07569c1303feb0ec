// Knows a recording by its first bytes; sums events to frames.
#include "sim/io/event_data.hpp"

#include <algorithm>
#include <array>

#include "sim/base/check.hpp"
#include "sim/io/event_formats.hpp"
#include "sim/io/file.hpp"
#include "sim/io/zip_archive.hpp"

namespace volley {
namespace events {

void Bytes::skip(std::size_t bytes) {
  VOLLEY_CHECK(bytes <= left(), Fault::model, "{}: ends at byte {}, wanted {} more bytes", path_, all_.size(),
               bytes - left());
  at_ += bytes;
}

std::string_view Bytes::take(std::size_t bytes) {
  const std::size_t from = at_;
  skip(bytes);
  return all_.substr(from, bytes);
}

std::uint64_t Bytes::little(std::size_t bytes) {
  const std::size_t from = at_;
  skip(bytes);
  std::uint64_t number = 0;
  for (std::size_t i = bytes; i-- > 0;) {
    number = number << 8 | static_cast<std::uint8_t>(all_[from + i]);
  }
  return number;
}

std::uint64_t Bytes::big(std::size_t bytes) {
  const std::size_t from = at_;
  skip(bytes);
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < bytes; ++i) {
    number = number << 8 | static_cast<std::uint8_t>(all_[from + i]);
  }
  return number;
}

std::string Bytes::header(char mark, std::string_view end) {
  std::string text;
  while (left() > 0 && all_[at_] == mark) {
    const auto newline = all_.find('\n', at_);
    VOLLEY_CHECK(newline != std::string_view::npos, Fault::model, "{}: has a header line without an end",
                 path_);
    const std::string_view line = all_.substr(at_, newline + 1 - at_);
    text += line;
    at_ = newline + 1;
    if (line.starts_with(end)) {
      break;
    }
  }
  return text;
}

std::int64_t Unwrapped::operator()(std::int64_t now) {
  if (last_ - now > range_ / 2) {
    base_ += range_;
  }
  last_ = now;
  return base_ + now;
}

void sort_by_time(EventRecording& recording) {
  std::stable_sort(recording.events.begin(), recording.events.end(),
                   [](const Event& a, const Event& b) { return a.t < b.t; });
}

}  // namespace events

namespace {

constexpr Index most_side = 1 << 16;
constexpr Index most_unit = 1'000'000;          // [us]
constexpr Index most_numbers = Index{1} << 30;  // of frames

EventRecording read_any(const std::string& path, const EventSource& source) {
  constexpr Index most_bytes = Index{1} << 36;
  const auto head = [&] {
    const InputFile file(path);
    std::string bytes(static_cast<std::size_t>(std::min<Index>(10, file.size())), '\0');
    file.read(0, std::as_writable_bytes(std::span(bytes)));
    return bytes;
  }();
  if (head.starts_with("\x89HDF")) {
    return events::read_hdf5_events(path, source.sample);
  }
  VOLLEY_CHECK(source.sample == 0 || head == "#!AER-DAT4", Fault::usage,
               "{}: is one recording, got sample {}", path, source.sample);
  if (head.starts_with("\x93NUMPY")) {
    return events::read_npy_events(path, source.columns, source.unit);
  }
  VOLLEY_CHECK(source.columns.empty(), Fault::usage, "{}: is no .npy, so it has no columns to name", path);
  if (head.starts_with("PK\x03\x04")) {
    return events::read_npz_events(path, source.unit);
  }
  const std::string all = read_text(path, most_bytes);
  const events::Bytes bytes(all, path);
  if (all.starts_with("#!AER-DAT4")) {
    return events::read_aedat4(bytes, source.sample);
  }
  if (all.starts_with("#!AER-DAT3")) {
    return events::read_aedat3(bytes);
  }
  if (all.starts_with("#!AER-DAT2")) {
    return events::read_aedat2(bytes);
  }
  VOLLEY_CHECK(!all.starts_with("#!AER-DAT"), Fault::model, "{}: is AEDAT {}, wanted 2.0, 3.1 or 4.0", path,
               printable(all.substr(9, 3)));
  if (all.starts_with("%")) {
    return events::read_prophesee(bytes);
  }
  return events::read_bin(bytes);
}

// Sides that the user or the file names, else the extent of the events.
void settle_sides(EventRecording& recording, const EventSource& source, const std::string& path) {
  Index right = 0, bottom = 0;
  for (const Event& event : recording.events) {
    right = std::max<Index>(right, event.x + 1);
    bottom = std::max<Index>(bottom, event.y + 1);
  }
  const auto settle = [](Index& side, Index wanted, Index extent) {
    side = wanted > 0 ? wanted : side > 0 ? side : std::max<Index>(extent, 1);
  };
  settle(recording.width, source.width, right);
  settle(recording.height, source.height, bottom);
  VOLLEY_CHECK(recording.width <= most_side && recording.height <= most_side, Fault::model,
               "{}: has a sensor of {} x {}, wanted at most {} a side", path, recording.width,
               recording.height, most_side);
  VOLLEY_CHECK(right <= recording.width && bottom <= recording.height, Fault::model,
               "{}: has events up to x {}, y {}, outside of the sensor of {} x {}", path, right - 1,
               bottom - 1, recording.width, recording.height);
}

// [first, last) of each frame's events.
std::vector<std::pair<std::size_t, std::size_t>> slots(const EventRecording& recording, Index steps,
                                                       FrameSplit split) {
  const auto& all = recording.events;
  const auto count = static_cast<std::size_t>(steps);
  std::vector<std::pair<std::size_t, std::size_t>> out(count, {0, 0});
  if (all.empty()) {
    return out;
  }
  const std::size_t each = all.size() / count;
  const std::int64_t slot = (all.back().t - all.front().t) / steps;
  std::size_t at = 0;
  for (std::size_t k = 0; k < count; ++k) {
    const std::size_t from = at;
    if (k + 1 == count) {
      at = all.size();
    } else if (split == FrameSplit::number) {
      at += each;
    } else {
      const std::int64_t end = all.front().t + static_cast<std::int64_t>(k + 1) * slot;
      while (at < all.size() && all[at].t < end) {
        ++at;
      }
    }
    out[k] = {from, at};
  }
  return out;
}

}  // namespace

EventRecording read_events(const std::string& path, const EventSource& source) {
  VOLLEY_CHECK(source.width >= 0 && source.height >= 0 && source.sample >= 0, Fault::usage,
               "a sensor of {} x {} or sample {} is negative", source.width, source.height, source.sample);
  VOLLEY_CHECK(source.unit >= 1 && source.unit <= most_unit, Fault::usage, "a unit of {} us, wanted 1 .. {}",
               source.unit, most_unit);
  EventRecording recording = read_any(path, source);
  const auto& events = recording.events;
  constexpr std::int64_t latest = std::int64_t{1} << 60;  // differences of times must fit
  for (std::size_t i = 0; i < events.size(); ++i) {
    VOLLEY_CHECK(events[i].t > -latest && events[i].t < latest, Fault::model,
                 "{}: event {} has time {} us, wanted less than 2^60", path, i, events[i].t);
    VOLLEY_CHECK(i == 0 || events[i].t >= events[i - 1].t, Fault::model,
                 "{}: event {} has time {} us after {} us, wanted times that don't fall ({})", path, i,
                 events[i].t, events[i - 1].t, recording.format);
    VOLLEY_CHECK(events[i].p <= 1, Fault::model, "{}: event {} has polarity {}, wanted 0 or 1", path, i,
                 events[i].p);
  }
  settle_sides(recording, source, path);
  return recording;
}

Arrays event_arrays(const EventRecording& recording) {
  const std::size_t count = recording.events.size();
  std::vector<Index> t(count), x(count), y(count);
  std::vector<std::uint8_t> p(count);
  for (std::size_t i = 0; i < count; ++i) {
    const Event& event = recording.events[i];
    t[i] = event.t;
    x[i] = event.x;
    y[i] = event.y;
    p[i] = event.p;
  }
  const std::vector<Index> sizes{static_cast<Index>(count)};
  Arrays arrays;
  arrays["t"] = array_of(sizes, t);
  arrays["x"] = array_of(sizes, x);
  arrays["y"] = array_of(sizes, y);
  arrays["p"] = array_of(sizes, p);
  arrays["width"] = array_of({1}, std::array{recording.width});
  arrays["height"] = array_of({1}, std::array{recording.height});
  if (recording.label) {
    arrays["label"] = array_of({1}, std::array{*recording.label});
  }
  return arrays;
}

Index centre(EventRecording& recording, Index width, Index height) {
  VOLLEY_CHECK(width >= 1 && height >= 1 && width <= most_side && height <= most_side, Fault::usage,
               "a size of {} x {} can't be, wanted 1 .. {} a side", width, height, most_side);
  const auto before = recording.events.size();
  // Floored halves, so that there and back again is the same place.
  const auto shift = [](Index from, Index to) { return to >= from ? (to - from) / 2 : -((from - to) / 2); };
  const Index right = shift(recording.width, width), down = shift(recording.height, height);
  std::vector<Event> kept;
  for (Event event : recording.events) {
    const Index x = event.x + right, y = event.y + down;
    if (x >= 0 && x < width && y >= 0 && y < height) {
      event.x = static_cast<std::uint16_t>(x);
      event.y = static_cast<std::uint16_t>(y);
      kept.push_back(event);
    }
  }
  recording.events = std::move(kept);
  recording.width = width;
  recording.height = height;
  return static_cast<Index>(before - recording.events.size());
}

Array events_to_frames(const EventRecording& recording, Index steps, FrameSplit split) {
  const Index pixels = recording.width * recording.height;
  VOLLEY_CHECK(steps >= 1 && steps <= most_numbers / 2 / std::max<Index>(pixels, 1), Fault::usage,
               "{} frames of 2 x {} x {} can't be, wanted 1 .. {} numbers", steps, recording.height,
               recording.width, most_numbers);
  std::vector<float> counts(static_cast<std::size_t>(steps * 2 * pixels), 0.0f);
  Index frame = 0;
  for (const auto& [first, last] : slots(recording, steps, split)) {
    for (std::size_t i = first; i < last; ++i) {
      const Event& event = recording.events[i];
      const Index place = (frame * 2 + event.p) * pixels + event.y * recording.width + event.x;
      counts[static_cast<std::size_t>(place)] += 1.0f;
    }
    ++frame;
  }
  return array_of({steps, 2, recording.height, recording.width}, counts);
}

Array events_to_spikes(const EventRecording& recording, Index steps, FrameSplit split) {
  const Array counts = events_to_frames(recording, steps, split);
  std::vector<std::uint8_t> spikes;
  for (const float count : as_floats(counts)) {
    spikes.push_back(count > 0.0f ? 1 : 0);
  }
  return array_of(counts.sizes, spikes);
}

}  // namespace volley
