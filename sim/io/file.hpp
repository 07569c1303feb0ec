// Files read in places, and files that appear whole or not at all.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "sim/base/device_fn.hpp"

namespace volley {

// A regular file, open for reading. Throws Error that names the path.
class InputFile {
 public:
  explicit InputFile(std::string path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::string& path() const { return path_; }
  Index size() const { return size_; }  // [bytes]
  int descriptor() const { return descriptor_; }
  void read(Index offset, std::span<std::byte> out) const;

 private:
  std::string path_;
  int descriptor_ = -1;
  Index size_ = 0;
};

// Fills the span with the bytes that come next, or throws.
using ReadNext = std::function<void(std::span<std::byte>)>;

// The whole file; refused when larger than `limit` [bytes].
std::string read_text(const std::string& path, Index limit);

// Calls write with the path of a part file in the same folder and renames it to `path`; no part stays after a
// failure.
void write_whole(const std::string& path, const std::function<void(const std::string& part)>& write);

// Writes the pieces one after the other, through write_whole.
void write_pieces(const std::string& path, std::span<const std::span<const std::byte>> pieces);

bool ends_with(const std::string& path, std::string_view extension);

}  // namespace volley
