// Arrays in a ZIP archive.
#include "sim/io/npz.hpp"

#include <algorithm>

#include "sim/base/check.hpp"
#include "sim/io/file.hpp"
#include "sim/io/npy.hpp"
#include "sim/io/zip_archive.hpp"

namespace volley {
namespace {

constexpr std::string_view extension = ".npy";

}  // namespace

struct NpzFile::Impl {
  ZipArchive archive;
};

NpzFile::NpzFile(const std::string& path) : impl_(new Impl{{path, ".npz archive"}}) {
  for (const auto& [name, size] : impl_->archive.sizes()) {
    VOLLEY_CHECK(ends_with(name, extension), Fault::model, "{}: entry '{}' is not a {}", path,
                 printable(name), extension);
  }
}

NpzFile::~NpzFile() = default;

std::vector<std::string> NpzFile::names() const {
  std::vector<std::string> names;
  for (const auto& [name, size] : impl_->archive.sizes()) {
    names.push_back(name.substr(0, name.size() - extension.size()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool NpzFile::has(const std::string& name) const {
  return impl_->archive.has(name + std::string(extension));
}

Array NpzFile::read(const std::string& name) const {
  const std::string& path = impl_->archive.path();
  VOLLEY_CHECK(has(name), Fault::model, "{}: has no array '{}', wanted one of: {}", path, name, [&] {
    std::string all;
    for (const std::string& known : names()) {
      all += (all.empty() ? "" : ", ") + printable(known);
    }
    return all;
  }());
  const std::string entry = name + std::string(extension);
  const std::string what = fmt::format("{}: array '{}'", path, printable(name));
  Array array;
  impl_->archive.read(entry, what, [&](const ReadNext& next) {
    array = read_npy_stream(next, impl_->archive.sizes().at(entry), what);
  });
  return array;
}

Arrays read_npz(const std::string& path) {
  const NpzFile file(path);
  Arrays arrays;
  for (const std::string& name : file.names()) {
    arrays.emplace(name, file.read(name));
  }
  return arrays;
}

void write_npz(const std::string& path, const Arrays& arrays) {
  VOLLEY_CHECK(!arrays.empty(), Fault::run, "{}: can't write: there are no arrays", path);
  std::vector<std::string> headers;  // stay where they are until the archive is closed
  headers.reserve(arrays.size());
  std::vector<ZipPiece> pieces;
  for (const auto& [name, array] : arrays) {
    const std::string& header = headers.emplace_back(npy_header(array));
    pieces.push_back({name + std::string(extension), std::as_bytes(std::span(header)), array.bytes});
  }
  write_zip(path, pieces);
}

}  // namespace volley
