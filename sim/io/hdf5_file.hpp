// Reads groups, arrays and texts of an HDF5 file.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/io/array.hpp"

namespace volley {

// Paths are "/group/name". Every failure is an Error that names the file and the path. An array may declare
// at most as many bytes as deflate could have made of the whole file, so that a small file can't ask for much
// memory. Links to other files are not followed. A damaged file can keep libhdf5 1.10 busy for ever or crash
// it: when a file is opened, a child process with a limit of time reads all of it first (trial.hpp), and what
// the child does not survive is refused.
class Hdf5File {
 public:
  explicit Hdf5File(const std::string& path);
  ~Hdf5File();
  Hdf5File(Hdf5File&&) noexcept;
  Hdf5File& operator=(Hdf5File&&) noexcept;

  const std::string& path() const;
  bool has(const std::string& object) const;
  bool is_group(const std::string& object) const;
  std::vector<std::string> children(const std::string& group) const;  // names, sorted

  Array numbers(const std::string& object) const;  // integers and floats of 1 to 8 bytes; bool of h5py too
  // Numbers of variable length, one list a row.
  std::vector<std::vector<double>> lists(const std::string& object) const;
  bool is_list(const std::string& object) const;
  bool is_text(const std::string& object) const;
  std::string text(const std::string& object) const;         // a scalar
  std::vector<std::string> texts(const std::string& object,  // row-major
                                 std::vector<Index>& sizes) const;
  // Of a group or an array; nothing when it isn't there, or is no scalar of this kind.
  std::optional<std::string> text_attribute(const std::string& object, const std::string& name) const;
  std::optional<double> number_attribute(const std::string& object, const std::string& name) const;

 private:
  struct Untried {};
  Hdf5File(const std::string& path, Untried);
  static void try_out(const std::string& path);  // throws Error
  static void read_all(const Hdf5File& file, const std::string& object, int level);
  std::vector<std::string> attribute_names(const std::string& object) const;

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
  // Of a group or an array that is there already.
  void attribute(const std::string& object, const std::string& name, const std::string& text);
  void attribute(const std::string& object, const std::string& name, double number);
  void attribute(const std::string& object, const std::string& name, Index number);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

bool is_hdf5(const std::string& path);  // by its first bytes

}  // namespace volley
