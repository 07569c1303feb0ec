// The model of Lemaire et al., term by term.
#include "sim/measure/lemaire_energy.hpp"

#include <gtest/gtest.h>

#include "tests/unit/measure/energy_support.hpp"

namespace volley {
namespace {

using test::refusal_of;

Profile int32() {
  Profile profile = test::horowitz_memory();
  profile.prices["ac"] = {0.1, "s", "published"};
  profile.prices["mac"] = {3.2, "s", "derived"};
  return profile;
}

const LemaireMemory all_8_kb{Bytes(8192), Bytes(8192), Bytes(8192), Bytes(8192)};

// 2 -> 3 channels, 5 x 5 -> 3 x 3, kernel 3, stride 2, T = 4: N = 27, ceil(3/2)^2 = 4, K^2 = 9.
LemaireLayer conv() {
  LemaireLayer layer;
  layer.in_channels = 2;
  layer.out_channels = 3;
  layer.in_y = layer.in_x = 5;
  layer.out_y = layer.out_x = 3;
  layer.kernel = 3;
  layer.stride = 2;
  layer.steps = 4;
  layer.spikes_in = 10;
  layer.spikes_out = 7;
  return layer;
}

TEST(Lemaire, ConvolutionByHand) {
  const LemaireEnergy energy = lemaire_energy(conv(), all_8_kb, int32());
  EXPECT_EQ(energy.accumulates.count(), 10 * 4 * 3 + 4 * 27 + 7);  // 235
  EXPECT_EQ(energy.multiply_accumulates.count(), 4 * 27);
  EXPECT_EQ(energy.address_macs.count(), 20);
  EXPECT_EQ(energy.address_accumulates.count(), 10 * 3 * 9);
  EXPECT_EQ(energy.input_reads.count(), 10);
  EXPECT_EQ(energy.parameter_reads.count(), 270 + 108);
  EXPECT_EQ(energy.potential_reads.count(), 270 + 108);
  EXPECT_EQ(energy.potential_writes.count(), 270 + 108);
  EXPECT_EQ(energy.output_writes.count(), 7);
  EXPECT_DOUBLE_EQ(energy.operations.count(), 23.5 + 345.6);
  EXPECT_DOUBLE_EQ(energy.addressing.count(), 27 + 64);
  EXPECT_DOUBLE_EQ(energy.memory.count(), 10.0 * (10 + 378 + 378 + 378 + 7));
  EXPECT_DOUBLE_EQ(energy.total().count(), 369.1 + 91 + 11510);
}

TEST(Lemaire, NeitherBiasNorLeakCostsNothing) {
  LemaireLayer layer = conv();
  layer.has_bias = layer.leaks = false;
  const LemaireEnergy energy = lemaire_energy(layer, all_8_kb, int32());
  EXPECT_EQ(energy.accumulates.count(), 127);
  EXPECT_EQ(energy.multiply_accumulates.count(), 0);
  EXPECT_EQ(energy.parameter_reads.count(), 270);
  EXPECT_EQ(energy.potential_reads.count(), 378);
}

TEST(Lemaire, FullConnectionByHand) {
  LemaireLayer layer;
  layer.kind = LemaireLayer::Kind::fc;
  layer.in_channels = 6;
  layer.out_channels = 5;
  layer.steps = 2;
  layer.spikes_in = 8;
  layer.spikes_out = 3;
  const LemaireEnergy energy = lemaire_energy(layer, all_8_kb, int32());
  EXPECT_EQ(energy.accumulates.count(), 8 * 5 + 2 * 5 + 3);
  EXPECT_EQ(energy.multiply_accumulates.count(), 10);
  EXPECT_EQ(energy.address_accumulates.count(), 40);
  EXPECT_EQ(energy.address_macs.count(), 0);
  EXPECT_EQ(energy.parameter_reads.count(), 50);
  EXPECT_EQ(energy.potential_reads.count(), 50);
  layer.kernel = 3;
  EXPECT_EQ(refusal_of([&] { lemaire_energy(layer, all_8_kb, int32()); }),
            "a full connection has kernel, stride and places 1");
}

TEST(Lemaire, EachMemoryHasThePriceOfItsSize) {
  const LemaireMemory sizes{Bytes(8192), Bytes(1048576), Bytes(32768), Bytes(20480)};
  EXPECT_DOUBLE_EQ(lemaire_energy(conv(), sizes, int32()).memory.count(),
                   10 * 10.0 + 378 * 100.0 + 2 * 378 * 20.0 + 7 * 15.0);
}

TEST(Lemaire, DenseConvolutionByHand) {
  const LemaireEnergy energy = lemaire_dense_energy(conv(), all_8_kb, int32());
  EXPECT_EQ(energy.multiply_accumulates.count(), 3 * 2 * 9 * 9);  // 486
  EXPECT_EQ(energy.accumulates.count(), 27);
  EXPECT_EQ(energy.input_reads.count(), 486);
  EXPECT_EQ(energy.parameter_reads.count(), 19 * 27);
  EXPECT_EQ(energy.output_writes.count(), 27);
  EXPECT_EQ(energy.address_accumulates.count(), 50 + 27 + 27);
  EXPECT_DOUBLE_EQ(energy.total().count(), 486 * 3.2 + 2.7 + 10.4 + 10.0 * (486 + 513 + 27));
}

TEST(Lemaire, RefusesByName) {
  Profile profile = int32();
  LemaireLayer layer = conv();
  layer.spikes_in = -1;
  EXPECT_EQ(refusal_of([&] { lemaire_energy(layer, all_8_kb, profile); }),
            "the layer has -1 spikes in and 7 out, wanted 0 or more");
  layer = conv();
  layer.stride = 0;
  EXPECT_EQ(refusal_of([&] { lemaire_dense_energy(layer, all_8_kb, profile); }),
            "a size of the layer is below 1");
  profile.prices.erase("mac");
  EXPECT_EQ(refusal_of([&] { lemaire_energy(conv(), all_8_kb, profile); }),
            "profile 'memory' has no price of 'mac', which the model of Lemaire needs");
  profile.sram.reset();
  EXPECT_EQ(refusal_of([&] { lemaire_energy(conv(), all_8_kb, profile); }),
            "profile 'memory' has no price of SRAM, which the model of Lemaire needs");
}

}  // namespace
}  // namespace volley
