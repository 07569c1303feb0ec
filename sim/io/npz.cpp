// Arrays in a ZIP archive, through libzip.
#include "sim/io/npz.hpp"

#include <zip.h>

#include <algorithm>

#include "sim/base/check.hpp"
#include "sim/io/file.hpp"
#include "sim/io/npy.hpp"

namespace volley {
namespace {

constexpr std::string_view extension = ".npy";
constexpr zip_uint64_t deflate_ratio = 1032;  // deflate can't exceed 1032:1 (zlib.net/zlib_tech.html)

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
using Archive = std::unique_ptr<zip_t, Discard>;

struct Close {
  void operator()(zip_file_t* entry) const { zip_fclose(entry); }
};

struct Entry {
  zip_uint64_t index = 0;
  Index size = 0;  // [bytes] as declared
};

Archive open(const std::string& path, int flags, Fault fault) {
  int code = 0;
  Archive archive(zip_open(path.c_str(), flags, &code));
  if (archive == nullptr) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const std::string why = code == ZIP_ER_EXISTS ? "an array is there twice" : zip_error_strerror(&error);
    zip_error_fini(&error);
    fail(fault, "{}: not a .npz archive: {}", path, why);
  }
  return archive;
}

// Printable, for messages.
std::string shown(std::string name) {
  std::replace_if(
      name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; }, '?');
  return name;
}

Entry checked_entry(const zip_stat_t& stat, const std::string& what) {
  constexpr zip_uint64_t wanted =
      ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
  VOLLEY_CHECK((stat.valid & wanted) == wanted, Fault::model, "{}: the archive doesn't state its size", what);
  VOLLEY_CHECK(stat.encryption_method == ZIP_EM_NONE, Fault::model, "{}: is encrypted", what);
  VOLLEY_CHECK(stat.comp_method == ZIP_CM_STORE || stat.comp_method == ZIP_CM_DEFLATE, Fault::model,
               "{}: is compressed by method {}, wanted stored (0) or deflated (8)", what, stat.comp_method);
  const bool stored = stat.comp_method == ZIP_CM_STORE;
  // comp_size is at most the size of the file here, so the product can't overflow.
  VOLLEY_CHECK(stored ? stat.size == stat.comp_size : stat.size <= stat.comp_size * deflate_ratio,
               Fault::model, "{}: {} bytes in the archive can't hold the {} bytes that it declares", what,
               stat.comp_size, stat.size);
  return {stat.index, static_cast<Index>(stat.size)};
}

}  // namespace

struct NpzFile::Impl {
  std::string path;
  Archive archive;
  std::map<std::string, Entry> entries;
};

NpzFile::NpzFile(const std::string& path) : impl_(std::make_unique<Impl>()) {
  auto left = static_cast<zip_uint64_t>(InputFile(path).size());
  impl_->path = path;
  impl_->archive = open(path, ZIP_RDONLY | ZIP_CHECKCONS, Fault::model);
  const zip_int64_t count = zip_get_num_entries(impl_->archive.get(), 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    zip_stat_t stat;
    zip_stat_init(&stat);
    const bool known = zip_stat_index(impl_->archive.get(), static_cast<zip_uint64_t>(i), 0, &stat) == 0;
    VOLLEY_CHECK(known && stat.name != nullptr, Fault::model, "{}: entry {}: {}", path, i,
                 zip_strerror(impl_->archive.get()));
    std::string name = stat.name;
    const std::string what = fmt::format("{}: array '{}'", path, shown(name));
    VOLLEY_CHECK(ends_with(name, extension), Fault::model, "{}: entry '{}' is not a {}", path, shown(name),
                 extension);
    // The entries together fit into the file: none overlaps another, so no part inflates twice.
    VOLLEY_CHECK((stat.valid & ZIP_STAT_COMP_SIZE) != 0 && stat.comp_size <= left, Fault::model,
                 "{}: is larger than the file", what);
    left -= stat.comp_size;
    name.resize(name.size() - extension.size());
    VOLLEY_CHECK(impl_->entries.emplace(name, checked_entry(stat, what)).second, Fault::model,
                 "{}: is there twice", what);
  }
}

NpzFile::~NpzFile() = default;

std::vector<std::string> NpzFile::names() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : impl_->entries) {
    names.push_back(name);
  }
  return names;
}

bool NpzFile::has(const std::string& name) const {
  return impl_->entries.contains(name);
}

Array NpzFile::read(const std::string& name) const {
  const auto at = impl_->entries.find(name);
  VOLLEY_CHECK(at != impl_->entries.end(), Fault::model, "{}: has no array '{}', wanted one of: {}",
               impl_->path, name, [&] {
                 std::string all;
                 for (const auto& [known, entry] : impl_->entries) {
                   all += (all.empty() ? "" : ", ") + shown(known);
                 }
                 return all;
               }());
  const std::string what = fmt::format("{}: array '{}'", impl_->path, shown(name));
  const std::unique_ptr<zip_file_t, Close> entry(zip_fopen_index(impl_->archive.get(), at->second.index, 0));
  VOLLEY_CHECK(entry != nullptr, Fault::model, "{}: {}", what, zip_strerror(impl_->archive.get()));
  const auto next = [&](std::span<std::byte> out) {
    while (!out.empty()) {
      constexpr std::size_t block = std::size_t{1} << 30;
      const zip_int64_t n = zip_fread(entry.get(), out.data(), std::min(out.size(), block));
      VOLLEY_CHECK(n >= 0, Fault::model, "{}: {}", what, zip_file_strerror(entry.get()));
      VOLLEY_CHECK(n > 0, Fault::model, "{}: ends early, wanted {} more bytes", what, out.size());
      out = out.subspan(static_cast<std::size_t>(n));
    }
  };
  Array array = read_npy_stream(next, at->second.size, what);
  std::byte more{};
  const zip_int64_t n = zip_fread(entry.get(), &more, 1);  // at the end, where the checksum is compared
  VOLLEY_CHECK(n >= 0, Fault::model, "{}: {}", what, zip_file_strerror(entry.get()));
  VOLLEY_CHECK(n == 0, Fault::model, "{}: is longer than the {} bytes that it declares", what,
               at->second.size);
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
  std::map<std::string, std::string> headers;  // libzip reads them and the arrays when it closes the archive
  for (const auto& [name, array] : arrays) {
    headers.emplace(name, npy_header(array));
  }
  write_whole(path, [&](const std::string& part) {
    int code = 0;
    Archive archive(zip_open(part.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code));
    VOLLEY_CHECK(archive != nullptr, Fault::run, "{}: can't write (libzip error {})", path, code);
    for (const auto& [name, array] : arrays) {
      std::string& header = headers.at(name);
      // libzip's fragments are not const, though they are only read.
      zip_buffer_fragment_t fragments[2] = {
          {reinterpret_cast<zip_uint8_t*>(header.data()), header.size()},
          {reinterpret_cast<zip_uint8_t*>(const_cast<std::byte*>(array.bytes.data())), array.bytes.size()}};
      zip_source_t* source =
          zip_source_buffer_fragment(archive.get(), fragments, array.bytes.empty() ? 1 : 2, 0);
      const zip_int64_t index = source == nullptr
                                    ? -1
                                    : zip_file_add(archive.get(), (name + std::string(extension)).c_str(),
                                                   source, ZIP_FL_ENC_UTF_8);
      if (index < 0) {
        zip_source_free(source);
        fail(Fault::run, "{}: can't write array '{}': {}", path, shown(name), zip_strerror(archive.get()));
      }
      constexpr zip_uint16_t first_of_january_1980 = (1 << 5) | 1;  // a fixed date: same arrays, same bytes
      zip_file_set_dostime(archive.get(), static_cast<zip_uint64_t>(index), 0, first_of_january_1980, 0);
    }
    VOLLEY_CHECK(zip_close(archive.get()) == 0, Fault::run, "{}: can't write: {}", path,
                 zip_strerror(archive.get()));
    (void)archive.release();  // zip_close has freed it
  });
}

}  // namespace volley
