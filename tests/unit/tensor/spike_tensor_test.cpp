// Spikes survive packing, and padding stays silent.
#include "sim/tensor/spike_tensor.hpp"

#include <gtest/gtest.h>

#include "sim/tensor/event_list.hpp"
#include "tests/support/random_values.hpp"
#include "tests/support/run_op.hpp"

namespace volley {
namespace {

using test::random_spikes;

Shape shape_with(Index channels) {
  return {{Axis::T, 3}, {Axis::B, 2}, {Axis::N, 5}, {Axis::C, channels}};
}

std::vector<SpikeCode> codes() {
  return {binary_code(), bipolar_code(), graded_code(1), graded_code(5)};
}

TEST(SpikeTensor, UnpackOfPackIsTheSame) {
  for (const Index channels : {1, 63, 64, 65, 130}) {
    for (const SpikeCode code : codes()) {
      for (const double rate : {0.0, 0.3, 1.0}) {
        const SpikeTensor spikes = random_spikes(shape_with(channels), code, rate, 7);
        const Tensor dense = unpack(spikes);
        EXPECT_TRUE(test::same(Value(pack(dense, code)), Value(spikes)));
        Index sum = 0;
        for (std::size_t i = 0; i < dense.as<float>().size(); ++i) {
          const auto value = static_cast<int>(dense.as<float>()[i]);
          sum += std::abs(value);
          EXPECT_EQ(value, spikes.at(static_cast<Index>(i) / channels, static_cast<Index>(i) % channels));
        }
        EXPECT_EQ(sum, spike_count(spikes));
      }
    }
  }
}

TEST(SpikeTensor, PaddingBitsStayZeroAfterPack) {
  for (const Index channels : {1, 63, 65, 130}) {
    const SpikeTensor full = random_spikes(shape_with(channels), binary_code(), 1.0, 7);
    const std::uint64_t last = full.row(0, 0).back();
    EXPECT_EQ(popcount(last), channels % 64);
    EXPECT_EQ(spike_count(full), full.shape().count());
  }
}

TEST(SpikeTensor, BipolarNeverHasBothPlanesSet) {
  const SpikeTensor spikes = random_spikes(shape_with(65), bipolar_code(), 1.0, 3);
  for (std::size_t w = 0; w < spikes.plane(0).size(); ++w) {
    EXPECT_EQ(spikes.plane(0)[w] & spikes.plane(1)[w], 0u);
  }
}

TEST(SpikeTensor, PackRefusesWhatTheCodeDoesNotHold) {
  const Shape shape{{Axis::T, 1}, {Axis::C, 1}};
  const auto pack_one = [&](float number, SpikeCode code) {
    return pack(tensor_of(shape, std::vector{number}), code);
  };
  EXPECT_THROW(pack_one(0.5f, binary_code()), Error);
  EXPECT_THROW(pack_one(-1.0f, binary_code()), Error);
  EXPECT_THROW(pack_one(2.0f, bipolar_code()), Error);
  EXPECT_THROW(pack_one(6.0f, graded_code(5)), Error);
  EXPECT_THROW(pack_one(std::numeric_limits<float>::quiet_NaN(), binary_code()), Error);
  EXPECT_NO_THROW(pack_one(5.0f, graded_code(5)));
}

TEST(SpikeTensor, AStepIsAViewOfTheWhole) {
  for (const SpikeCode code : codes()) {
    const SpikeTensor spikes = random_spikes(shape_with(65), code, 0.4, 11);
    Index sum = 0;
    for (Index t = 0; t < 3; ++t) {
      const SpikeTensor step = spikes.steps(t, 1);
      EXPECT_EQ(step.shape()[Axis::T], 1);
      for (Index r = 0; r < step.rows(); ++r) {
        EXPECT_EQ(step.at(r, 64), spikes.at(t * step.rows() + r, 64));
      }
      sum += spike_count(step);
    }
    EXPECT_EQ(sum, spike_count(spikes));
  }
}

TEST(EventList, HoldsEverySpikeOnceAndGivesThemBack) {
  for (const SpikeCode code : codes()) {
    for (const double rate : {0.0, 0.3, 1.0}) {
      const SpikeTensor spikes = random_spikes(shape_with(65), code, rate, 13);
      const EventList events = to_events(spikes);
      for (Index t = 0; t < 3; ++t) {
        const auto addresses = events.addresses(t);
        EXPECT_TRUE(std::is_sorted(addresses.begin(), addresses.end()));
        Index units = 0;
        for (const std::int8_t value : events.values(t)) {
          units += std::abs(value);
        }
        EXPECT_EQ(units, spike_count(spikes.steps(t, 1)));
      }
      SpikeTensor back(code, spikes.shape());
      from_events(events, back);
      EXPECT_TRUE(test::same(Value(back), Value(spikes)));
    }
  }
}

}  // namespace
}  // namespace volley
