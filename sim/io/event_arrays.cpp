// Events as arrays: .npz, structured .npy, and the spike lists of SHD.
#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "sim/base/check.hpp"
#include "sim/io/event_formats.hpp"
#include "sim/io/hdf5_file.hpp"
#include "sim/io/npy.hpp"
#include "sim/io/npz.hpp"

namespace volley::events {
namespace {

constexpr Index shd_units = 700;

template <class T>
T fitting(Index number, std::string_view name, std::size_t at, const std::string& path) {
  VOLLEY_CHECK(number >= 0 && number <= std::numeric_limits<T>::max(), Fault::model,
               "{}: {} of event {} is {}, wanted 0 .. {}", path, name, at, number,
               std::numeric_limits<T>::max());
  return static_cast<T>(number);
}

std::int64_t in_microseconds(Index t, Index unit, std::size_t at, const std::string& path) {
  const Index most = (Index{1} << 60) / unit;
  VOLLEY_CHECK(t > -most && t < most, Fault::model, "{}: t of event {} is {}, wanted less than 2^60 us", path,
               at, t);
  return t * unit;
}

EventRecording from_arrays(const Arrays& arrays, std::string_view format, Index unit,
                           const std::string& path) {
  const auto integers = [&](const char* name) {
    const auto found = arrays.find(name);
    VOLLEY_CHECK(found != arrays.end(), Fault::model, "{}: has no '{}', wanted t, x, y, p", path, name);
    const Array& array = found->second;
    VOLLEY_CHECK(array.sizes.size() == 1 && !is_float(array.type), Fault::model,
                 "{}: '{}' is {} of shape {}, wanted integers on one axis", path, name,
                 volley::name(array.type), text(array.sizes));
    return as_integers(array, path + ": " + name);
  };
  const auto t = integers("t"), x = integers("x"), y = integers("y"), p = integers("p");
  VOLLEY_CHECK(x.size() == t.size() && y.size() == t.size() && p.size() == t.size(), Fault::model,
               "{}: has {} t, {} x, {} y, {} p, wanted as many of each", path, t.size(), x.size(), y.size(),
               p.size());
  EventRecording recording{std::string(format), 0, 0, {}};
  for (std::size_t i = 0; i < t.size(); ++i) {
    recording.events.push_back(
        {in_microseconds(t[i], unit, i, path), fitting<std::uint16_t>(x[i], "x", i, path),
         fitting<std::uint16_t>(y[i], "y", i, path), fitting<std::uint8_t>(p[i], "p", i, path)});
  }
  for (auto [name, side] : {std::pair{"width", &recording.width}, {"height", &recording.height}}) {
    if (arrays.contains(name)) {
      const auto sizes = integers(name);
      VOLLEY_CHECK(sizes.size() == 1 && sizes[0] >= 1, Fault::model, "{}: '{}' is not one number above 0",
                   path, name);
      *side = sizes[0];
    }
  }
  if (arrays.contains("label")) {
    const auto label = integers("label");
    VOLLEY_CHECK(label.size() == 1 && label[0] >= 0, Fault::model,
                 "{}: 'label' is not one number of 0 or more", path);
    recording.label = label[0];
  }
  return recording;
}

std::vector<double> as_doubles(const Array& array) {
  std::vector<double> numbers(static_cast<std::size_t>(array.count()));
  if (array.type == NumberType::f64) {
    std::ranges::copy(array.bytes, std::as_writable_bytes(std::span(numbers)).begin());
  } else if (is_float(array.type)) {
    std::ranges::copy(as_floats(array), numbers.begin());
  } else {
    std::ranges::transform(as_integers(array), numbers.begin(),
                           [](Index n) { return static_cast<double>(n); });
  }
  return numbers;
}

// [N 4] in the order that the user says; times may have fractions.
EventRecording from_columns(const Array& array, const std::string& columns, Index unit,
                            const std::string& path) {
  std::string sorted = columns;
  std::ranges::sort(sorted);
  VOLLEY_CHECK(sorted == "ptxy", Fault::usage,
               "the columns are '{}', wanted the letters t, x, y, p in any order", columns);
  VOLLEY_CHECK(array.sizes.size() == 2 && array.sizes[1] == 4, Fault::model,
               "{}: has shape {}, wanted [events, 4] for the columns {}", path, text(array.sizes), columns);
  check_finite(array, "events", path);
  const std::vector<double> numbers = as_doubles(array);
  EventRecording recording{"npy events", 0, 0, {}};
  const auto whole = [&](std::size_t row, char column) {
    const double number = numbers[row * 4 + columns.find(column)];
    VOLLEY_CHECK(
        number >= 0 && number <= std::numeric_limits<std::uint16_t>::max() && number == std::floor(number),
        Fault::model, "{}: {} of event {} is {}, wanted a whole number 0 .. 65535", path, column, row,
        number);
    return static_cast<std::uint16_t>(number);
  };
  for (std::size_t i = 0; i < numbers.size() / 4; ++i) {
    constexpr double most = 0x1p60;
    const double t = numbers[i * 4 + columns.find('t')] * static_cast<double>(unit);
    VOLLEY_CHECK(t > -most && t < most, Fault::model, "{}: t of event {} is {} us, wanted less than 2^60",
                 path, i, t);
    const std::uint16_t p = whole(i, 'p');
    recording.events.push_back({std::llround(t), whole(i, 'x'), whole(i, 'y'),
                                static_cast<std::uint8_t>(std::min<std::uint16_t>(p, 2))});
  }
  return recording;
}

}  // namespace

EventRecording read_npz_events(const std::string& path, Index unit) {
  const NpzFile file(path);
  Arrays arrays;
  for (const char* name : {"t", "x", "y", "p", "width", "height", "label"}) {
    if (file.has(name)) {
      arrays[name] = file.read(name);
    }
  }
  return from_arrays(arrays, "npz events", unit, path);
}

EventRecording read_npy_events(const std::string& path, const std::string& columns, Index unit) {
  if (!columns.empty()) {
    return from_columns(read_npy(path), columns, unit, path);
  }
  Arrays arrays = read_npy_fields(path);
  for (const char* name : {"width", "height", "label"}) {
    arrays.erase(name);  // a column is no size of the sensor
  }
  return from_arrays(arrays, "npy events", unit, path);
}

EventRecording read_hdf5_events(const std::string& path, Index sample) {
  const Hdf5File file(path);
  const auto times = file.lists("/spikes/times");
  const auto units = file.lists("/spikes/units");
  VOLLEY_CHECK(times.size() == units.size(), Fault::model, "{}: has times of {} samples and units of {}",
               path, times.size(), units.size());
  VOLLEY_CHECK(sample < static_cast<Index>(times.size()), Fault::usage, "{}: holds {} samples, got sample {}",
               path, times.size(), sample);
  const auto& t = times[static_cast<std::size_t>(sample)];
  const auto& x = units[static_cast<std::size_t>(sample)];
  VOLLEY_CHECK(t.size() == x.size(), Fault::model, "{}: sample {} has {} times and {} units", path, sample,
               t.size(), x.size());
  EventRecording recording{"SHD", shd_units, 1, {}};
  for (std::size_t i = 0; i < t.size(); ++i) {
    constexpr double longest = 1e6;  // [s]
    VOLLEY_CHECK(t[i] >= 0 && t[i] < longest && x[i] >= 0 && x[i] < shd_units && x[i] == std::floor(x[i]),
                 Fault::model, "{}: sample {} has time {} s of unit {}, wanted 0 .. 1e6 s, units 0 .. 699",
                 path, sample, t[i], x[i]);
    constexpr double microseconds = 1e6;
    recording.events.push_back({std::llround(t[i] * microseconds), static_cast<std::uint16_t>(x[i]), 0, 1});
  }
  sort_by_time(recording);
  if (file.has("/labels")) {
    const auto labels = as_integers(file.numbers("/labels"), path + ": /labels");
    VOLLEY_CHECK(labels.size() == times.size() && labels[static_cast<std::size_t>(sample)] >= 0, Fault::model,
                 "{}: has {} samples and {} labels, wanted as many, of 0 or more", path, times.size(),
                 labels.size());
    recording.label = labels[static_cast<std::size_t>(sample)];
  }
  return recording;
}

}  // namespace volley::events
