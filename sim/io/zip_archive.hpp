// A ZIP archive whose entries were checked before any is read.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/io/file.hpp"
#include "sim/io/mapped_file.hpp"

namespace volley {

std::string printable(std::string name);  // control characters as '?', for messages

// Entries are stored or deflated, zip64 or not. Refused when opened: a name twice, an entry that is
// encrypted, of another method, or that declares more bytes than deflate can make of it; entries that
// together are larger than the file, so that none overlaps another. kind, for messages: ".npz archive".
class ZipArchive {
 public:
  ZipArchive(const std::string& path, std::string_view kind);
  ~ZipArchive();
  ZipArchive(const ZipArchive&) = delete;
  ZipArchive& operator=(const ZipArchive&) = delete;

  const std::string& path() const;
  const std::map<std::string, Index>& sizes() const;  // by name [bytes], as declared
  bool has(const std::string& name) const { return sizes().contains(name); }

  // use(next) takes exactly the declared bytes; then the checksum is compared. what: file and entry, for
  // messages.
  void read(const std::string& name, const std::string& what,
            const std::function<void(const ReadNext& next)>& use) const;
  std::vector<std::byte> read(const std::string& name, const std::string& what) const;
  // The bytes of an entry that is not compressed, where they lie in the mapped file, their checksum compared;
  // nothing when it is compressed or empty.
  std::optional<std::span<const std::byte>> stored(const std::string& name, const std::string& what) const;
  const std::shared_ptr<const MappedFile>& file() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct ZipPiece {
  std::string name;
  std::span<const std::byte> head, body;  // one after the other
};

// Deflated, through write_whole; the same pieces give the same bytes. A name twice is an Error.
void write_zip(const std::string& path, std::span<const ZipPiece> pieces);

}  // namespace volley
