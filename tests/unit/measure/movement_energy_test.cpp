// The quantized twin and its break-even, by hand.
#include "sim/measure/movement_energy.hpp"

#include <gtest/gtest.h>

#include "tests/unit/measure/energy_support.hpp"

namespace volley {
namespace {

using test::refusal_of;

TEST(Movement, TwinHoldsWhatTheSpikesCount) {
  EXPECT_EQ(twin_bits(1), 1);
  EXPECT_EQ(twin_bits(3), 2);
  EXPECT_EQ(twin_bits(4), 3);
  EXPECT_EQ(twin_bits(5), 3);
  EXPECT_EQ(twin_bits(7), 3);
  EXPECT_EQ(twin_bits(8), 4);
  EXPECT_EQ(refusal_of([] { twin_bits(0); }), "T is 0, wanted 1 or more");
}

MovementCase small() {
  MovementCase layer;
  layer.steps = 5;
  layer.spike_rate = 0.1;
  layer.qnn_zeros = 0.5;
  layer.mac_over_acc = 4;
  layer.fan_in = 100;
  layer.weight_bits = 4;
  return layer;
}

TEST(Movement, TermsByHand) {
  const MovementEnergy spiking = spiking_energy(small());
  EXPECT_DOUBLE_EQ(spiking.compute.count(), 0.05448 * (50 + 5 + 0.5));
  EXPECT_DOUBLE_EQ(spiking.activations.count(), 50 * 3.0);
  EXPECT_EQ(spiking.weights.count(), 0);
  const MovementEnergy twin = twin_energy(small());
  EXPECT_DOUBLE_EQ(twin.compute.count(), 0.05448 * 100 * 0.5 * 4);
  EXPECT_DOUBLE_EQ(twin.activations.count(), 100 * 3 * 0.25);
  EXPECT_EQ(twin.weights.count(), 0);
}

TEST(Movement, EachEventFetchesItsWeightFromDram) {
  MovementCase layer = small();
  layer.weights = MovementCase::Weights::dram;
  EXPECT_DOUBLE_EQ(spiking_energy(layer).weights.count(), 50 * 4 * 20.3125);
  EXPECT_DOUBLE_EQ(twin_energy(layer).weights.count(), 100 * 4 * 20.3125);
}

TEST(Movement, HopsMultiplyWhatMoves) {
  MovementCase layer = small();
  layer.hops = 3;
  EXPECT_DOUBLE_EQ(spiking_energy(layer).activations.count(), 450);
  EXPECT_DOUBLE_EQ(twin_energy(layer).activations.count(), 225);
}

TEST(Movement, DenseSpikesAgainstTheTwinGoAsStepsOverBits) {
  MovementCase layer = small();
  layer.spikes = MovementCase::Spikes::dense;
  EXPECT_DOUBLE_EQ(spiking_energy(layer).activations / twin_energy(layer).activations, 5.0 / 3.0);
}

TEST(Movement, ComputingAloneBreaksEvenAtKOverT) {
  EXPECT_DOUBLE_EQ(compute_break_even(small()), 4 * 0.5 / 5);
}

TEST(Movement, BothCostTheSameAtTheBreakEven) {
  for (const auto weights : {MovementCase::Weights::resident, MovementCase::Weights::dram}) {
    MovementCase layer = small();
    layer.weights = weights;
    const auto rate = movement_break_even(layer);
    ASSERT_TRUE(rate);
    layer.spike_rate = *rate;
    const double twin = twin_energy(layer).total().count();
    EXPECT_NEAR(spiking_energy(layer).total().count(), twin, 1e-12 * twin);
    layer.spike_rate = *rate * 1.01;
    EXPECT_GT(spiking_energy(layer).total().count(), twin);
  }
}

TEST(Movement, DenseSpikesCanLoseWithoutASpike) {
  MovementCase layer = small();
  layer.spikes = MovementCase::Spikes::dense;
  layer.mac_over_acc = 0.01;
  EXPECT_FALSE(movement_break_even(layer));
}

TEST(Movement, RefusesByName) {
  const auto refused = [](auto change) {
    MovementCase layer = small();
    change(layer);
    return refusal_of([&] { spiking_energy(layer); });
  };
  EXPECT_EQ(refused([](MovementCase& c) { c.steps = 0; }),
            "T is 0, fan-in 100, weight bits 4, wanted 1 or more");
  EXPECT_EQ(refused([](MovementCase& c) { c.spike_rate = -1; }), "the spike rate is -1, wanted 0 or more");
  EXPECT_EQ(refused([](MovementCase& c) { c.qnn_zeros = 2; }), "the share of zeros is 2, wanted 0 to 1");
  EXPECT_EQ(refused([](MovementCase& c) { c.mac_over_acc = 0; }),
            "E_MAC / E_ACC is 0 and hops 1, wanted above 0, and 0 or more");
}

}  // namespace
}  // namespace volley
