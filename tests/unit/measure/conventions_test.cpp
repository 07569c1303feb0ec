// Each convention on small products whose counts are worked out by hand.
#include "sim/measure/conventions.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace volley {
namespace {

// Two tokens of 3 channels, binary: [1 0 1], [0 0 1], with a weight [2 3] whose entry (1, 2) is 0. Bias of 2.
Product linear_product(Numbers numbers, Driven driven) {
  Product product;
  product.name = product_names::linear;
  product.driven = driven;
  product.a = {numbers, false, 6, 3, 3};
  product.b = {Numbers::real, true, 6, 5, 5};
  product.dense = product.dense_padded = 12;
  product.event_a = product.units_a = 6;
  product.event_b = product.units_b = 10;  // 5 weights, two tokens
  product.coincidence = 4;                 // 3 events of 2 outputs, less the two that meet the 0
  product.bias = 4;
  return product;
}

// id -> ac and mac; those by rate are among ac.
using Wanted = std::map<std::string, std::pair<double, double>>;
void expect_counts(const Product& product, const Wanted& wanted) {
  for (const Convention& convention : conventions()) {
    SCOPED_TRACE(std::string(convention.id));
    const auto count = convention.count(product);
    const auto at = wanted.find(std::string(convention.id));
    ASSERT_EQ(count.has_value(), at != wanted.end());
    if (count) {
      EXPECT_DOUBLE_EQ(static_cast<double>(count->ac) + count->ac_by_rate, at->second.first);
      EXPECT_DOUBLE_EQ(static_cast<double>(count->mac), at->second.second);
    }
  }
}

TEST(Conventions, OfASpikingLinearLayer) {
  expect_counts(linear_product(Numbers::binary, Driven::a), {{"executed", {6, 0}},
                                                             {"event", {6, 0}},
                                                             {"weighted", {6, 0}},
                                                             {"coincidence", {4, 0}},
                                                             {"neurobench", {4, 0}},
                                                             {"spikingjelly", {6, 0}},
                                                             {"syops", {0.5 * (12 + 2), 0}},  // bias once
                                                             {"papers", {6, 0}},
                                                             {"dense_mac", {0, 12}},
                                                             {"dense_padded", {0, 12}}});
}

TEST(Conventions, OfALinearLayerOfRealNumbers) {
  expect_counts(linear_product(Numbers::real, Driven::none), {{"executed", {0, 12}},
                                                              {"event", {0, 6}},
                                                              {"weighted", {0, 6}},
                                                              {"coincidence", {0, 4}},
                                                              {"neurobench", {0, 4}},
                                                              {"spikingjelly", {0, 12}},
                                                              {"syops", {0, 14}},
                                                              {"papers", {0, 12}},
                                                              {"dense_mac", {0, 12}},
                                                              {"dense_padded", {0, 12}}});
}

TEST(Conventions, OfBipolarAndGradedSpikesDiffer) {
  Product product = linear_product(Numbers::ternary, Driven::a);
  EXPECT_EQ(find_convention("neurobench")->count(product)->ac, 4);
  EXPECT_EQ(find_convention("spikingjelly")->count(product)->mac, 12);
  EXPECT_EQ(find_convention("syops")->count(product)->mac, 14);
  EXPECT_EQ(find_convention("papers")->count(product)->mac, 12);
  product = linear_product(Numbers::integer, Driven::a);
  product.a.units = 5;
  product.units_a = 10;
  EXPECT_EQ(find_convention("executed")->count(product)->ac, 10);
  EXPECT_EQ(find_convention("weighted")->count(product)->ac, 10);
  EXPECT_EQ(find_convention("event")->count(product)->ac, 6);
  EXPECT_EQ(find_convention("neurobench")->count(product)->mac, 4);
}

// 1 x 1 image of 2 channels, both 1, kernel 3 x 3 with padding 1, one output, no bias: 2 taps inside, 18 in
// all.
TEST(Conventions, OfAConvolutionCountPaddingOrNot) {
  Product product;
  product.name = product_names::conv;
  product.driven = Driven::a;
  product.a = {Numbers::binary, false, 2, 2, 2};
  product.b = {Numbers::real, true, 18, 18, 18};
  product.dense = product.event_a = product.event_b = product.units_a = product.units_b = 2;
  product.coincidence = 2;
  product.dense_padded = 18;
  product.bias = 1;
  expect_counts(product, {{"executed", {2, 0}},
                          {"event", {2, 0}},
                          {"weighted", {2, 0}},
                          {"coincidence", {2, 0}},
                          {"neurobench", {2, 0}},
                          {"spikingjelly", {2, 0}},
                          {"syops", {19, 0}},
                          {"papers", {18, 0}},
                          {"dense_mac", {0, 2}},
                          {"dense_padded", {0, 18}}});
  product.b.numbers = Numbers::binary;  // SpikingJelly sees two spike trains, then one
  EXPECT_EQ(find_convention("spikingjelly")->count(product)->ac, 2);
  product.a.numbers = Numbers::real;
  EXPECT_EQ(find_convention("spikingjelly")->count(product)->ac, 18);
}

// One head, N = M = 2, d = 3. q: 3 events, k: 2, v: 1 of 6 places each.
std::pair<Product, Product> attention(bool key_value_first) {
  Product first;
  Product second;
  first.is_ssa = second.is_ssa = true;
  first.driven = Driven::a;
  if (key_value_first) {
    first.name = product_names::key_value;
    first.a = {Numbers::binary, false, 6, 2, 2};
    first.b = {Numbers::binary, false, 6, 1, 1};
    first.dense = first.dense_padded = 18;
    second.name = product_names::query_kv;
    second.driven = Driven::a;
    second.a = {Numbers::binary, false, 6, 3, 3};
    second.b = {Numbers::integer, false, 9, 2, 3};
    second.dense = second.dense_padded = 18;
    return {first, second};
  }
  first.name = product_names::query_key;
  first.a = {Numbers::binary, false, 6, 3, 3};
  first.b = {Numbers::binary, false, 6, 2, 2};
  first.dense = first.dense_padded = 12;
  first.event_a = first.units_a = 6;
  first.event_b = first.units_b = 4;
  first.coincidence = 3;
  second.name = product_names::score_value;
  second.driven = Driven::b;
  second.a = {Numbers::integer, false, 4, 2, 3};
  second.b = {Numbers::binary, false, 6, 1, 1};
  second.dense = second.dense_padded = 12;
  second.event_a = 6;
  second.units_a = 9;
  second.event_b = second.units_b = 2;
  second.coincidence = 1;
  return {first, second};
}

TEST(Conventions, OfSpikingAttentionDisagree) {
  const auto [query_key, score_value] = attention(false);
  const auto count = [](std::string_view id, const Product& product) {
    return find_convention(id)->count(product);
  };
  EXPECT_EQ(count("executed", query_key)->ac, 6);
  EXPECT_EQ(count("executed", score_value)->ac, 2);
  EXPECT_EQ(count("coincidence", query_key)->ac, 3);
  EXPECT_EQ(count("spikingjelly", query_key)->ac, 3);  // sum of the scores
  EXPECT_EQ(count("spikingjelly", score_value)->ac, 2);
  EXPECT_FALSE(count("neurobench", query_key));
  EXPECT_FALSE(count("syops", score_value));
  EXPECT_EQ(count("dense_mac", score_value)->mac, 12);
}

TEST(Conventions, OfPapersTakeTheirFormulaInBothOrders) {
  const double by_k = 2 * 9 * (2.0 / 6 + 3.0 / 6);  // T = h = 1, N = 2, d = 3
  const double by_v = 2 * 9 * (1.0 / 6 + 3.0 / 6);
  for (const bool key_value_first : {false, true}) {
    const auto [first, second] = attention(key_value_first);
    const auto a = find_convention("papers")->count(first);
    const auto b = find_convention("papers")->count(second);
    EXPECT_NEAR(a->ac_by_rate + b->ac_by_rate, by_k, 1e-9);
    EXPECT_NEAR(a->ac_by_rate_of_v + b->ac_by_rate_of_v, by_v, 1e-9);
  }
}

TEST(Conventions, OfPapersHaveNoFormulaForBipolarAttention) {
  Product product = attention(false).first;
  product.is_ssa = false;
  EXPECT_FALSE(find_convention("papers")->count(product));
  product.driven = Driven::none;  // softmax: an ANN
  EXPECT_EQ(find_convention("papers")->count(product)->mac, 12);
}

TEST(Conventions, HaveNamesAndSources) {
  EXPECT_EQ(conventions().front().id, "executed");
  EXPECT_EQ(find_convention("watts"), nullptr);
  for (const Convention& convention : conventions()) {
    EXPECT_EQ(find_convention(convention.id), &convention);
    EXPECT_FALSE(convention.description.empty());
    EXPECT_FALSE(convention.source.empty());
  }
}

}  // namespace
}  // namespace volley
