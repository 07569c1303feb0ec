// Memory-inclusive and chip energies, worked out by hand.
#include "sim/measure/memory_energy.hpp"

#include <gtest/gtest.h>

#include "tests/unit/measure/energy_support.hpp"

namespace volley {
namespace {

using test::horowitz_memory;
using test::refusal_of;

Traffic some_traffic() {
  Traffic traffic;
  traffic.weights_fetched = Bytes(400);
  traffic.weights_held = Bytes(4096);
  traffic.state_read = traffic.state_written = Bytes(80);
  traffic.state_held = Bytes(40);
  traffic.spikes_read = Bytes(16);
  traffic.spikes_written = Bytes(8);
  traffic.numbers_read = Bytes(32);
  traffic.values_held = Bytes(64);
  traffic.spikes_sent = 5;
  return traffic;
}

// 8 KB: 1.25 pJ a byte. 32 KB: 2.5. 1 MB: 12.5. DRAM: 162.5.
const Hierarchy small{Bytes(1048576), Bytes(32768), Bytes(8192)};

TEST(MemoryEnergy, IsBytesTimesThePriceOfTheirBuffer) {
  const MemoryEnergy energy = memory_inclusive_energy({.ac = 100}, some_traffic(), horowitz_memory(), small);
  EXPECT_DOUBLE_EQ(energy.compute.count(), 90);
  EXPECT_DOUBLE_EQ(energy.weights.count(), 5000);
  EXPECT_DOUBLE_EQ(energy.state.count(), 400);
  EXPECT_DOUBLE_EQ(energy.spikes.count(), 30);
  EXPECT_DOUBLE_EQ(energy.numbers.count(), 40);
  EXPECT_DOUBLE_EQ(energy.total().count(), 5560);
  EXPECT_EQ(energy.from_dram.count(), 0);
}

TEST(MemoryEnergy, WhatDoesNotFitComesFromDram) {
  Traffic traffic = some_traffic();
  traffic.weights_held = Bytes(1048577);
  const MemoryEnergy energy = memory_inclusive_energy({}, traffic, horowitz_memory(), small);
  EXPECT_DOUBLE_EQ(energy.weights.count(), 65000);
  EXPECT_DOUBLE_EQ(energy.state.count(), 400);
  EXPECT_EQ(energy.from_dram.count(), 400);
  traffic.weights_held = Bytes(1048576);
  EXPECT_DOUBLE_EQ(memory_inclusive_energy({}, traffic, horowitz_memory(), small).weights.count(), 5000);
  traffic.state_held = Bytes(32769);
  EXPECT_DOUBLE_EQ(memory_inclusive_energy({}, traffic, horowitz_memory(), small).state.count(), 26000);
}

TEST(MemoryEnergy, AddsUpOverNodes) {
  const Profile profile = horowitz_memory();
  MemoryEnergy sum = memory_inclusive_energy({.ac = 100, .neuron = 1}, some_traffic(), profile, small);
  sum += memory_inclusive_energy(
      {
          .neuron = 1,
      },
      some_traffic(), profile, small);
  EXPECT_DOUBLE_EQ(sum.total().count(), 2 * 5560 - 90);
  EXPECT_EQ(sum.unpriced, (std::vector<std::string>{"neuron"}));
}

TEST(MemoryEnergy, RefusesWhatTheProfileDoesNotKnow) {
  Profile profile = horowitz_memory();
  Traffic traffic = some_traffic();
  traffic.weights_held = Bytes(2e6);
  profile.dram.reset();
  EXPECT_EQ(refusal_of([&] { memory_inclusive_energy({}, traffic, profile, small); }),
            "profile 'memory' has no price of DRAM, and 400 bytes do not fit into a buffer of 1048576 bytes");
  traffic.weights_fetched = Bytes(0);
  EXPECT_EQ(memory_inclusive_energy({}, traffic, profile, small).weights.count(), 0);
  profile.sram.reset();
  EXPECT_EQ(refusal_of([&] { memory_inclusive_energy({}, traffic, profile, small); }),
            "profile 'memory' has no price of SRAM, which the memory-inclusive energy needs");
  EXPECT_NE(
      refusal_of([&] {
        memory_inclusive_energy({}, traffic, horowitz_memory(), {Bytes(4e6), Bytes(32768), Bytes(8192)});
      }).find("an SRAM of 4000000 bytes has no price"),
      std::string::npos);
}

TEST(ChipEnergy, PaysOperationsSpikesAndHops) {
  Profile profile;
  profile.prices["ac"] = {23.6, "s", "unverified"};
  profile.prices["neuron"] = {81, "s", "unverified"};
  profile.network["spike_out"] = {1.7, "s", "unverified"};
  profile.network["hop"] = {4, "s", "unverified"};
  const ChipEnergy energy = chip_energy({.ac = 10, .mac = 1, .neuron = 2}, some_traffic(), profile, 3);
  EXPECT_DOUBLE_EQ(energy.compute.count(), 398);
  EXPECT_DOUBLE_EQ(energy.network.count(), 5 * 1.7 + 5 * 3 * 4);
  EXPECT_DOUBLE_EQ(energy.total().count(), 466.5);
  EXPECT_EQ(energy.unpriced, (std::vector<std::string>{"mac"}));
}

TEST(ChipEnergy, NamesANetworkThatHasNoPrice) {
  Profile profile;
  profile.prices["ac"] = {26, "s", "unverified"};
  EXPECT_EQ(chip_energy({}, some_traffic(), profile, 1).unpriced,
            (std::vector<std::string>{"spike_out", "hop"}));
  EXPECT_EQ(chip_energy({}, some_traffic(), profile, 0).unpriced, (std::vector<std::string>{"spike_out"}));
  profile.included = {{"spike_out", "ac"}, {"hop", "ac"}};
  EXPECT_TRUE(chip_energy({}, some_traffic(), profile, 1).unpriced.empty());
  EXPECT_EQ(refusal_of([&] { chip_energy({}, {}, profile, -1); }), "hops is -1, wanted 0 or more");
}

}  // namespace
}  // namespace volley
