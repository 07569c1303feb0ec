// Recordings as arrays: .npy, .npz, SHD; frames of them.
#include "sim/io/event_data.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>

#include "sim/io/npz.hpp"
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

std::string npy(const std::string& descr, const std::string& rows, int count) {
  std::string text =
      "{'descr': " + descr + ", 'fortran_order': False, 'shape': (" + std::to_string(count) + ",), }\n";
  return "\x93NUMPY" + little(1, 1) + little(0, 1) + little(text.size(), 2) + text + rows;
}

TEST(EventArrays, ReadsStructuredNpyInAnyOrderWithPadding) {
  const std::string bytes = npy("[('t', '<i8'), ('x', '>i2'), ('y', '<i2'), ('p', '|b1'), ('', '|V3')]",
                                little(5, 8) + big(300, 2) + little(2, 2) + little(1, 1) + "xyz" +
                                    little(6, 8) + big(1, 2) + little(199, 2) + little(0, 1) + "xyz",
                                2);
  EXPECT_EQ(read_bytes(bytes), (EventRecording{"npy events", 301, 200, {{5, 300, 2, 1}, {6, 1, 199, 0}}}));
  expect_sound(bytes);
  const std::string turned = npy("[('p','u1'),('y','<u2'),('x','<u2'),('t','<u4')]",
                                 little(1, 1) + little(2, 2) + little(3, 2) + little(4, 4), 1);
  EXPECT_EQ(read_bytes(turned).events, (std::vector<Event>{{4, 3, 2, 1}}));
}

TEST(EventArrays, ReadsStructuredNpyInEveryOrderOfItsColumns) {
  const std::map<char, std::pair<std::string, std::string>> columns{{'p', {"'|u1'", little(1, 1)}},
                                                                    {'t', {"'<i8'", little(77, 8)}},
                                                                    {'x', {"'>u2'", big(5, 2)}},
                                                                    {'y', {"'<i4'", little(6, 4)}}};
  std::string order = "ptxy";
  int orders = 0;
  do {
    std::string descr = "[", row;
    for (const char column : order) {
      const auto& [type, bytes] = columns.at(column);
      descr += "('" + std::string(1, column) + "', " + type + "), ";
      row += bytes;
    }
    EXPECT_EQ(read_bytes(npy(descr + "]", row, 1)).events, (std::vector<Event>{{77, 5, 6, 1}})) << order;
    ++orders;
  } while (std::ranges::next_permutation(order).found);
  EXPECT_EQ(orders, 24);
}

// tests/data/io/make_events.py wrote these with numpy.
const std::vector<Event> numpy_events{{100, 3, 7, 1}, {110, 33, 0, 0}, {110, 0, 33, 1}, {250, 12, 12, 0}};

TEST(EventArrays, ReadsDvsGestureAsSpikingJellyAndTonicKeepIt) {
  const EventRecording npz = read_events(test::fixture("events/gesture.npz"), {.width = 128, .height = 128});
  EXPECT_EQ(npz, (EventRecording{"npz events", 128, 128, numpy_events}));
  const EventRecording npy = read_events(test::fixture("events/gesture.npy"),
                                         {.width = 128, .height = 128, .columns = "xypt", .unit = 1000});
  EXPECT_EQ(npy, (EventRecording{"npy events", 128, 128, numpy_events}));
  EXPECT_EQ(read_events(test::fixture("events/rows.npy")).events, numpy_events);
  EXPECT_EQ(read_events(test::fixture("events/rows.npy"), {.unit = 1000}).events[3].t, 250'000);
}

TEST(EventArrays, RefusesColumnsWithoutNamesThatCannotBe) {
  const std::string path = test::fixture("events/gesture.npy");
  const auto usage = [](auto&& f) { return test::error_of(f, Fault::usage); };
  EXPECT_NE(usage([&] { (void)read_events(path, {.columns = "xyp"}); }).find("wanted the letters"),
            std::string::npos);
  EXPECT_NE(usage([&] { (void)read_events(path, {.columns = "xypp"}); }).find("wanted the letters"),
            std::string::npos);
  EXPECT_NE(usage([&] { (void)read_events(path, {.columns = "xypt", .unit = 0}); }).find("a unit of 0"),
            std::string::npos);
  EXPECT_NE(usage([&] { (void)read_bytes("12345", {.columns = "xypt"}); }).find("is no .npy"),
            std::string::npos);
  EXPECT_REFUSED(read_events(path), "the order of its columns");
  EXPECT_REFUSED(read_events(path, {.columns = "tpyx"}), "x of event 0 is 0.1, wanted a whole number");
  EXPECT_REFUSED(read_events(test::fixture("plain.npy"), {.columns = "xypt"}), "wanted [events, 4]");
  EXPECT_REFUSED(read_bytes(npy("'<i8'", little(std::uint64_t{1} << 60, 8), 1), {.columns = "xypt"}),
                 "wanted [events, 4]");
}

TEST(EventArrays, RefusesColumnsThatAreNoEvents) {
  const std::string row = little(1, 8) + little(2, 2) + little(3, 2);
  EXPECT_REFUSED(read_bytes(npy("[('t','<i8'),('x','<i2'),('y','<i2')]", row, 1)), "has no 'p'");
  EXPECT_REFUSED(read_bytes(npy("[('t','<i8'),('t','<i4')]", row, 1)), "the field 't' twice");
  EXPECT_REFUSED(read_bytes(npy("[('t','<i8'),('x','<f4')]", row, 1)), "'x' is f32");
  EXPECT_REFUSED(read_bytes(npy("[('t','|O')]", row, 1)), "pickled");
  EXPECT_REFUSED(read_bytes(npy("[('t','<i8'),('','V99999999')]", row, 1)), "a field without a name");
  EXPECT_REFUSED(read_bytes(npy("[]", row, 1)), "without fields");
  EXPECT_REFUSED(read_bytes(npy("[('t','<i8'),('x','<i2'),('y','<i2')]", row, 2)), "wanted 24");
  EXPECT_REFUSED(read_bytes(npy("'<i8'", little(1, 8), 1)), "wanted a structured one");
  EXPECT_REFUSED(read_bytes(npy("[('t','<i8'),('x','<i2'),('y','i1'),('p','i1')]",
                                little(1, 8) + little(65535, 2) + "ab", 1)),
                 "x of event 0 is -1");
}

EventRecording small() {
  return {"npz events", 3, 2, {{10, 0, 0, 1}, {11, 0, 0, 1}, {12, 2, 1, 0}, {19, 1, 0, 1}, {20, 1, 1, 0}}};
}

TEST(EventArrays, ReadsTheNpzThatItWrote) {
  const Scratch scratch;
  write_npz(scratch.path("a.npz"), event_arrays(small()));
  EXPECT_EQ(read_events(scratch.path("a.npz")), small());
  expect_sound(test::bytes_of(scratch.path("a.npz")));
}

TEST(EventArrays, KeepsTheLabelAndRefusesOnesThatCannotBe) {
  const Scratch scratch;
  EventRecording recording = small();
  recording.label = 4;
  Arrays arrays = event_arrays(recording);
  write_npz(scratch.path("a.npz"), arrays);
  EXPECT_EQ(read_events(scratch.path("a.npz")), recording);
  arrays["label"] = array_of({1}, std::array{Index{-1}});
  write_npz(scratch.path("a.npz"), arrays);
  EXPECT_REFUSED(read_events(scratch.path("a.npz")), "'label' is not one number");
  arrays["label"] = arrays["width"];
  arrays["t"] = array_of({5}, std::vector<Index>(5, Index{1} << 60));
  write_npz(scratch.path("a.npz"), arrays);
  EXPECT_REFUSED(read_events(scratch.path("a.npz")), "t of event 0 is");
}

TEST(EventArrays, RefusesNpzOfOtherLengths) {
  const Scratch scratch;
  Arrays arrays = event_arrays(small());
  arrays["p"] = arrays["width"];
  write_npz(scratch.path("a.npz"), arrays);
  EXPECT_REFUSED(read_events(scratch.path("a.npz")), "5 t, 5 x, 5 y, 1 p");
  arrays.erase("p");
  write_npz(scratch.path("a.npz"), arrays);
  EXPECT_REFUSED(read_events(scratch.path("a.npz")), "has no 'p'");
}

TEST(EventHdf5, ReadsOneSampleOfManyInOrderOfTime) {
  const std::string path = test::fixture("shd.h5");
  const std::vector<Event> first{{125'000, 3, 0, 1}, {250'000, 699, 0, 1}, {500'000, 0, 0, 1}};
  EXPECT_EQ(read_events(path), (EventRecording{"SHD", 700, 1, first, {}, 7}));
  EXPECT_EQ(read_events(path, {0, 0, 1}).events, (std::vector<Event>{{1'000'000, 42, 0, 1}}));
  EXPECT_NE(test::error_of(
                [&] {
                  (void)read_events(path, {0, 0, 2});
                },
                Fault::usage)
                .find("holds 2 samples"),
            std::string::npos);
}

TEST(EventHdf5, RefusesCutsAndFilesOfOtherKinds) {
  EXPECT_REFUSED(read_events(std::string(VOLLEY_SOURCE_DIR) + "/tests/data/nir/cnn.nir"), "/spikes/times");
  const std::string bytes = test::bytes_of(test::fixture("shd.h5"));
  for (std::size_t length = 8; length < bytes.size(); length += 97) {
    EXPECT_NE(test::error_of([&] { (void)read_bytes(bytes.substr(0, length)); }), "") << length;
  }
}

TEST(EventFrames, SplitsByNumberAndTheLastTakesTheRest) {
  const Array frames = events_to_frames(small(), 2, FrameSplit::number);
  EXPECT_EQ(frames.sizes, (std::vector<Index>{2, 2, 2, 3}));
  const std::vector<float> wanted{0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 0};
  EXPECT_EQ(as_floats(frames), wanted);
}

TEST(EventFrames, SplitsByTime) {
  // d = 5: 10 .. 14 and 15 .. 20.
  const std::vector<float> wanted{0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0};
  EXPECT_EQ(as_floats(events_to_frames(small(), 2, FrameSplit::time)), wanted);
}

TEST(EventFrames, LeavesSlotsWithoutEventsEmptyAndLosesNone) {
  for (const FrameSplit split : {FrameSplit::number, FrameSplit::time}) {
    for (const Index steps : {1, 3, 5, 9, 40}) {
      float sum = 0;
      for (const float count : as_floats(events_to_frames(small(), steps, split))) {
        sum += count;
      }
      EXPECT_EQ(sum, 5.0f) << steps;
    }
  }
  EXPECT_EQ(as_floats(events_to_frames({"", 1, 1, {}}, 2, FrameSplit::time)), (std::vector<float>(4, 0.0f)));
}

TEST(EventFrames, AreCutOrBorderedAroundTheMiddle) {
  EventRecording recording = small();  // 3 x 2
  EXPECT_EQ(centre(recording, 6, 5), 0);
  EXPECT_EQ(recording.events[2], (Event{12, 3, 2, 0}));  // from 2, 1
  EXPECT_EQ(recording.width, 6);
  EXPECT_EQ(centre(recording, 3, 2), 0);
  EXPECT_EQ(recording, small());
  EXPECT_EQ(centre(recording, 1, 1), 4);  // what was at 1, 0
  EXPECT_EQ(recording.events, (std::vector<Event>{{19, 0, 0, 1}}));
  EXPECT_NE(test::error_of([&] { (void)centre(recording, 0, 1); }, Fault::usage), "");
}

TEST(EventFrames, BecomeSpikes) {
  const Array spikes = events_to_spikes(small(), 1, FrameSplit::number);
  EXPECT_EQ(spikes.type, NumberType::u8);
  EXPECT_EQ(as_floats(spikes), (std::vector<float>{0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0}));
}

TEST(EventFrames, RefusesNoneAndTooMany) {
  const auto why = [&](Index steps) {
    return test::error_of([&] { (void)events_to_frames(small(), steps, FrameSplit::time); }, Fault::usage);
  };
  EXPECT_NE(why(0), "");
  EXPECT_NE(why(Index{1} << 40), "");
}

}  // namespace
}  // namespace volley
