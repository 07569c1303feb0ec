// AEDAT 4: flatbuffers in packets, compressed by LZ4 or ZSTD.
#include <lz4frame.h>
#include <zstd.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <vector>

#include "proto/aedat4_generated.h"
#include "sim/base/check.hpp"
#include "sim/io/event_formats.hpp"
#include "sim/io/zip_archive.hpp"

namespace volley::events {
namespace {

using aedat4::Compression;
using Buffer = std::vector<std::uint8_t>;  // from operator new, so aligned for what flatbuffers reads

constexpr std::string_view mark = "#!AER-DAT4.0\r\n";
constexpr std::size_t most_buffer = std::size_t{1} << 30;  // flatbuffers end at 2^31
constexpr std::size_t most_ratio = 1032;  // of what is unpacked to the file, as in hdf5_file.hpp
constexpr std::size_t small_file = 1 << 20;

struct Stream {
  std::string type;  // "EVTS", "FRME", "IMUS", "TRIG" ...
  Index width = 0, height = 0;
  Index packets = 0;
};

std::string_view quoted(std::string_view tag, std::string_view key) {
  const auto at = tag.find(key);
  if (at == std::string_view::npos) {
    return {};
  }
  const std::string_view rest = tag.substr(at + key.size());
  return rest.substr(0, rest.find('"'));
}

Index number_of(std::string_view text) {
  Index number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : -1;
}

// <node name="outInfo"> <node name="ID"> <attr key="typeIdentifier">EVTS</attr> <node name="info"> sizeX,
// sizeY
std::map<Index, Stream> streams_of(std::string_view xml, const std::string& path) {
  constexpr std::size_t most_levels = 64;
  std::map<Index, Stream> streams;
  std::vector<std::string_view> nodes;
  for (auto open = xml.find('<'); open != std::string_view::npos; open = xml.find('<', open + 1)) {
    const auto close = xml.find('>', open);
    VOLLEY_CHECK(close != std::string_view::npos, Fault::model, "{}: a tag of its header has no end", path);
    const std::string_view tag = xml.substr(open + 1, close - open - 1);
    if (tag.starts_with("/node")) {
      VOLLEY_CHECK(!nodes.empty(), Fault::model, "{}: its header closes a node that isn't open", path);
      nodes.pop_back();
    } else if (tag.starts_with("node ") && !tag.ends_with('/')) {
      nodes.push_back(quoted(tag, "name=\""));
      VOLLEY_CHECK(nodes.size() < most_levels, Fault::model, "{}: more than {} nodes within each other", path,
                   most_levels);
    }
    if (nodes.size() < 2 || nodes[0] != "outInfo") {
      continue;
    }
    const Index id = number_of(nodes[1]);
    VOLLEY_CHECK(id >= 0, Fault::model, "{}: a stream is '{}', wanted a number", path,
                 printable(std::string(nodes[1])));
    Stream& stream = streams[id];
    if (!tag.starts_with("attr ")) {
      continue;
    }
    const std::string_view key = quoted(tag, "key=\"");
    const std::string_view value = xml.substr(close + 1, xml.find('<', close) - close - 1);
    if (nodes.size() == 2 && key == "typeIdentifier") {
      stream.type = printable(std::string(value));
    } else if (nodes.size() == 3 && nodes[2] == "info" && (key == "sizeX" || key == "sizeY")) {
      const Index side = number_of(value);
      VOLLEY_CHECK(side > 0, Fault::model, "{}: {} of stream {} is '{}', wanted a number above 0", path, key,
                   id, printable(std::string(value)));
      (key == "sizeX" ? stream.width : stream.height) = side;
    }
  }
  return streams;
}

// Unpacks the packets of one file, which together may make no more than it can honestly hold.
class Unpacker {
 public:
  Unpacker(Compression compression, std::size_t file_bytes, const std::string& path)
      : compression_(compression), path_(path), left_(small_file + most_ratio * file_bytes) {
    VOLLEY_CHECK(compression >= Compression::MIN && compression <= Compression::MAX, Fault::model,
                 "{}: its compression is {}, wanted 0 .. 4", path, static_cast<int>(compression));
  }

  Buffer operator()(std::string_view packed) {
    VOLLEY_CHECK(packed.size() <= most_buffer, Fault::model, "{}: a packet of {} bytes, wanted at most {}",
                 path_, packed.size(), most_buffer);
    Buffer out;
    switch (compression_) {
      case Compression::LZ4:
      case Compression::LZ4_HIGH:
        out = lz4(packed);
        break;
      case Compression::ZSTD:
      case Compression::ZSTD_HIGH:
        out = zstd(packed);
        break;
      default:
        return {packed.begin(), packed.end()};
    }
    left_ -= out.size();
    return out;
  }

 private:
  // Room behind `used` bytes of the buffer; refuses more than the file may unpack to.
  void grow(Buffer& out, std::size_t used) const {
    const std::size_t most = std::min(left_, most_buffer);
    VOLLEY_CHECK(used < most, Fault::model, "{}: a packet unpacks to more than {} bytes", path_, most);
    constexpr std::size_t least = 4096;
    out.resize(std::min(most, std::max(least, 2 * used)));
  }

  Buffer lz4(std::string_view packed) const {
    LZ4F_dctx* made = nullptr;
    VOLLEY_CHECK(!LZ4F_isError(LZ4F_createDecompressionContext(&made, LZ4F_VERSION)), Fault::run,
                 "{}: LZ4 can't start", path_);
    const std::unique_ptr<LZ4F_dctx, LZ4F_errorCode_t (*)(LZ4F_dctx*)> context(made,
                                                                               LZ4F_freeDecompressionContext);
    Buffer out;
    std::size_t used = 0, taken = 0, hint = 1;
    while (hint != 0) {
      if (used == out.size()) {
        grow(out, used);
      }
      std::size_t room = out.size() - used, given = packed.size() - taken;
      hint = LZ4F_decompress(context.get(), out.data() + used, &room, packed.data() + taken, &given, nullptr);
      VOLLEY_CHECK(!LZ4F_isError(hint), Fault::model, "{}: a packet is no LZ4 frame: {}", path_,
                   LZ4F_getErrorName(hint));
      VOLLEY_CHECK(room > 0 || given > 0 || hint == 0, Fault::model, "{}: an LZ4 frame ends too early",
                   path_);
      used += room;
      taken += given;
    }
    return whole(std::move(out), used, taken, packed.size());
  }

  Buffer zstd(std::string_view packed) const {
    const std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
    VOLLEY_CHECK(context != nullptr, Fault::run, "{}: ZSTD can't start", path_);
    Buffer out;
    std::size_t used = 0, hint = 1;
    ZSTD_inBuffer input{packed.data(), packed.size(), 0};
    while (hint != 0) {
      if (used == out.size()) {
        grow(out, used);
      }
      ZSTD_outBuffer output{out.data() + used, out.size() - used, 0};
      const std::size_t before = input.pos;
      hint = ZSTD_decompressStream(context.get(), &output, &input);
      VOLLEY_CHECK(!ZSTD_isError(hint), Fault::model, "{}: a packet is no ZSTD frame: {}", path_,
                   ZSTD_getErrorName(hint));
      VOLLEY_CHECK(output.pos > 0 || input.pos > before || hint == 0, Fault::model,
                   "{}: a ZSTD frame ends too early", path_);
      used += output.pos;
    }
    return whole(std::move(out), used, input.pos, packed.size());
  }

  Buffer whole(Buffer out, std::size_t used, std::size_t taken, std::size_t packed) const {
    VOLLEY_CHECK(taken == packed, Fault::model, "{}: a packet has {} bytes behind its frame", path_,
                 packed - taken);
    out.resize(used);
    return out;
  }

  Compression compression_;
  const std::string& path_;
  std::size_t left_;
};

// The table in a buffer that is no larger or smaller than it says.
template <class Table>
const Table* verified(const Buffer& buffer, const char* identifier, std::size_t at, const std::string& path) {
  const bool may_be = !buffer.empty() && buffer.size() <= most_buffer;
  VOLLEY_CHECK(
      may_be &&
          flatbuffers::Verifier(buffer.data(), buffer.size()).VerifySizePrefixedBuffer<Table>(identifier),
      Fault::model, "{}: byte {} begins no flatbuffer '{}'", path, at, identifier);
  return flatbuffers::GetSizePrefixedRoot<Table>(buffer.data());
}

void append(const aedat4::Packet& packet, EventRecording& recording, const std::string& path) {
  if (packet.events() == nullptr) {
    return;
  }
  for (const aedat4::Event* event : *packet.events()) {
    VOLLEY_CHECK(event->x() >= 0 && event->y() >= 0, Fault::model, "{}: event {} is at x {}, y {}", path,
                 recording.events.size(), event->x(), event->y());
    recording.events.push_back({event->t(), static_cast<std::uint16_t>(event->x()),
                                static_cast<std::uint16_t>(event->y()),
                                static_cast<std::uint8_t>(event->on() ? 1 : 0)});
  }
}

// ID of the sample-th stream of events.
Index chosen(const std::map<Index, Stream>& streams, Index sample, const std::string& path) {
  Index found = 0;
  for (const auto& [id, stream] : streams) {
    if (stream.type == "EVTS" && found++ == sample) {
      return id;
    }
  }
  fail(Fault::model, "{}: has {} streams of events, got sample {}", path, found, sample);
}

}  // namespace

EventRecording read_aedat4(Bytes bytes, Index sample) {
  const std::string& path = bytes.path();
  const std::size_t file_bytes = bytes.left();
  VOLLEY_CHECK(bytes.rest().starts_with(mark), Fault::model, "{}: is AEDAT 4 of another kind than 4.0", path);
  bytes.skip(mark.size());
  const std::size_t header_at = bytes.at();
  Bytes ahead = bytes;
  const std::string_view packed_header = bytes.take(4 + static_cast<std::size_t>(ahead.little(4)));
  const Buffer header_bytes(packed_header.begin(), packed_header.end());
  const auto& header = *verified<aedat4::Header>(header_bytes, "IOHE", header_at, path);
  std::map<Index, Stream> streams =
      streams_of(header.info() == nullptr ? std::string_view() : header.info()->string_view(), path);
  const Index events_id = chosen(streams, sample, path);
  const std::int64_t table = header.data_table_position();
  VOLLEY_CHECK(table == -1 || (table >= static_cast<std::int64_t>(bytes.at()) &&
                               table <= static_cast<std::int64_t>(file_bytes)),
               Fault::model, "{}: its table is said to be at byte {}, wanted {} .. {}", path, table,
               bytes.at(), file_bytes);
  const std::size_t end = table < 0 ? file_bytes : static_cast<std::size_t>(table);
  EventRecording recording{"AEDAT 4", streams[events_id].width, streams[events_id].height, {}};
  Unpacker unpack(header.compression(), file_bytes, path);
  while (bytes.at() < end) {
    const auto id = static_cast<Index>(bytes.little(4));
    const auto size = static_cast<std::size_t>(bytes.little(4));
    const std::size_t at = bytes.at();
    const std::string_view packed = bytes.take(size);
    VOLLEY_CHECK(bytes.at() <= end, Fault::model, "{}: the packet at byte {} runs into the table", path, at);
    const auto stream = streams.find(id);
    VOLLEY_CHECK(stream != streams.end(), Fault::model,
                 "{}: byte {} begins a packet of stream {}, which the header doesn't name", path, at, id);
    ++stream->second.packets;
    if (id == events_id) {
      const Buffer buffer = unpack(packed);
      append(*verified<aedat4::Packet>(buffer, "EVTS", at, path), recording, path);
    }
  }
  for (const auto& [id, stream] : streams) {
    if (id != events_id) {
      recording.skipped.push_back(
          fmt::format("{} packets of {} (stream {})", stream.packets, stream.type, id));
    }
  }
  sort_by_time(recording);
  return recording;
}

}  // namespace volley::events
