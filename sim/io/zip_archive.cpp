// ZIP through libzip.
#include "sim/io/zip_archive.hpp"

#include <zip.h>

#include <algorithm>

#include "sim/base/check.hpp"
#include "sim/io/crc32.hpp"
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

// What libzip reads: the mapped file. It remembers where it was read last.
struct MappedSource {
  std::shared_ptr<const MappedFile> file;
  std::size_t at = 0, last_read = 0;  // [bytes]
  zip_error_t error{};

  static zip_int64_t call(void* self, void* out, zip_uint64_t length, zip_source_cmd_t command) {
    return static_cast<MappedSource*>(self)->answer(out, length, command);
  }

 private:
  zip_int64_t answer(void* out, zip_uint64_t length, zip_source_cmd_t command) {
    const auto bytes = file->bytes();
    switch (command) {
      case ZIP_SOURCE_SUPPORTS:
        return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE,
                                              ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE,
                                              ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL, ZIP_SOURCE_SUPPORTS, -1);
      case ZIP_SOURCE_OPEN:
        at = 0;
        return 0;
      case ZIP_SOURCE_READ: {
        const std::size_t count = std::min<std::size_t>(length, bytes.size() - at);
        std::copy_n(bytes.data() + at, count, static_cast<std::byte*>(out));
        last_read = at;
        at += count;
        return static_cast<zip_int64_t>(count);
      }
      case ZIP_SOURCE_SEEK: {
        const zip_int64_t to = zip_source_seek_compute_offset(at, bytes.size(), out, length, &error);
        at = to < 0 ? at : static_cast<std::size_t>(to);
        return to < 0 ? -1 : 0;
      }
      case ZIP_SOURCE_TELL:
        return static_cast<zip_int64_t>(at);
      case ZIP_SOURCE_STAT: {
        auto* stat = static_cast<zip_stat_t*>(out);
        zip_stat_init(stat);
        stat->size = bytes.size();
        stat->valid = ZIP_STAT_SIZE;
        return sizeof(zip_stat_t);
      }
      case ZIP_SOURCE_ERROR:
        return zip_error_to_data(&error, out, length);
      case ZIP_SOURCE_CLOSE:
      case ZIP_SOURCE_FREE:  // it belongs to the archive
        return 0;
      default:
        zip_error_set(&error, ZIP_ER_OPNOTSUPP, 0);
        return -1;
    }
  }
};

Archive open(MappedSource& file, std::string_view kind) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_function_create(&MappedSource::call, &file, &error);
  Archive archive(source == nullptr ? nullptr
                                    : zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error));
  if (archive == nullptr) {
    const bool is_twice = zip_error_code_zip(&error) == ZIP_ER_EXISTS;
    const std::string why = is_twice ? "an entry is there twice" : zip_error_strerror(&error);
    zip_source_free(source);
    zip_error_fini(&error);
    fail(Fault::model, "{}: not a {}: {}", file.file->path(), kind, why);
  }
  return archive;
}

void check_entry(const zip_stat_t& stat, const std::string& what) {
  constexpr zip_uint64_t wanted = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD |
                                  ZIP_STAT_ENCRYPTION_METHOD | ZIP_STAT_CRC;
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
  struct Entry {
    zip_uint64_t place;
    bool is_stored;
    zip_uint32_t checksum;
  };
  MappedSource source;  // goes after the archive that reads it
  Archive archive;
  std::map<std::string, Index> sizes;
  std::map<std::string, Entry> entries;
};

std::string printable(std::string name) {
  std::replace_if(
      name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; }, '?');
  return name;
}

ZipArchive::ZipArchive(const std::string& path, std::string_view kind) : impl_(std::make_unique<Impl>()) {
  impl_->source.file = std::make_shared<const MappedFile>(path);
  VOLLEY_CHECK(!impl_->source.file->bytes().empty(), Fault::model, "{}: not a {}: it is empty", path, kind);
  impl_->archive = open(impl_->source, kind);
  auto left = static_cast<zip_uint64_t>(impl_->source.file->bytes().size());
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
    impl_->entries.emplace(stat.name, Impl::Entry{place, stat.comp_method == ZIP_CM_STORE, stat.crc});
  }
}

ZipArchive::~ZipArchive() = default;

const std::string& ZipArchive::path() const {
  return impl_->source.file->path();
}

const std::map<std::string, Index>& ZipArchive::sizes() const {
  return impl_->sizes;
}

void ZipArchive::read(const std::string& name, const std::string& what,
                      const std::function<void(const ReadNext& next)>& use) const {
  const std::unique_ptr<zip_file_t, Close> entry(
      zip_fopen_index(impl_->archive.get(), impl_->entries.at(name).place, 0));
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

const std::shared_ptr<const MappedFile>& ZipArchive::file() const {
  return impl_->source.file;
}

std::optional<std::span<const std::byte>> ZipArchive::stored(const std::string& name,
                                                             const std::string& what) const {
  const auto size = static_cast<std::size_t>(impl_->sizes.at(name));
  const Impl::Entry& entry = impl_->entries.at(name);
  const auto bytes = file()->bytes();
  if (!entry.is_stored || size == 0) {
    return std::nullopt;
  }
  // libzip does not tell where an entry begins, but it reads the first byte there.
  const std::unique_ptr<zip_file_t, Close> opened(zip_fopen_index(impl_->archive.get(), entry.place, 0));
  VOLLEY_CHECK(opened != nullptr, Fault::model, "{}: {}", what, zip_strerror(impl_->archive.get()));
  std::byte first{};
  const bool can_read = zip_fread(opened.get(), &first, 1) == 1;
  const std::size_t begin = impl_->source.last_read;
  VOLLEY_CHECK(can_read && begin <= bytes.size() && size <= bytes.size() - begin, Fault::model,
               "{}: ends early, wanted {} bytes", what, size);
  const auto part = bytes.subspan(begin, size);
  VOLLEY_CHECK(crc32_of(part) == entry.checksum, Fault::model, "{}: CRC error", what);
  return part;
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
