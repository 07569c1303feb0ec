// ZIP archives whose headers say what a test wants.
#pragma once

#include <zlib.h>

#include <string>
#include <vector>

namespace volley::test {

struct ZipEntry {
  std::string name;
  std::string content;         // as it stands in the archive
  std::uint16_t method = 0;    // 0 stored, 8 deflated
  std::uint32_t declared = 0;  // [bytes] when unpacked; 0: content.size()
  std::uint16_t flags = 0;
  std::uint32_t checksum = 0;  // 0: of content
};

inline std::string little(std::uint64_t number, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) {
    out += i < 8 ? static_cast<char>(number >> 8 * i & 255) : '\0';
  }
  return out;
}

inline std::uint32_t crc_of(const std::string& bytes) {
  return static_cast<std::uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

// Raw deflate.
inline std::string deflated(const std::string& bytes) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

// overlap: all entries of the directory point at the first one's bytes.
inline std::string zip_of(const std::vector<ZipEntry>& entries, bool overlap = false) {
  std::string out, directory;
  for (const ZipEntry& entry : entries) {
    const std::uint32_t size =
        entry.declared != 0 ? entry.declared : static_cast<std::uint32_t>(entry.content.size());
    const std::uint32_t checksum = entry.checksum != 0 ? entry.checksum : crc_of(entry.content);
    const std::string common = little(20, 2) + little(entry.flags, 2) + little(entry.method, 2) +
                               little(0x210000, 4) + little(checksum, 4) + little(entry.content.size(), 4) +
                               little(size, 4) + little(entry.name.size(), 2) + little(0, 2);
    directory += "PK\x01\x02" + little(20, 2) + common + little(0, 2 + 2 + 2 + 4) +
                 little(overlap ? 0 : out.size(), 4) + entry.name;
    if (!overlap || out.empty()) {
      out += "PK\x03\x04" + common + entry.name + entry.content;
    }
  }
  return out + directory + "PK\x05\x06" + little(0, 4) + little(entries.size(), 2) +
         little(entries.size(), 2) + little(directory.size(), 4) + little(out.size(), 4) + little(0, 2);
}

}  // namespace volley::test
