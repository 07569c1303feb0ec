// Reads groups, arrays and texts of an HDF5 file.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/io/array.hpp"

namespace volley {

// Paths are "/group/name". Every failure is an Error that names the file and the path. An array may declare
// at most as many bytes as deflate could have made of the whole file, so that a small file can't ask for much
// memory. Links to other files are not followed.
class Hdf5File {
 public:
  explicit Hdf5File(const std::string& path);
  ~Hdf5File();
  Hdf5File(const Hdf5File&) = delete;
  Hdf5File& operator=(const Hdf5File&) = delete;

  const std::string& path() const;
  bool has(const std::string& object) const;
  bool is_group(const std::string& object) const;
  std::vector<std::string> children(const std::string& group) const;  // names, sorted

  Array numbers(const std::string& object) const;  // integers and floats of 1 to 8 bytes; bool of h5py too
  // Numbers of variable length, one list a row.
  std::vector<std::vector<double>> lists(const std::string& object) const;
  bool is_text(const std::string& object) const;
  std::string text(const std::string& object) const;         // a scalar
  std::vector<std::string> texts(const std::string& object,  // row-major
                                 std::vector<Index>& sizes) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Writes a new file, seen by nobody before it is whole (write_whole). Groups on the way are made.
class Hdf5Writer {
 public:
  explicit Hdf5Writer(const std::string& path);  // of the part file
  ~Hdf5Writer();
  Hdf5Writer(const Hdf5Writer&) = delete;
  Hdf5Writer& operator=(const Hdf5Writer&) = delete;

  void text(const std::string& object, const std::string& text);
  void texts(const std::string& object, const std::vector<std::string>& texts,
             const std::vector<Index>& sizes);
  void numbers(const std::string& object, const Array& array);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

bool is_hdf5(const std::string& path);  // by its first bytes

}  // namespace volley
