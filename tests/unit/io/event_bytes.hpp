// Recordings of events from bytes, for tests.
#pragma once

#include "sim/io/event_data.hpp"
#include "tests/unit/io/scratch.hpp"
#include "tests/unit/io/zip_bytes.hpp"

namespace volley::test {

inline std::string big(std::uint64_t number, int bytes) {
  std::string out = little(number, bytes);
  return {out.rbegin(), out.rend()};
}

inline EventRecording read_bytes(const std::string& bytes, const EventSource& source = {}) {
  const Scratch scratch;
  return read_events(scratch.write("events", bytes), source);
}

// A reader of the format must take or refuse the file whatever is cut or flipped.
inline void expect_sound(const std::string& bytes) {
  const Reader reader = [](const std::string& path) { (void)read_events(path); };
  expect_survives_cuts("events", bytes, reader);
  expect_survives_flips("events", bytes, bytes.size(), reader);
}

}  // namespace volley::test
