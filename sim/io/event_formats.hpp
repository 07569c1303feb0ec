// The formats behind read_events; each gets the whole file.
#pragma once

#include <string_view>

#include "sim/io/event_data.hpp"

namespace volley::events {

// A file's bytes with checked access. Throws Error that names the file.
class Bytes {
 public:
  Bytes(std::string_view all, const std::string& path) : all_(all), path_(path) {}

  const std::string& path() const { return path_; }
  std::size_t at() const { return at_; }
  std::size_t left() const { return all_.size() - at_; }
  std::string_view rest() const { return all_.substr(at_); }
  void skip(std::size_t bytes);
  std::string_view take(std::size_t bytes);
  std::uint64_t little(std::size_t bytes);
  std::uint64_t big(std::size_t bytes);
  // Lines that begin with `mark`, up to one that begins with `end`, which is taken too.
  std::string header(char mark, std::string_view end);

 private:
  std::string_view all_;
  const std::string& path_;
  std::size_t at_ = 0;
};

// Counts a clock on when it has wrapped: a fall by more than half of its range.
class Unwrapped {
 public:
  explicit Unwrapped(std::int64_t range) : range_(range) {}
  std::int64_t operator()(std::int64_t now);

 private:
  std::int64_t range_, last_ = 0, base_ = 0;
};

EventRecording read_bin(Bytes bytes);
EventRecording read_aedat2(Bytes bytes);
EventRecording read_aedat3(Bytes bytes);
EventRecording read_aedat4(Bytes bytes, Index sample);
EventRecording read_prophesee(Bytes bytes);
EventRecording read_npz_events(const std::string& path, Index unit);
EventRecording read_npy_events(const std::string& path, const std::string& columns, Index unit);
EventRecording read_hdf5_events(const std::string& path, Index sample);

void sort_by_time(EventRecording& recording);

}  // namespace volley::events
