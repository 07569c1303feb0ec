// Events made of images.
#include "sim/io/event_data.hpp"

#include <gtest/gtest.h>

#include "tests/unit/io/scratch.hpp"

namespace volley {
namespace {

TEST(EventMaker, SeesNothingOnAnEvenFieldAndTheSameTwice) {
  EventMaker maker;
  maker.side = 8;
  const std::vector<float> black(16, 0.0f), white(16, 1.0f);
  EXPECT_TRUE(make_events(black, 4, 4, maker).events.empty());
  const EventRecording seen = make_events(white, 4, 4, maker);
  EXPECT_EQ(seen, make_events(white, 4, 4, maker));
  EXPECT_GT(seen.events.size(), 20u);
  maker.seed = 1;
  EXPECT_NE(seen.events, make_events(white, 4, 4, maker).events);
}

TEST(EventMaker, EndsWhereItBeganSoThatBrighterAndDarkerBalance) {
  EventMaker maker;
  maker.side = 8;
  const std::vector<float> white(16, 1.0f);
  std::vector<int> sums(64, 0);
  std::int64_t last = 0;
  for (const Event& event : make_events(white, 4, 4, maker).events) {
    sums[event.y * 8u + event.x] += event.p == 1 ? 1 : -1;
    EXPECT_GE(event.t, last);
    last = event.t;
  }
  EXPECT_LE(last, 3 * maker.saccade);
  for (const int sum : sums) {
    EXPECT_LE(std::abs(sum), 1);  // what is below one threshold stays
  }
}

TEST(EventMaker, RefusesImagesAndThresholdsThatCannotBe) {
  const std::vector<float> white(16, 1.0f);
  const auto why = [&](EventMaker maker) {
    return test::error_of([&] { (void)make_events(white, 4, 4, maker); }, Fault::usage);
  };
  EXPECT_NE(why({.side = 3}).find("does not fit"), std::string::npos);
  EXPECT_NE(why({.threshold = 0}).find("threshold"), std::string::npos);
  EXPECT_NE(why({.saccade = 10}).find("saccades"), std::string::npos);
}

}  // namespace
}  // namespace volley
