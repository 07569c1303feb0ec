// Events as arrays: .npz, structured .npy, and the spike lists of SHD.
#include <algorithm>
#include <cmath>
#include <limits>

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

EventRecording from_arrays(const Arrays& arrays, std::string_view format, const std::string& path) {
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
    recording.events.push_back({t[i], fitting<std::uint16_t>(x[i], "x", i, path),
                                fitting<std::uint16_t>(y[i], "y", i, path),
                                fitting<std::uint8_t>(p[i], "p", i, path)});
  }
  for (auto [name, side] : {std::pair{"width", &recording.width}, {"height", &recording.height}}) {
    if (arrays.contains(name)) {
      const auto sizes = integers(name);
      VOLLEY_CHECK(sizes.size() == 1 && sizes[0] >= 1, Fault::model, "{}: '{}' is not one number above 0",
                   path, name);
      *side = sizes[0];
    }
  }
  return recording;
}

}  // namespace

EventRecording read_npz_events(const std::string& path) {
  const NpzFile file(path);
  Arrays arrays;
  for (const char* name : {"t", "x", "y", "p", "width", "height"}) {
    if (file.has(name)) {
      arrays[name] = file.read(name);
    }
  }
  return from_arrays(arrays, "npz events", path);
}

EventRecording read_npy_events(const std::string& path) {
  Arrays arrays = read_npy_fields(path);
  arrays.erase("width");  // a column is no size of the sensor
  arrays.erase("height");
  return from_arrays(arrays, "npy events", path);
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
  return recording;
}

}  // namespace volley::events
