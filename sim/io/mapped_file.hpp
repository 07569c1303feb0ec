// A file as bytes in memory that the system reads when they are looked at.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "sim/graph/weight_numbers.hpp"

namespace volley {

// Mapped read-only and never copied; its pages cost no heap and can be dropped and read again. Sizes are
// checked against the file when it is opened. A file that is renamed, replaced or deleted afterwards stays as
// it was; one that is cut or written in place while it is mapped does not, and looking beyond its new end
// ends the program: see end_on_cut_file. Throws Error that names the path.
class MappedFile {
 public:
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::string& path() const { return path_; }
  std::span<const std::byte> bytes() const { return {begin_, size_}; }

 private:
  std::string path_;
  const std::byte* begin_ = nullptr;
  std::size_t size_ = 0;
};

// The program that looks at bytes that a mapped file no longer has ends with a message and exit code 3
// (Fault::model), not with a crash. For main: the handler belongs to the whole process.
void end_on_cut_file();

// Bytes of a mapped file as floats that stay there, or nothing: they don't begin at a multiple of 4.
std::optional<WeightNumbers> mapped_floats(const std::shared_ptr<const MappedFile>& file,
                                           std::span<const std::byte> bytes);

}  // namespace volley
