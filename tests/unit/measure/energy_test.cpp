// Prices, SRAM lines, times and what is unknown.
#include "sim/measure/energy.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "sim/base/check.hpp"
#include "tests/unit/measure/energy_support.hpp"

namespace volley {
namespace {

using test::horowitz_memory;
using test::refusal_of;

TEST(Energy, IsCountTimesPrice) {
  Profile profile;
  profile.prices["ac"] = {0.9, "s", "published"};
  profile.prices["mac"] = {4.6, "s", "published"};
  const Energy energy = energy_of({.ac = 10, .mac = 2}, profile);
  EXPECT_DOUBLE_EQ(energy.picojoules, 18.2);
  EXPECT_EQ(energy.total().count(), energy.picojoules);
  EXPECT_TRUE(energy.unpriced.empty());
}

TEST(Energy, UnknownIsNotZeroAndNotIncluded) {
  Profile profile;
  profile.prices["ac"] = {2, "s", "published"};
  profile.prices["add"] = {0, "s", "published"};
  profile.included["neuron"] = "ac";
  const Energy energy = energy_of({.ac = 1, .shift = 5, .add = 7, .neuron = 9}, profile);
  EXPECT_EQ(energy.picojoules, 2);
  EXPECT_EQ(energy.unpriced, (std::vector<std::string>{"shift"}));
}

TEST(Energy, RefusesAPriceOfNothing) {
  Profile profile;
  profile.id = "p";
  profile.prices["mul"] = {1, "s", "published"};
  EXPECT_EQ(refusal_of([&] { energy_of({}, profile); }),
            "profile 'p' prices 'mul', which is no kind of operation");
}

TEST(SramLine, IsALineBetweenThePoints) {
  const SramLine sram = *horowitz_memory().sram;
  EXPECT_EQ(sram.read_access(Bytes(8192)).count(), 10);
  EXPECT_EQ(sram.read_access(Bytes(32768)).count(), 20);
  EXPECT_EQ(sram.read_access(Bytes(1048576)).count(), 100);
  EXPECT_DOUBLE_EQ(sram.read_access(Bytes(20480)).count(), 15);   // half way from 8 to 32 KB
  EXPECT_DOUBLE_EQ(sram.read_access(Bytes(540672)).count(), 60);  // half way from 32 KB to 1 MB
  EXPECT_DOUBLE_EQ(sram.read(Bytes(8192)).count(), 1.25);         // 10 pJ for 8 bytes, not for 4
}

TEST(SramLine, ReadAndWriteHaveLinesOfTheirOwn) {
  SramLine sram = *horowitz_memory().sram;
  sram.points[1].write = PicojoulesPerAccess(30);
  EXPECT_DOUBLE_EQ(sram.write_access(Bytes(20480)).count(), 20);
  EXPECT_DOUBLE_EQ(sram.read_access(Bytes(20480)).count(), 15);
  EXPECT_DOUBLE_EQ(sram.write(Bytes(32768)).count(), 3.75);
}

TEST(SramLine, SaysNothingOutsideOfItsPoints) {
  const SramLine sram = *horowitz_memory().sram;
  const std::string known = " bytes has no price: the profile knows sizes from 8192 to 1048576 bytes";
  EXPECT_EQ(refusal_of([&] { sram.read_access(Bytes(8191)); }), "an SRAM of 8191" + known);
  EXPECT_EQ(refusal_of([&] { sram.write_access(Bytes(1048577)); }), "an SRAM of 1048577" + known);
  EXPECT_NE(refusal_of([] { SramLine().read_access(Bytes(1)); }), "");
}

TEST(SerialTime, AddsLatenciesAndNamesWhatHasNone) {
  Profile profile;
  profile.latencies["ac"] = {NanosecondsPerOperation(3.5), {"s", "published"}};
  const SerialTime serial = serial_time({.ac = 4, .neuron = 1}, profile);
  EXPECT_DOUBLE_EQ(serial.time.count(), 14);
  EXPECT_EQ(serial.unknown, (std::vector<std::string>{"neuron"}));
}

TEST(StaticEnergy, IsPowerTimesTimeOrUnknown) {
  Profile profile;
  EXPECT_FALSE(static_energy(Nanoseconds(5), profile));
  profile.static_power = StaticPower{Milliwatts(2), {"s", "published"}};
  EXPECT_EQ(static_energy(Nanoseconds(5), profile)->count(), 10);
}

TEST(Unknown, ListsWhatHasNoEntry) {
  Profile profile = horowitz_memory();
  profile.included["neuron"] = "ac";
  const auto unknown = unknown_of(profile);
  const auto lists = [&](const char* name) {
    return std::find(unknown.begin(), unknown.end(), name) != unknown.end();
  };
  EXPECT_FALSE(lists("ac"));
  EXPECT_FALSE(lists("sram"));
  EXPECT_FALSE(lists("dram"));
  EXPECT_FALSE(lists("neuron"));
  for (const char* name :
       {"shift", "compare", "special", "hop", "spike_out", "static power", "latency of ac"}) {
    EXPECT_TRUE(lists(name)) << name;
  }
}

}  // namespace
}  // namespace volley
