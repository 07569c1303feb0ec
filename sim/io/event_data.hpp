// Recordings of event cameras and spike data sets, as one list.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/io/array.hpp"

namespace volley {

struct Event {
  std::int64_t t = 0;  // [us]
  std::uint16_t x = 0, y = 0;
  std::uint8_t p = 0;  // 1: brighter
  bool operator==(const Event&) const = default;
};

// Times don't fall; x < width, y < height, p <= 1.
struct EventRecording {
  std::string format;  // "EVT3", for people
  Index width = 0, height = 0;
  std::vector<Event> events;
  std::vector<std::string> skipped =
      {};                           // what else the file holds, for people: "59 packets of IMUS (stream 2)"
  std::optional<Index> label = {};  // its class, where the file says
  bool operator==(const EventRecording&) const = default;
};

struct EventSource {
  Index width = 0, height = 0;  // of the sensor; 0: as the file or its format says, else the events' extent
  Index sample = 0;  // in a file of many recordings (SHD, SSC), or of many streams of events (AEDAT 4)
  std::string columns = {};  // of an .npy without names: "xypt"
  Index unit = 1;            // of times in .npy and .npz [us]
};

// Recognised by content:
//   N-MNIST, N-Caltech101 .bin: no mark; 5 bytes an event, times may not fall. 34 x 34, or 304 x 240.
//   AEDAT 2.0 (DVS128), 3.1 (polarity packets; others are skipped). Sorted by time.
//   AEDAT 4.0, plain, LZ4 or ZSTD: one stream of events; the others are skipped and named. Sorted by time.
//   Prophesee DAT (times may not fall), EVT2, EVT3 (sorted by time; trigger and vendor words are skipped).
//   .npz with t, x, y, p (and width, height, label), structured .npy with these fields, .npy [N 4] whose
//   columns the user names: times may not fall. SHD, SSC HDF5: x is the unit of 700, y is 0, p is 1, and the
//   label. Sorted by time.
// Whatever else the file holds is an Error that names it.
EventRecording read_events(const std::string& path, const EventSource& source = {});

// t i64, x, y u16 as i64, p u8, width, height, label: what read_events reads back.
Arrays event_arrays(const EventRecording& recording);

// Takes the middle of the sensor, or puts an empty border around it; how many events lie outside and are left
// out.
Index centre(EventRecording& recording, Index width, Index height);

enum class FrameSplit : std::uint8_t { number, time };

// Counts [T 2 H W] in float32, the second axis by polarity. With N events from t0 to t1, frame k holds
//   number: events k floor(N / T) .. (k + 1) floor(N / T) - 1,
//   time:   t0 + k d <= t < t0 + (k + 1) d, d = floor((t1 - t0) / T);
// the last frame takes all that is left. A slot without events is a frame of zeros.
// Source: SpikingJelly, datasets/utils (integrate_events_by_fixed_frames_number).
Array events_to_frames(const EventRecording& recording, Index steps, FrameSplit split);
// 1 where a count is above 0.
Array events_to_spikes(const EventRecording& recording, Index steps, FrameSplit split);

// Events of an image that is looked at as N-MNIST did: the gaze moves along a triangle, 100 ms a side, and a
// pixel fires whenever its log intensity has moved by its threshold.
//   L = log(0.1 + I), I in 0 .. 1, bilinear; theta_pixel = threshold (1 + 0.03 n), n normal
// Source: G. Orchard et al. 2015 (saccades); P. Lichtsteiner et al. 2008 (threshold and its spread).
struct EventMaker {
  Index side = 34;                 // of the sensor [pixels]; the image stands in its middle
  double travel = 3.0;             // base of the triangle [pixels]
  double threshold = 0.25;         // in log intensity
  std::int64_t saccade = 100'000;  // [us]
  std::uint64_t seed = 0;
};
EventRecording make_events(std::span<const float> image, Index rows, Index columns, const EventMaker& maker);

}  // namespace volley
