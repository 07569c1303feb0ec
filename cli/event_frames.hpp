// Recordings of events as frames, one sample a file.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/io/event_data.hpp"

namespace volley::cli {

struct FrameOptions {
  Index steps = 1;  // T, the frames of a recording
  FrameSplit split = FrameSplit::number;
  bool binary = false;                          // 1 where a frame has an event, else counts
  std::optional<std::pair<Index, Index>> size;  // width, height [pixels]; nothing: as the recordings
};

struct EventFrames {
  Array frames;               // [T S 2 Y X]
  std::vector<Index> labels;  // of the files that say one
  Index left_out = 0;         // events outside of the size
};

// Throws Error (usage) when the recordings differ in size.
EventFrames frames_of(const std::vector<std::string>& files, const FrameOptions& options,
                      const std::function<EventRecording(const std::string&)>& open);

}  // namespace volley::cli
