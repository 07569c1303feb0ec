// ZIP through libzip.
#include "sim/io/zip_archive.hpp"

#include <zip.h>

#include <algorithm>

#include "sim/base/check.hpp"
#include "sim/io/file.hpp"

namespace volley {
namespace {

constexpr zip_uint64_t deflate_ratio = 1032;  // deflate can't exceed 1032:1 (zlib.net/zlib_tech.html)

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
using Archive = std::unique_ptr<zip_t, Discard>;

struct Close {
  void operator()(zip_file_t* entry) const { zip_fclose(entry); }
};

Archive open(const std::string& path, std::string_view kind) {
  int code = 0;
  Archive archive(zip_open(path.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code));
  if (archive == nullptr) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const std::string why = code == ZIP_ER_EXISTS ? "an entry is there twice" : zip_error_strerror(&error);
    zip_error_fini(&error);
    fail(Fault::model, "{}: not a {}: {}", path, kind, why);
  }
  return archive;
}

void check_entry(const zip_stat_t& stat, const std::string& what) {
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
}

}  // namespace

struct ZipArchive::Impl {
  std::string path;
  Archive archive;
  std::map<std::string, Index> sizes;
  std::map<std::string, zip_uint64_t> places;
};

std::string printable(std::string name) {
  std::replace_if(
      name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; }, '?');
  return name;
}

ZipArchive::ZipArchive(const std::string& path, std::string_view kind) : impl_(std::make_unique<Impl>()) {
  auto left = static_cast<zip_uint64_t>(InputFile(path).size());
  impl_->path = path;
  impl_->archive = open(path, kind);
  const zip_int64_t count = zip_get_num_entries(impl_->archive.get(), 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    zip_stat_t stat;
    zip_stat_init(&stat);
    const auto place = static_cast<zip_uint64_t>(i);
    const bool known = zip_stat_index(impl_->archive.get(), place, 0, &stat) == 0;
    VOLLEY_CHECK(known && stat.name != nullptr, Fault::model, "{}: entry {}: {}", path, i,
                 zip_strerror(impl_->archive.get()));
    const std::string what = fmt::format("{}: entry '{}'", path, printable(stat.name));
    // The entries together fit into the file: none overlaps another, so no part inflates twice.
    VOLLEY_CHECK((stat.valid & ZIP_STAT_COMP_SIZE) != 0 && stat.comp_size <= left, Fault::model,
                 "{}: is larger than the file", what);
    left -= stat.comp_size;
    check_entry(stat, what);
    VOLLEY_CHECK(impl_->sizes.emplace(stat.name, static_cast<Index>(stat.size)).second, Fault::model,
                 "{}: is there twice", what);
    impl_->places.emplace(stat.name, place);
  }
}

ZipArchive::~ZipArchive() = default;

const std::string& ZipArchive::path() const {
  return impl_->path;
}

const std::map<std::string, Index>& ZipArchive::sizes() const {
  return impl_->sizes;
}

void ZipArchive::read(const std::string& name, const std::string& what,
                      const std::function<void(const ReadNext& next)>& use) const {
  const std::unique_ptr<zip_file_t, Close> entry(
      zip_fopen_index(impl_->archive.get(), impl_->places.at(name), 0));
  VOLLEY_CHECK(entry != nullptr, Fault::model, "{}: {}", what, zip_strerror(impl_->archive.get()));
  use([&](std::span<std::byte> out) {
    while (!out.empty()) {
      constexpr std::size_t block = std::size_t{1} << 30;
      const zip_int64_t n = zip_fread(entry.get(), out.data(), std::min(out.size(), block));
      VOLLEY_CHECK(n >= 0, Fault::model, "{}: {}", what, zip_file_strerror(entry.get()));
      VOLLEY_CHECK(n > 0, Fault::model, "{}: ends early, wanted {} more bytes", what, out.size());
      out = out.subspan(static_cast<std::size_t>(n));
    }
  });
  std::byte more{};
  const zip_int64_t n = zip_fread(entry.get(), &more, 1);  // at the end, where the checksum is compared
  VOLLEY_CHECK(n >= 0, Fault::model, "{}: {}", what, zip_file_strerror(entry.get()));
  VOLLEY_CHECK(n == 0, Fault::model, "{}: is longer than the {} bytes that it declares", what,
               impl_->sizes.at(name));
}

std::vector<std::byte> ZipArchive::read(const std::string& name, const std::string& what) const {
  std::vector<std::byte> bytes(static_cast<std::size_t>(impl_->sizes.at(name)));
  read(name, what, [&](const ReadNext& next) { next(bytes); });
  return bytes;
}

void write_zip(const std::string& path, std::span<const ZipPiece> pieces) {
  write_whole(path, [&](const std::string& part) {
    int code = 0;
    Archive archive(zip_open(part.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code));
    VOLLEY_CHECK(archive != nullptr, Fault::run, "{}: can't write (libzip error {})", path, code);
    for (const ZipPiece& piece : pieces) {
      // libzip's fragments are not const, though they are only read, when it closes the archive.
      const auto fragment = [](std::span<const std::byte> bytes) {
        return zip_buffer_fragment_t{reinterpret_cast<zip_uint8_t*>(const_cast<std::byte*>(bytes.data())),
                                     bytes.size()};
      };
      zip_buffer_fragment_t fragments[2] = {fragment(piece.head), fragment(piece.body)};
      zip_source_t* source =
          zip_source_buffer_fragment(archive.get(), fragments, piece.body.empty() ? 1 : 2, 0);
      const zip_int64_t index =
          source == nullptr ? -1 : zip_file_add(archive.get(), piece.name.c_str(), source, ZIP_FL_ENC_UTF_8);
      if (index < 0) {
        zip_source_free(source);
        fail(Fault::run, "{}: can't write entry '{}': {}", path, printable(piece.name),
             zip_strerror(archive.get()));
      }
      constexpr zip_uint16_t first_of_january_1980 = (1 << 5) | 1;  // a fixed date: same pieces, same bytes
      zip_file_set_dostime(archive.get(), static_cast<zip_uint64_t>(index), 0, first_of_january_1980, 0);
    }
    VOLLEY_CHECK(zip_close(archive.get()) == 0, Fault::run, "{}: can't write: {}", path,
                 zip_strerror(archive.get()));
    (void)archive.release();  // zip_close has freed it
  });
}

}  // namespace volley
