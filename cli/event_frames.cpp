// Recordings of events as frames.
#include "cli/event_frames.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace volley::cli {

EventFrames frames_of(const std::vector<std::string>& files, const FrameOptions& options,
                      const std::function<EventRecording(const std::string&)>& open) {
  const auto samples = static_cast<Index>(files.size());
  EventFrames all;
  for (Index s = 0; s < samples; ++s) {
    const std::string& file = files[static_cast<std::size_t>(s)];
    EventRecording recording = open(file);
    if (options.size) {
      all.left_out += centre(recording, options.size->first, options.size->second);
    }
    const Array frames = options.binary ? events_to_spikes(recording, options.steps, options.split)
                                        : events_to_frames(recording, options.steps, options.split);
    const std::vector<Index> sizes{options.steps, samples, 2, recording.height, recording.width};
    if (s == 0) {
      all.frames = {sizes, frames.type,
                    std::vector<std::byte>(frames.bytes.size() * static_cast<std::size_t>(samples))};
    }
    VOLLEY_CHECK(all.frames.sizes == sizes, Fault::usage,
                 "{}: has {} x {} pixels, {} has {} x {}; --size makes them equal", file, recording.width,
                 recording.height, files[0], all.frames.sizes[4], all.frames.sizes[3]);
    const std::size_t step = frames.bytes.size() / static_cast<std::size_t>(options.steps);
    for (Index t = 0; t < options.steps; ++t) {
      std::copy_n(frames.bytes.data() + static_cast<std::size_t>(t) * step, step,
                  all.frames.bytes.data() + static_cast<std::size_t>(t * samples + s) * step);
    }
    if (recording.label) {
      all.labels.push_back(*recording.label);
    }
  }
  return all;
}

}  // namespace volley::cli
