// Recordings built byte by byte, and files that are not what they say.
#include "sim/io/event_data.hpp"

#include <gtest/gtest.h>

#include "tests/unit/io/event_bytes.hpp"
#include "tests/unit/io/scratch.hpp"
#include "tests/unit/io/zip_bytes.hpp"

namespace volley {
namespace {

using test::big;
using test::expect_sound;
using test::little;
using test::read_bytes;
using test::Scratch;

std::string bin_event(unsigned x, unsigned y, unsigned p, unsigned t) {
  return big(x, 1) + big(y, 1) + big(p << 23 | t, 3);
}

TEST(EventBin, ReadsFortyBitEvents) {
  const std::string bytes = bin_event(10, 30, 1, 654) + bin_event(33, 0, 0, 0x12345);
  const EventRecording recording = read_bytes(bytes);
  EXPECT_EQ(recording, (EventRecording{"N-MNIST", 34, 34, {{654, 10, 30, 1}, {0x12345, 33, 0, 0}}}));
  expect_sound(bytes);
}

TEST(EventBin, AddsAnOverflowToAllLaterTimesAndDropsItsEvent) {
  const EventRecording recording =
      read_bytes(bin_event(1, 2, 0, 8000) + bin_event(0, 240, 0, 0) + bin_event(3, 4, 1, 5));
  EXPECT_EQ(recording.events, (std::vector<Event>{{8000, 1, 2, 0}, {8192 + 5, 3, 4, 1}}));
}

TEST(EventBin, TakesTheLargerSensorWhenAnEventNeedsIt) {
  const EventRecording recording = read_bytes(bin_event(200, 100, 0, 1));
  EXPECT_EQ(recording.width, 304);
  EXPECT_EQ(recording.height, 240);
}

TEST(EventBin, RefusesTimesThatFallPlacesOutsideAndOtherLengths) {
  EXPECT_REFUSED(read_bytes(bin_event(1, 1, 0, 9) + bin_event(1, 1, 0, 8)),
                 "event 1 has time 8 us after 9 us");
  EXPECT_REFUSED(read_bytes(bin_event(1, 241, 0, 9)), "outside of the sensor of 304 x 240");
  EXPECT_REFUSED(read_bytes(bin_event(1, 20, 0, 9), {34, 10, 0}), "outside of the sensor of 34 x 10");
  EXPECT_REFUSED(read_bytes("1234567"), "is no known event format");
  EXPECT_REFUSED(read_bytes(""), "is no known event format");
}

std::string dat(const std::string& events) {
  return "% Data file containing CD events\n% Version 2\n% Height 240\n% Width 304\n" + little(12, 1) +
         little(8, 1) + events;
}

std::string dat_event(unsigned t, unsigned x, unsigned y, unsigned p) {
  return little(t, 4) + little(x | y << 14 | p << 28, 4);
}

TEST(EventDat, ReadsEventsAndTheSensor) {
  const std::string bytes = dat(dat_event(7, 303, 2, 1) + dat_event(4'000'000'000u, 1, 239, 0));
  EXPECT_EQ(read_bytes(bytes),
            (EventRecording{"DAT", 304, 240, {{7, 303, 2, 1}, {4'000'000'000, 1, 239, 0}}}));
  expect_sound(bytes);
}

TEST(EventDat, RefusesOtherTypesAndPlacesOutside) {
  EXPECT_REFUSED(read_bytes(dat(dat_event(7, 304, 2, 1))), "up to x 304, y 2, outside of the sensor");
  EXPECT_REFUSED(read_bytes(dat(dat_event(7, 3, 2, 2))), "polarity 2");
  EXPECT_REFUSED(read_bytes(dat(dat_event(7, 3, 2, 1) + dat_event(6, 3, 2, 1))), "after 7 us");
  EXPECT_REFUSED(read_bytes(dat("abc")), "ends within an event");
  EXPECT_REFUSED(read_bytes("% Version 2\n" + little(14, 1) + little(8, 1)), "of type 14");
  EXPECT_REFUSED(read_bytes("% no end"), "header line without an end");
}

std::string evt2_cd(unsigned p, unsigned t, unsigned x, unsigned y) {
  return little(p << 28 | t << 22 | x << 11 | y, 4);
}

std::string evt2_high(unsigned high) {
  return little(8u << 28 | high, 4);
}

const std::string evt2_head = "% evt 2.0\n% geometry 1280x720\n% end\n";

TEST(Evt2, ReadsEventsBehindTheirHighTime) {
  const std::string bytes = evt2_head + evt2_cd(1, 1, 5, 6) + evt2_high(2) + evt2_cd(1, 63, 1279, 0) +
                            little(0xA0000000u, 4) + evt2_high(3) + evt2_cd(0, 0, 0, 719);
  EXPECT_EQ(read_bytes(bytes), (EventRecording{"EVT2", 1280, 720, {{191, 1279, 0, 1}, {192, 0, 719, 0}}}));
  expect_sound(bytes);
}

TEST(Evt2, CountsOnWhenItsHighTimeWraps) {
  const EventRecording recording =
      read_bytes(evt2_head + evt2_high(0xFFFFFFF) + evt2_cd(0, 0, 1, 1) + evt2_high(0) + evt2_cd(0, 5, 1, 1));
  EXPECT_EQ(recording.events[1].t - recording.events[0].t, 64 + 5);
}

TEST(Evt2, RefusesWordsOfOtherTypes) {
  EXPECT_REFUSED(read_bytes(evt2_head + evt2_high(2) + little(0x30000000u, 4)),
                 "byte 40 begins a word of type 3");
  EXPECT_REFUSED(read_bytes(evt2_head + "ab"), "ends within a word");
  EXPECT_REFUSED(read_bytes("% evt 2.1\n"), "raw data of another format");
}

std::string evt3(unsigned type, unsigned value) {
  return little(type << 12 | value, 2);
}

const std::string evt3_head = "% evt 3.0\n% format EVT3;height=720;width=1280\n";

TEST(Evt3, ReadsSingleEventsAndVectors) {
  const std::string bytes = evt3_head + evt3(8, 1) + evt3(6, 5) + evt3(0, 700) + evt3(2, 0x800 | 40) +
                            evt3(3, 100) + evt3(4, 0b100000000001) + evt3(5, 0b10) + evt3(14, 9);
  const std::vector<Event> events{
      {4101, 40, 700, 1}, {4101, 100, 700, 0}, {4101, 111, 700, 0}, {4101, 113, 700, 0}};
  EXPECT_EQ(read_bytes(bytes), (EventRecording{"EVT3", 1280, 720, events}));
  expect_sound(bytes);
}

TEST(Evt3, CountsOnWhenItsHighTimeWraps) {
  const EventRecording recording = read_bytes(evt3_head + evt3(2, 1) + evt3(8, 0xFFF) + evt3(6, 0xFFF) +
                                              evt3(2, 1) + evt3(8, 0) + evt3(6, 1) + evt3(2, 1));
  ASSERT_EQ(recording.events.size(), 2u);  // none before the first time
  EXPECT_EQ(recording.events[0].t, (1 << 24) - 1);
  EXPECT_EQ(recording.events[1].t, (1 << 24) + 1);
}

TEST(Evt3, RefusesWordsOfOtherTypesAndVectorsOutside) {
  EXPECT_REFUSED(read_bytes(evt3_head + evt3(1, 0)), "a word of type 1");
  EXPECT_REFUSED(read_bytes(evt3_head + evt3(8, 1) + evt3(3, 1275) + evt3(4, 0x800)), "up to x 1286");
  EXPECT_REFUSED(read_bytes(evt3_head + "a"), "ends within a word");
}

std::string aedat2(unsigned x, unsigned y, unsigned p, unsigned t) {
  return big(x << 8 | y << 1 | p, 4) + big(t, 4);
}

TEST(Aedat2, ReadsTheDvs128AndSkipsOtherSignals) {
  const std::string bytes = "#!AER-DAT2.0\r\n# any <text> % at all\r\n" + aedat2(127, 3, 1, 50) +
                            big(0x8000, 4) + big(51, 4) + aedat2(0, 127, 0, 52);
  EXPECT_EQ(read_bytes(bytes), (EventRecording{"AEDAT 2", 128, 128, {{50, 127, 3, 1}, {52, 0, 127, 0}}}));
  expect_sound(bytes);
}

TEST(Aedat2, CountsOnWhenItsClockWraps) {
  const EventRecording recording =
      read_bytes("#!AER-DAT2.0\r\n" + aedat2(1, 1, 0, 0xFFFFFFFFu) + aedat2(1, 1, 0, 1));
  EXPECT_EQ(recording.events[1].t, (std::int64_t{1} << 32) + 1);
}

TEST(Aedat2, RefusesOtherCamerasVersionsAndEnds) {
  EXPECT_REFUSED(read_bytes("#!AER-DAT2.0\r\n# AEChip: DAVIS240C\r\n"), "of a DAVIS camera");
  EXPECT_REFUSED(read_bytes("#!AER-DAT1.0\r\n"), "is AEDAT 1.0");
  EXPECT_REFUSED(read_bytes("#!AER-DAT2.0\r\nabc"), "ends within an event");
}

std::string packet(unsigned type, unsigned overflows, unsigned capacity, unsigned number,
                   const std::string& events) {
  return little(type, 2) + little(0, 2) + little(8, 4) + little(4, 4) + little(overflows, 4) +
         little(capacity, 4) + little(number, 4) + little(number, 4) + events;
}

std::string aedat3(unsigned x, unsigned y, unsigned p, unsigned t, unsigned valid = 1) {
  return little(x << 17 | y << 2 | p << 1 | valid, 4) + little(t, 4);
}

const std::string aedat3_head = "#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n#!END-HEADER\r\n";

TEST(Aedat3, ReadsPolarityPacketsAndSkipsOthers) {
  const std::string bytes =
      aedat3_head + packet(1, 0, 3, 2, aedat3(127, 1, 1, 9) + aedat3(2, 3, 0, 9, 0) + aedat3(0, 0, 0, 0)) +
      packet(0, 0, 1, 1, aedat3(1, 1, 1, 1)) + packet(1, 1, 1, 1, aedat3(4, 127, 0, 3));
  EXPECT_EQ(
      read_bytes(bytes),
      (EventRecording{"AEDAT 3.1", 128, 128, {{9, 127, 1, 1}, {(std::int64_t{1} << 31) + 3, 4, 127, 0}}}));
  expect_sound(bytes);
}

TEST(Aedat3, RefusesPacketsThatTheFileCannotHold) {
  EXPECT_REFUSED(read_bytes(aedat3_head + packet(1, 0, 0xFFFFFFFF, 0xFFFFFFFF, "")),
                 "but the file has 0 more");
  EXPECT_REFUSED(read_bytes(aedat3_head + packet(1, 0, 1, 2, aedat3(1, 1, 1, 1))), "2 events and room for 1");
  EXPECT_REFUSED(read_bytes(aedat3_head + packet(1, 0, 1, 1, aedat3(128, 1, 1, 1))),
                 "outside of the sensor of 128");
  EXPECT_REFUSED(read_bytes(aedat3_head + "abc"), "ends at byte");
  std::string other = aedat3_head + packet(1, 0, 1, 1, aedat3(1, 1, 1, 1));
  other[aedat3_head.size() + 4] = 4;
  EXPECT_REFUSED(read_bytes(other), "polarity events of 4 bytes");
}

}  // namespace
}  // namespace volley
