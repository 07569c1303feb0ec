// Reads IDX through zlib, which passes plain files on as they stand.
#include "sim/io/idx.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <memory>

#include "sim/base/check.hpp"
#include "sim/io/file.hpp"

namespace volley {
namespace {

constexpr Index deflate_ratio = 1032;  // deflate can't exceed 1032:1 (zlib.net/zlib_tech.html)
constexpr int unsigned_bytes = 0x08;
constexpr int most_rank = 3;

struct Close {
  void operator()(gzFile_s* file) const { gzclose_r(file); }
};
using GzFile = std::unique_ptr<gzFile_s, Close>;

std::string_view type_word(int type) {
  switch (type) {
    case 0x09:
      return "signed bytes";
    case 0x0B:
      return "16-bit integers";
    case 0x0C:
      return "32-bit integers";
    case 0x0D:
      return "floats";
    case 0x0E:
      return "doubles";
    default:
      return "no IDX type";
  }
}

// Up to out.size() bytes; less only at the end.
std::size_t read_some(gzFile_s* file, std::span<std::byte> out, const std::string& path) {
  std::size_t done = 0;
  while (done < out.size()) {
    constexpr std::size_t block = std::size_t{1} << 30;
    const int n = gzread(file, out.data() + done, static_cast<unsigned>(std::min(out.size() - done, block)));
    int code = 0;
    const char* why = gzerror(file, &code);
    VOLLEY_CHECK(n >= 0 && (code == Z_OK || code == Z_STREAM_END), Fault::model, "{}: damaged gzip: {}", path,
                 why);
    if (n == 0) {
      break;
    }
    done += static_cast<std::size_t>(n);
  }
  return done;
}

void read_exactly(gzFile_s* file, std::span<std::byte> out, const std::string& path) {
  const std::size_t n = read_some(file, out, path);
  VOLLEY_CHECK(n == out.size(), Fault::model, "{}: ends early: got {} bytes, wanted {}", path, n, out.size());
}

std::vector<Index> read_sizes(gzFile_s* file, const std::string& path) {
  std::array<std::byte, 4> word{};
  read_exactly(file, word, path);
  const int type = std::to_integer<int>(word[2]);
  const int rank = std::to_integer<int>(word[3]);
  VOLLEY_CHECK(word[0] == std::byte{0} && word[1] == std::byte{0}, Fault::model,
               "{}: is not IDX: it begins with bytes {:02x} {:02x}, wanted 00 00", path,
               std::to_integer<int>(word[0]), std::to_integer<int>(word[1]));
  VOLLEY_CHECK(type == unsigned_bytes, Fault::model,
               "{}: holds {} (IDX type {:#04x}), wanted unsigned bytes (0x08)", path, type_word(type), type);
  VOLLEY_CHECK(rank >= 1 && rank <= most_rank, Fault::model, "{}: has {} axes, wanted 1 to {}", path, rank,
               most_rank);
  std::vector<Index> sizes;
  for (int i = 0; i < rank; ++i) {
    read_exactly(file, word, path);
    Index size = 0;
    for (const std::byte byte : word) {
      size = size << 8 | std::to_integer<Index>(byte);
    }
    sizes.push_back(size);
  }
  return sizes;
}

}  // namespace

Array read_idx(const std::string& path) {
  const Index file_bytes = InputFile(path).size();
  const GzFile file(gzopen(path.c_str(), "rb"));
  VOLLEY_CHECK(file != nullptr, Fault::model, "{}: can't open", path);
  Array array;
  array.type = NumberType::u8;
  array.sizes = read_sizes(file.get(), path);
  const auto bytes = checked_bytes(array.sizes, 1);
  const Index most = gzdirect(file.get()) != 0 ? file_bytes : file_bytes * deflate_ratio;
  VOLLEY_CHECK(bytes && *bytes <= most, Fault::model,
               "{}: declares shape {}, more than a file of {} bytes can hold", path, text(array.sizes),
               file_bytes);
  array.bytes.resize(static_cast<std::size_t>(*bytes));
  read_exactly(file.get(), array.bytes, path);
  std::byte more{};
  VOLLEY_CHECK(read_some(file.get(), {&more, 1}, path) == 0, Fault::model,
               "{}: goes on after the {} bytes of shape {}", path, *bytes, text(array.sizes));
  return array;
}

}  // namespace volley
