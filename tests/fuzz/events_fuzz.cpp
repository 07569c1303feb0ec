// Fuzzes the readers of event recordings; those that are read keep their promises.
#include <string_view>

#include "sim/io/event_data.hpp"
#include "tests/fuzz/input_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  // Not HDF5: that is libhdf5, read in a child process (sim/io/trial.hpp).
  if (std::string_view(reinterpret_cast<const char*>(bytes), size).starts_with("\x89HDF")) {
    return 0;
  }
  return volley::fuzz::read_or_refuse([&] {
    const auto recording = volley::read_events(volley::fuzz::file_with(bytes, size));
    for (std::size_t i = 0; i < recording.events.size(); ++i) {
      const volley::Event& event = recording.events[i];
      if (event.x >= recording.width || event.y >= recording.height || event.p > 1 ||
          (i > 0 && event.t < recording.events[i - 1].t)) {
        std::abort();
      }
    }
  });
}
