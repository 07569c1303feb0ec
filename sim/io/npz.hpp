// .npz: named numpy arrays in a ZIP archive.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/io/array.hpp"

namespace volley {

// An archive of .npy entries, stored or deflated, zip64 or not. Names lack ".npy". An array is read when
// asked for. Refused when opened: a name twice, an entry that is no .npy, encrypted, of another method, or
// that declares more bytes than deflate can make of it.
class NpzFile {
 public:
  explicit NpzFile(const std::string& path);
  ~NpzFile();
  NpzFile(const NpzFile&) = delete;
  NpzFile& operator=(const NpzFile&) = delete;

  std::vector<std::string> names() const;  // sorted
  bool has(const std::string& name) const;
  Array read(const std::string& name) const;  // throws Error that lists the names when it isn't there

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

Arrays read_npz(const std::string& path);

// Deflated; the same arrays give the same bytes.
void write_npz(const std::string& path, const Arrays& arrays);

}  // namespace volley
