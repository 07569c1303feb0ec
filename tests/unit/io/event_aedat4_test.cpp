// AEDAT 4: files of another writer, and files built byte by byte that lie.
#include <gtest/gtest.h>

#include "sim/io/event_data.hpp"
#include "tests/unit/io/scratch.hpp"
#include "tests/unit/io/zip_bytes.hpp"

namespace volley {
namespace {

using test::little;
using test::Scratch;

EventRecording read(const std::string& bytes, const EventSource& source = {}) {
  const Scratch scratch;
  return read_events(scratch.write("a.aedat4", bytes), source);
}

std::string recorded(const std::string& name) {
  return test::fixture("aedat4/" + name + ".aedat4");
}

// What tests/data/io/make_aedat4.py wrote.
std::vector<Event> recorded_events() {
  std::vector<Event> events;
  for (int i = 0; i < 100; ++i) {
    events.push_back({1'600'000'000'000'000 + 10 * i, static_cast<std::uint16_t>(7 * i % 240),
                      static_cast<std::uint16_t>(3 * i % 180),
                      static_cast<std::uint8_t>(i % 3 == 0 ? 1 : 0)});
  }
  return events;
}

TEST(Aedat4, ReadsWhatDvProcessingWroteInEachCompression) {
  for (const char* name : {"none", "lz4", "lz4_high", "zstd", "zstd_high"}) {
    const EventRecording recording = read_events(recorded(name));
    EXPECT_EQ(recording.format, "AEDAT 4");
    EXPECT_EQ(recording.width, 240);
    EXPECT_EQ(recording.height, 180);
    EXPECT_EQ(recording.events, recorded_events()) << name;
    EXPECT_EQ(recording.skipped,
              (std::vector<std::string>{"1 packets of FRME (stream 1)", "0 packets of IMUS (stream 2)",
                                        "1 packets of TRIG (stream 3)"}))
        << name;
  }
}

// Behind the packets stands a table that nothing is read of: a cut there loses no event.
TEST(Aedat4, SurvivesCutsAndFlips) {
  EventRecording got;
  const test::Reader reader = [&](const std::string& path) { got = read_events(path); };
  for (const char* name : {"none", "lz4", "zstd"}) {
    const std::string bytes = test::bytes_of(recorded(name));
    const Scratch scratch;
    for (std::size_t i = 0; i < bytes.size(); i += 7) {
      if (!test::refuses(reader, scratch.write("cut", bytes.substr(0, i)))) {
        EXPECT_EQ(got.events, recorded_events()) << name << " cut at " << i;
      }
    }
    for (std::size_t i = 0; i < bytes.size(); i += 5) {
      std::string other = bytes;
      other[i] = static_cast<char>(other[i] ^ 1 << i % 8);
      (void)test::refuses(reader, scratch.write("flipped", other));
    }
  }
}

std::string node(const std::string& name, const std::string& inside) {
  return "<node name=\"" + name + "\" path=\"/any/\">" + inside + "</node>";
}

std::string attribute(const std::string& key, const std::string& value) {
  return "<attr key=\"" + key + "\" type=\"string\">" + value + "</attr>";
}

std::string stream(const std::string& id, const std::string& type, const std::string& info = {}) {
  return node(id, attribute("typeIdentifier", type) + node("info", info));
}

const std::string one_stream =
    node("outInfo", stream("0", "EVTS", attribute("sizeX", "8") + attribute("sizeY", "4")));

// A size-prefixed flatbuffer: vtable at 12, table at 24.
std::string head(const std::string& xml, unsigned compression = 0, std::int64_t table = -1) {
  const std::string body = little(20, 4) + "IOHE" + little(10, 2) + little(20, 2) + little(16, 2) +
                           little(8, 2) + little(4, 2) + little(0, 2) + little(12, 4) + little(16, 4) +
                           little(static_cast<std::uint64_t>(table), 8) + little(compression, 4) +
                           little(xml.size(), 4) + xml + std::string(1, '\0');
  return "#!AER-DAT4.0\r\n" + little(body.size(), 4) + body;
}

std::string event(std::int64_t t, int x, int y, unsigned p) {
  return little(static_cast<std::uint64_t>(t), 8) + little(static_cast<std::uint16_t>(x), 2) +
         little(static_cast<std::uint16_t>(y), 2) + little(p, 4);
}

// The same: vtable at 12, table at 20, vector at 28.
std::string payload(const std::string& events, std::uint64_t count) {
  const std::string body = little(16, 4) + "EVTS" + little(6, 2) + little(8, 2) + little(4, 2) +
                           little(0, 2) + little(8, 4) + little(4, 4) + little(count, 4) + events;
  return little(body.size(), 4) + body;
}

std::string packet(unsigned id, const std::string& bytes) {
  return little(id, 4) + little(bytes.size(), 4) + bytes;
}

const std::string two_events = payload(event(9, 7, 3, 1) + event(8, 0, 0, 0), 2);

TEST(Aedat4, ReadsPacketsUpToTheTableAndSortsByTime) {
  const std::vector<Event> wanted{{8, 0, 0, 0}, {9, 7, 3, 1}};
  EXPECT_EQ(read(head(one_stream) + packet(0, two_events)), (EventRecording{"AEDAT 4", 8, 4, wanted}));
  const auto table = static_cast<std::int64_t>((head(one_stream) + packet(0, two_events)).size());
  EXPECT_EQ(read(head(one_stream, 0, table) + packet(0, two_events) + "a table").events, wanted);
  EXPECT_TRUE(read(head(one_stream)).events.empty());
}

TEST(Aedat4, ReadsTheStreamOfEventsThatIsAskedFor) {
  const std::string bytes =
      head(node("outInfo", stream("0", "IMUS") + stream("2", "EVTS") + stream("5", "EVTS"))) +
      packet(2, two_events) + packet(0, "no flatbuffer") + packet(5, payload(event(3, 1, 1, 1), 1)) +
      packet(5, payload("", 0));
  EXPECT_EQ(read(bytes).events.size(), 2u);
  const EventRecording second = read(bytes, {.sample = 1});
  EXPECT_EQ(second.events, (std::vector<Event>{{3, 1, 1, 1}}));
  EXPECT_EQ(second.skipped,
            (std::vector<std::string>{"1 packets of IMUS (stream 0)", "1 packets of EVTS (stream 2)"}));
  EXPECT_REFUSED(read(bytes, {.sample = 2}), "has 2 streams of events, got sample 2");
}

TEST(Aedat4, RefusesHeadersThatLie) {
  const std::string good = head(one_stream) + packet(0, two_events);
  EXPECT_REFUSED(read("#!AER-DAT4.1\r\n"), "another kind than 4.0");
  EXPECT_REFUSED(read(head(one_stream, 5)), "its compression is 5");
  EXPECT_REFUSED(read(head(one_stream, 0, 20)), "its table is said to be at byte 20");
  EXPECT_REFUSED(read(head(one_stream, 0, 1 << 30)), "its table is said to be at byte 1073741824");
  EXPECT_REFUSED(
      read(head(one_stream, 0, static_cast<std::int64_t>(good.size()) - 1) + packet(0, two_events)),
      "runs into the table");
  std::string other = good;
  other[15] = static_cast<char>(other[15] + 1);  // a header of 256 more bytes
  EXPECT_REFUSED(read(other), "wanted");
  other = good;
  other[14 + 8] = 'X';
  EXPECT_REFUSED(read(other), "byte 14 begins no flatbuffer 'IOHE'");
}

TEST(Aedat4, RefusesStreamsThatCannotBe) {
  EXPECT_REFUSED(read(head("")), "has 0 streams of events");
  EXPECT_REFUSED(read(head("<node name=\"outInfo\"")), "a tag of its header has no end");
  EXPECT_REFUSED(read(head("</node>")), "closes a node that isn't open");
  EXPECT_REFUSED(read(head(node("outInfo", stream("first", "EVTS")))),
                 "a stream is 'first', wanted a number");
  EXPECT_REFUSED(read(head(node("outInfo", stream("0", "EVTS", attribute("sizeX", "-8"))))),
                 "sizeX of stream 0");
  std::string deep;
  for (int i = 0; i < 100; ++i) {
    deep += "<node name=\"a\">";
  }
  EXPECT_REFUSED(read(head(deep)), "nodes within each other");
  EXPECT_REFUSED(read(head(one_stream) + packet(3, two_events)), "a packet of stream 3");
}

TEST(Aedat4, RefusesPacketsThatLie) {
  const std::string front = head(one_stream);
  EXPECT_REFUSED(read(front + little(0, 4) + little(0x80000000u, 4) + two_events), "more bytes");
  EXPECT_REFUSED(read(front + packet(0, "")), "begins no flatbuffer 'EVTS'");
  EXPECT_REFUSED(read(front + packet(0, two_events.substr(0, 40))), "begins no flatbuffer");
  EXPECT_REFUSED(read(front + packet(0, two_events + "tail")), "begins no flatbuffer");
  EXPECT_REFUSED(read(front + packet(0, payload(event(1, 1, 1, 1), 2))), "begins no flatbuffer");
  EXPECT_REFUSED(read(front + packet(0, payload(event(1, 1, 1, 1), 0x10000001))), "begins no flatbuffer");
  EXPECT_REFUSED(read(front + packet(0, payload(event(1, -1, 1, 1), 1))), "event 0 is at x -1, y 1");
  EXPECT_REFUSED(read(front + packet(0, payload(event(1, 8, 1, 1), 1))), "outside of the sensor of 8 x 4");
  EXPECT_REFUSED(read(front + packet(0, payload(event(std::int64_t{1} << 60, 1, 1, 1), 1))),
                 "less than 2^60");
  EXPECT_REFUSED(read(front + "abc"), "ends at byte");
}

const std::string zstd_head = "\x28\xB5\x2F\xFD" + little(0, 1) + little(0x58, 1);  // a window of 2 MiB

std::string zstd_block(unsigned last, unsigned type, std::size_t size, const std::string& bytes) {
  return little(last | type << 1 | size << 3, 3) + bytes;
}

TEST(Aedat4, RefusesFramesThatUnpackToTooMuchOrEndElsewhere) {
  constexpr unsigned raw = 0, repeated = 1, zstd = 3, lz4 = 1;
  const std::string frame = zstd_head + zstd_block(1, raw, two_events.size(), two_events);
  EXPECT_EQ(read(head(one_stream, zstd) + packet(0, frame)).events.size(), 2u);
  EXPECT_REFUSED(read(head(one_stream, zstd) + packet(0, frame + "b")), "has 1 bytes behind its frame");
  EXPECT_REFUSED(read(head(one_stream, zstd) + packet(0, frame.substr(0, frame.size() - 1))),
                 "ends too early");
  EXPECT_REFUSED(read(head(one_stream, zstd) + packet(0, "")), "ends too early");
  EXPECT_REFUSED(read(head(one_stream, zstd) + packet(0, two_events)), "is no ZSTD frame");
  EXPECT_REFUSED(read(head(one_stream, lz4) + packet(0, two_events)), "is no LZ4 frame");
  EXPECT_REFUSED(read(head(one_stream, lz4) + packet(0, "")), "ends too early");
  std::string large = zstd_head;
  for (int i = 0; i < 64; ++i) {
    large += zstd_block(i == 63 ? 1 : 0, repeated, 1 << 17, "a");  // 8 MiB of 260 bytes
  }
  EXPECT_REFUSED(read(head(one_stream, zstd) + packet(0, large)), "a packet unpacks to more than");
}

}  // namespace
}  // namespace volley
