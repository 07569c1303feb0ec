// Sums of the ledger: by head, step and sample, checked, and what is not counted.
#include "sim/measure/convention_ledger.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "sim/base/check.hpp"

namespace volley {
namespace {

std::vector<const Convention*> chosen(std::initializer_list<std::string_view> ids) {
  std::vector<const Convention*> all;
  for (const std::string_view id : ids) {
    all.push_back(find_convention(id));
  }
  return all;
}

Product product_of(Index head, Index events) {
  Product product;
  product.name = product_names::query_key;
  product.head = head;
  product.driven = Driven::a;
  product.a = {Numbers::binary, false, 10, events, events};
  product.b = {Numbers::binary, false, 10, 1, 1};
  product.units_a = product.event_a = events;
  return product;
}

TEST(ConventionLedger, AddsByHeadStepAndSample) {
  ConventionLedger ledger(chosen({"executed", "neurobench"}));
  ledger.on_products(7, 0, 0, std::vector{product_of(0, 1), product_of(1, 10)});
  ledger.on_products(7, 0, 1, std::vector{product_of(0, 2), product_of(1, 20)});
  ledger.on_products(7, 1, 0, std::vector{product_of(0, 4), product_of(1, 40)});
  ledger.on_products(7, 1, 1, std::vector{product_of(0, 8), product_of(1, 80)});
  const auto rows = ledger.rows();
  ASSERT_EQ(rows.size(), 4u);  // heads outside, steps inside
  const std::vector<Index> wanted{3, 12, 30, 120};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].node, 7u);
    EXPECT_EQ(rows[i].head, static_cast<Index>(i / 2));
    EXPECT_EQ(rows[i].step, static_cast<Index>(i % 2));
    EXPECT_EQ(rows[i].counts[0].ac, wanted[i]);
    EXPECT_EQ(rows[i].counts[1].counted, 0);  // not known, not 0
    EXPECT_EQ(rows[i].counts[1].missed, 2);
  }
  const auto samples = ledger.samples();
  ASSERT_EQ(samples.size(), 2u);
  EXPECT_EQ(samples[0].counts[0].ac, 55);
  EXPECT_EQ(samples[1].counts[0].ac, 110);
}

TEST(ConventionLedger, TakesTheSmallerRateOfANodeAsAWhole) {
  // Head 0: k fires less; head 1: v fires less, and by more. The fork has one rate a node: v is smaller.
  const auto key_value = [](Index head, Index k, Index v) {
    Product product;
    product.name = product_names::key_value;
    product.is_ssa = true;
    product.head = head;
    product.a = {Numbers::binary, false, 10, k, k};
    product.b = {Numbers::binary, false, 10, v, v};
    product.dense = 100;
    return product;
  };
  ConventionLedger ledger(chosen({"papers"}));
  ledger.on_products(0, 0, 0, std::vector{key_value(0, 1, 2), key_value(1, 6, 3)});
  const auto rows = ledger.rows();
  EXPECT_DOUBLE_EQ(rows[0].counts[0].all_ac(), 20);
  EXPECT_DOUBLE_EQ(rows[1].counts[0].all_ac(), 30);
  EXPECT_DOUBLE_EQ(ledger.samples()[0].counts[0].all_ac(), 50);
}

TEST(ConventionLedger, LeavesCostsOutsideOfProductsToTheExecutedCount) {
  ConventionLedger ledger(chosen({"executed", "event"}));
  Cost cost;
  cost.mac = 7;
  ledger.on_cost(1, 0, cost, {}, {});
  ledger.on_cost(0, 0, cost, {}, {});  // has products: they say it
  ledger.on_cost(2, 0, {}, {}, {});    // nothing to say
  ledger.on_products(0, 0, 3, std::vector{product_of(-1, 5)});
  ledger.on_products(0, 0, 4, std::vector{product_of(-1, 5)});
  const auto rows = ledger.rows();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1].node, 1u);
  EXPECT_EQ(rows[1].counts[0].mac, 7);
  EXPECT_EQ(rows[1].counts[1].counted, 0);
  Index sum = 0;
  for (const auto& row : ledger.samples()) {
    sum += row.node == 1 ? row.counts[0].mac : 0;
  }
  EXPECT_EQ(sum, 7);
}

TEST(ConventionLedger, RefusesASumThatLeaves64Bits) {
  ConventionLedger ledger(chosen({"executed"}));
  const Product most = product_of(-1, std::numeric_limits<Index>::max());
  ledger.on_products(0, 0, 0, std::vector{most});
  EXPECT_THROW(ledger.on_products(0, 0, 1, std::vector{most}), Error);
}

TEST(ConventionLedger, CountsSparsitiesAsNeuroBenchDoes) {
  ConventionLedger ledger(chosen({"neurobench"}), {Port{2, 0}});
  EXPECT_FALSE(ledger.connection_sparsity());
  EXPECT_FALSE(ledger.activation_sparsity());
  Product product = product_of(-1, 1);
  product.b = {Numbers::real, true, 3, 2, 2};
  ledger.on_products(0, 0, 0, std::vector{product});
  ledger.on_products(0, 1, 0, std::vector{product});  // the same weight again
  EXPECT_DOUBLE_EQ(*ledger.connection_sparsity(), 0.3333);
  EXPECT_TRUE(ledger.wants_value({2, 0}));
  EXPECT_FALSE(ledger.wants_value({2, 1}));
  const std::vector<float> numbers{0, 2, -1, 0, 0};
  ledger.on_value({2, 0}, {}, 0, tensor_of({{Axis::T, 1}, {Axis::B, 1}, {Axis::C, 5}}, numbers));
  EXPECT_DOUBLE_EQ(*ledger.activation_sparsity(), 0.6);
}

TEST(Spread, IsTheStandardDeviationOverSamples) {
  const std::vector<double> values{2, 4, 4, 4, 5, 5, 7, 9};
  EXPECT_DOUBLE_EQ(spread_of(values).mean, 5);
  EXPECT_DOUBLE_EQ(spread_of(values).deviation, 2);
  EXPECT_EQ(spread_of(std::vector<double>{3.0}).deviation, 0);
}

}  // namespace
}  // namespace volley
