// Distances of maps against closed forms, and the rules for rows without a distribution.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "analysis/map_distance.hpp"
#include "sim/base/check.hpp"
#include "tests/support/message.hpp"

namespace volley {
namespace {

using test::message;

constexpr double few = 1e-9;  // a floor that hardly matters

TEST(MapDistance, OfAMapToItselfIsNone) {
  const Matrix map{2, 3, {0.5, 0.25, 0.25, 0.1, 0.2, 0.7}};
  const MapDistance found = distance_between(map, map, few);
  EXPECT_NEAR(*found.cosine.mean(), 1, 1e-15);
  EXPECT_NEAR(*found.divergence.mean(), 0, 1e-8);
  EXPECT_NEAR(*found.jensen_shannon.mean(), 0, 1e-15);
  EXPECT_NEAR(*found.rank.mean(), 1, 1e-15);
  EXPECT_NEAR(*found.row_sum.mean(), 1, 1e-15);
  const double second = -0.1 * std::log2(0.1) - 0.2 * std::log2(0.2) - 0.7 * std::log2(0.7);
  EXPECT_NEAR(*found.entropy.mean(), (1.5 + second) / 2, 1e-14);
}

TEST(MapDistance, ScaleOfTheMapChangesTheRowSumsAlone) {
  const Matrix reference{2, 3, {0.5, 0.3, 0.2, 0.1, 0.2, 0.7}};
  const Matrix map{2, 3, {1, 5, 2, 1, 1, 4}};
  Matrix larger = map;
  for (double& number : larger.numbers) {
    number *= 8;
  }
  const MapDistance one = distance_between(reference, map, 0.01);
  const MapDistance other = distance_between(reference, larger, 0.01);
  EXPECT_NEAR(*one.cosine.mean(), *other.cosine.mean(), 1e-15);
  EXPECT_DOUBLE_EQ(*one.divergence.mean(), *other.divergence.mean());
  EXPECT_DOUBLE_EQ(*one.rank.mean(), *other.rank.mean());
  EXPECT_DOUBLE_EQ(*one.row_sum.mean() * 8, *other.row_sum.mean());
  EXPECT_DOUBLE_EQ(one.least_sum, 6);
  EXPECT_DOUBLE_EQ(other.greatest_sum, 64);
}

TEST(MapDistance, OfAOneHotRowIsTheClosedForm) {
  const Matrix reference{1, 4, {0.25, 0.25, 0.25, 0.25}};
  const Matrix map{1, 4, {0, 3, 0, 0}};
  const double floor = 0.04;
  const MapDistance found = distance_between(reference, map, floor);
  // Q' is 0.01 at the zeros and 0.97 at the other.
  EXPECT_NEAR(*found.divergence.mean(), 0.75 * std::log2(25.0) + 0.25 * std::log2(0.25 / 0.97), 1e-13);
  const double middle = 0.5 * 1.25;
  const double of_p = 0.75 * std::log2(2.0) + 0.25 * std::log2(0.25 / middle);
  EXPECT_NEAR(*found.jensen_shannon.mean(), (of_p + std::log2(1 / middle)) / 2, 1e-13);
  EXPECT_NEAR(*found.entropy.mean(), 0, 1e-15);
  EXPECT_NEAR(*found.cosine.mean(), 0.5, 1e-15);
  EXPECT_FALSE(found.rank.mean());  // the reference is flat
  EXPECT_EQ(found.zero_entries, 3);
}

TEST(MapDistance, OfDistributionsThatDoNotMeetHasAFullJensenShannon) {
  const MapDistance found = distance_between({1, 2, {1, 0}}, {1, 2, {0, 1}}, few);
  EXPECT_NEAR(*found.jensen_shannon.mean(), 1, 1e-15);
  EXPECT_NEAR(*found.cosine.mean(), 0, 1e-15);
}

TEST(MapDistance, LeavesOutRowsThatAreNoDistributionAndCountsThem) {
  const Matrix reference{4, 2, {0.6, 0.4, 0.6, 0.4, 0.6, 0.4, 0.6, 0.4}};
  const Matrix map{4, 2, {0, 0, 2, -1, 3, 3, 1, 2}};
  MapDistance found = distance_between(reference, map, few);
  EXPECT_EQ(found.rows, 4);
  EXPECT_EQ(found.zero_rows, 1);
  EXPECT_EQ(found.negative_rows, 1);
  EXPECT_EQ(found.flat_rows, 1);
  EXPECT_EQ(found.entropy.count, 2);
  EXPECT_EQ(found.rank.count, 2);  // of the negative row and of the last
  EXPECT_NEAR(*found.rank.mean(), 0, 1e-15);
  EXPECT_EQ(found.row_sum.count, 4);
  EXPECT_EQ(found.entries, 8);
  EXPECT_EQ(found.zero_entries, 2);
  found += found;
  EXPECT_EQ(found.rows, 8);
  EXPECT_EQ(found.zero_rows + found.negative_rows + found.flat_rows, 6);
  EXPECT_EQ(found.rank.count, 4);
  EXPECT_DOUBLE_EQ(found.greatest_sum, 6);
}

TEST(MapDistance, OfASilentMapHasNoCosine) {
  EXPECT_FALSE(distance_between({1, 2, {0.5, 0.5}}, zero_matrix(1, 2), few).cosine.mean());
}

TEST(MapDistance, RefusesMapsThatDoNotFit) {
  const Matrix reference{1, 2, {0.5, 0.5}};
  EXPECT_EQ(message([&] { distance_between(reference, zero_matrix(2, 1), few); }),
            "the map is 2 x 1, wanted 1 x 2 as the reference");
  EXPECT_EQ(message([&] {
              distance_between({1, 2, {1.5, -0.5}}, reference, few);
            }),
            "row 0 of the reference is no distribution: its entries are in -0.5 .. 1.5");
  EXPECT_EQ(message([&] { distance_between(zero_matrix(1, 2), reference, few); }),
            "row 0 of the reference is no distribution: its entries are in 0 .. 0");
  EXPECT_EQ(message([&] {
              distance_between(reference, {1, 2, {0, std::numeric_limits<double>::quiet_NaN()}}, few);
            }),
            "the map holds nan at row 0, column 1");
  EXPECT_EQ(message([&] {
              distance_between({1, 2, {1}}, reference, few);
            }),
            "the reference has 1 numbers, wanted 1 x 2, at least one");
  EXPECT_EQ(message([&] { distance_between(reference, reference, 0); }),
            "the floor is 0, wanted above 0 and below 1");
}

TEST(Histogram, CountsWhatLiesOutsideInTheLastBins) {
  Histogram histogram(-1, 1, 4);
  for (const double number : {-5.0, -1.0, -0.5, 0.0, 0.4, 0.5, 1.0, 9.0}) {
    histogram.add(number);
  }
  EXPECT_EQ(histogram.total(), 8);
  EXPECT_DOUBLE_EQ(histogram.share(0), 2.0 / 8);
  EXPECT_DOUBLE_EQ(histogram.share(1), 1.0 / 8);
  EXPECT_DOUBLE_EQ(histogram.share(2), 2.0 / 8);
  EXPECT_DOUBLE_EQ(histogram.share(3), 3.0 / 8);
  EXPECT_DOUBLE_EQ(histogram.middle(0), -0.75);
  EXPECT_DOUBLE_EQ(Histogram(0, 1, 2).share(0), 0);
  EXPECT_EQ(message([] { Histogram(0, 0, 2); }), "a histogram of 2 bins over 0 .. 0 can't be");
  EXPECT_EQ(message([] { Histogram(0, 1, 0); }), "a histogram of 0 bins over 0 .. 1 can't be");
}

}  // namespace
}  // namespace volley
