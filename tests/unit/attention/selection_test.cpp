// Selective attention against plain loops; nearest neighbours by Hamming distance.
#include "attention/selection.hpp"

#include "tests/reference/product_ref.hpp"
#include "tests/reference/selection_ref.hpp"
#include "tests/unit/attention/attention_case.hpp"

namespace volley::test {
namespace {

SelectionSettings settings_of(const Case& entry) {
  return {entry.word_or("attr.rule", "top"), static_cast<float>(entry.real_or("attr.threshold", 0)),
          static_cast<float>(entry.real_or("attr.scale", 0)), entry.integer_or("attr.group", 0),
          entry.word_or("code", "") != "dense"};
}

std::vector<Value> inputs_of(const Case& entry) {
  const Shape q = entry.shape("TBNC");
  const Shape k = q.with(Axis::N, entry.integer_or("M", q[Axis::N]));
  const auto seed = static_cast<std::uint64_t>(entry.integer("seed"));
  const Value v = random_dense(k, seed + 200);
  if (entry.word_or("code", "") == "dense") {
    return {random_dense(q, seed, 4), random_dense(k, seed + 100, 4), v};  // a coarse grid: ties
  }
  const SpikeCode code = code_of(entry.word_or("code", ""));
  const double rate = entry.real_or("rate", 0.2);
  return {random_spikes(q, code, rate, seed), random_spikes(k, code, rate, seed + 100), v};
}

std::vector<Value> signs(Index tokens, Index channels, std::uint64_t seed, double grid = 0) {
  return {random_spikes(tbnc(1, 1, tokens, channels), bipolar_code(), 1, seed),
          random_spikes(tbnc(1, 1, tokens, channels), bipolar_code(), 1, seed + 1),
          random_dense(tbnc(1, 1, tokens, channels), seed + 2, grid)};
}

TEST(SelectiveAttention, KernelsAndCostEqualThePlainLoops) {
  for (const Case& entry : read_cases("selection.txt")) {
    SCOPED_TRACE(entry.line);
    const auto op = made_with<SelectiveAttention>(entry.attributes());
    const auto in = inputs_of(entry);
    CountingTally tally;
    const auto wanted = selection_reference(attention_numbers(in, op.heads()), settings_of(entry), tally);
    expect_parity(table_of<SelectiveAttention>(), op, in);
    const auto out = run_kernel(op, "reference", in);
    expect_numbers(out[0], wanted.out);
    expect_numbers(out[1], wanted.score);
    EXPECT_EQ(cost_of(op, in, out), tally.cost);
    EXPECT_EQ(op.cost_needs_output(1), entry.word_or("attr.rule", "") != "constant");
    expect_score_is_optional(op, in);
    SelectionSettings all = settings_of(entry);
    all.rule = "constant";
    all.of_spikes = false;
    CountingTally dense;
    selection_reference(attention_numbers(in, op.heads()), all, dense);
    EXPECT_EQ(op.dense_mac(specs_of(in)), dense.cost.mac);
  }
}

TEST(SelectiveAttention, ProductsAreThePairsThatSeeEachOther) {
  for (const Case& entry : read_cases("selection.txt")) {
    SCOPED_TRACE(entry.line);
    const auto op = made_with<SelectiveAttention>(entry.attributes());
    const SelectionSettings settings = settings_of(entry);
    std::vector<Value> sample;
    for (const Value& value : inputs_of(entry)) {
      sample.push_back(sample_of(steps_of(value, 0, 1), 0));
    }
    const auto in = attention_numbers(sample, op.heads());
    const auto out = run_kernel(op, "reference", sample);
    const auto score = numbers_of(out[1]);
    const auto products = op.products(sample);
    ASSERT_EQ(static_cast<Index>(products.size()), 2 * in.heads);
    Cost sum;
    for (const Product& product : products) {
      sum.mac += product.driven == Driven::none ? product.dense : 0;
      sum.ac += product.driven == Driven::a ? product.units_a : 0;
    }
    const Cost cost = cost_of(op, sample, out);
    EXPECT_EQ(sum.ac, cost.ac);
    EXPECT_EQ(sum.mac, cost.mac);
    for (Index h = 0; h < in.heads; ++h) {
      const Events events = settings.of_spikes ? Events::counts : Events::ones;
      PairTally first{.of_a = events, .of_b = events};
      PairTally second{};
      for (Index n = 0; n < in.queries; ++n) {
        for (Index m = 0; m < in.keys; ++m) {
          for (Index c = 0; c < in.width; ++c) {
            if (settings.lets(n, m)) {
              first.pair(static_cast<double>(in.q[in.query(0, n, h, c)]),
                         static_cast<double>(in.k[in.key(0, m, h, c)]));
              const float weight = score[in.pair(0, h, n, m)];
              second.pair(static_cast<double>(weight), static_cast<double>(in.v[in.key(0, m, h, c)]));
            } else {
              first.pair_with_padding();
              second.pair_with_padding();
            }
          }
        }
      }
      const auto at = static_cast<std::size_t>(2 * h);
      EXPECT_EQ(products[at].name, "q k^T");
      EXPECT_EQ(products[at + 1].name, "score v");
      expect_product(products[at], first);
      expect_product(products[at + 1], second);
    }
  }
}

// Of the definition alone: distances are counted, not multiplied.
TEST(SelectiveAttention, SignsFindTheNearestNeighbourByHammingDistance) {
  const Index tokens = 33, channels = 65;
  const auto in = signs(tokens, channels, 3);
  const auto q = numbers_of(in[0]);
  const auto k = numbers_of(in[1]);
  const auto score = numbers_of(run_first(made_with<SelectiveAttention>({{"heads", 1.0}}), in)[1]);
  for (Index n = 0; n < tokens; ++n) {
    std::vector<Index> distance;
    for (Index m = 0; m < tokens; ++m) {
      Index differ = 0;
      for (Index c = 0; c < channels; ++c) {
        differ +=
            q[static_cast<std::size_t>(n * channels + c)] != k[static_cast<std::size_t>(m * channels + c)];
      }
      distance.push_back(differ);
    }
    const Index least = *std::min_element(distance.begin(), distance.end());
    const auto ties = std::count(distance.begin(), distance.end(), least);
    for (Index m = 0; m < tokens; ++m) {
      const bool is_nearest = distance[static_cast<std::size_t>(m)] == least;
      EXPECT_EQ(score[static_cast<std::size_t>(n * tokens + m)],
                is_nearest ? 1.0f / static_cast<float>(ties) : 0.0f);
    }
  }
}

// {0, 1} spikes cannot tell "both silent" from "differs": a key that fires everywhere beats the equal one.
TEST(SelectiveAttention, ASignCodeFindsTheEqualKeyWhereABinaryCodeDoesNot) {
  const std::vector<float> q{1, 0, 0, 1};
  const std::vector<float> k{1, 0, 0, 1, 1, 1, 1, 1};
  const Shape one = tbnc(1, 1, 1, 4);
  const Shape two = tbnc(1, 1, 2, 4);
  const Value v = random_dense(two, 1);
  const auto op = made_with<SelectiveAttention>({{"heads", 1.0}});
  const auto as_signs = [](std::vector<float> numbers) {
    for (float& number : numbers) {
      number = 2 * number - 1;
    }
    return numbers;
  };
  const auto binary = run_first(op, std::vector<Value>{pack(tensor_of(one, q), binary_code()),
                                                       pack(tensor_of(two, k), binary_code()), v});
  const auto bipolar =
      run_first(op, std::vector<Value>{pack(tensor_of(one, as_signs(q)), bipolar_code()),
                                       pack(tensor_of(two, as_signs(k)), bipolar_code()), v});
  EXPECT_EQ(numbers_of(binary[1]), (std::vector<float>{0.5f, 0.5f}));
  EXPECT_EQ(numbers_of(bipolar[1]), (std::vector<float>{1.0f, 0.0f}));
}

TEST(SelectiveAttention, PermutingTokensPermutesOutputsExactly) {
  const auto in = signs(5, 6, 4, 16);  // few channels: ties; values of a grid: their sums are exact
  const std::vector<Index> order{3, 0, 4, 1, 2};
  const auto op = made_with<SelectiveAttention>({{"heads", 2.0}});
  const auto moved = run_first(
      op, std::vector<Value>{permuted(in[0], order), permuted(in[1], order), permuted(in[2], order)});
  EXPECT_TRUE(same(moved[0], permuted(run_first(op, in)[0], order)));
}

TEST(SelectiveAttention, NobodyTakenGivesZero) {
  const auto op = made_with<SelectiveAttention>({{"heads", 1.0}, {"rule", "threshold"}, {"threshold", 17.0}});
  const auto out = run_first(op, signs(4, 16, 5));
  for (const Value& value : out) {
    for (const float number : numbers_of(value)) {
      EXPECT_EQ(number, 0.0f);
    }
  }
}

TEST(SelectiveAttention, ASilentQueryTakesAllKeysAlike) {
  auto in = signs(4, 16, 6);
  in[0] = SpikeTensor(bipolar_code(), tbnc(1, 1, 4, 16));
  for (const float weight : numbers_of(run_first(made_with<SelectiveAttention>({{"heads", 1.0}}), in)[1])) {
    EXPECT_EQ(weight, 0.25f);
  }
}

TEST(SelectiveAttention, ABatchOfTwoIsTwoBatches) {
  const Shape shape = tbnc(1, 2, 7, 16);
  expect_batch_of_two_is_two_batches(made_with<SelectiveAttention>({{"heads", 2.0}}),
                                     {random_spikes(shape, bipolar_code(), 1, 7),
                                      random_spikes(shape, bipolar_code(), 1, 8), random_dense(shape, 9)});
}

TEST(SelectiveAttention, WhatDoesNotFitIsRefused) {
  const Shape shape = tbnc(1, 1, 4, 4);
  const ValueSpec spikes = spike_spec(shape, bipolar_code());
  const ValueSpec real = dense_spec(shape);
  const auto refused = [&](Attributes attributes, const std::vector<ValueSpec>& in,
                           const std::string& wanted) {
    attributes["heads"] = 1.0;
    expect_refused(made_with<SelectiveAttention>(attributes), in, wanted);
  };
  const std::vector<ValueSpec> right{spikes, spikes, real};
  refused({{"threshold", 2.0}}, right, "threshold is 2, wanted only with rule threshold");
  refused({{"scale", 0.5}}, right, "scale is 0.5, wanted only with rule constant");
  refused({{"group", -1.0}}, right, "group is -1, wanted 0 or more");
  refused({{"group", 3.0}}, right, "N of q and k are 4 and 4, wanted the same multiple of group 3");
  const ValueSpec other = dense_spec(tbnc(1, 1, 8, 4));
  refused({{"group", 4.0}}, {real, other, other},
          "N of q and k are 4 and 8, wanted the same multiple of group 4");
  refused({}, {spikes, spikes, spikes}, "v is bipolar, wanted dense f32");
  refused({}, {spikes, real, real}, "q is bipolar, wanted dense f32");
  const auto op = made_with<SelectiveAttention>({{"heads", 1.0}});
  EXPECT_EQ(op.wanted_form(0, std::vector{spikes, spikes, real}), Form::spikes);
  EXPECT_EQ(op.wanted_form(2, std::vector{spikes, spikes, spikes}), Form::dense);
  EXPECT_EQ(op.wanted_form(0, std::vector{spikes, real, real}), Form::dense);
}

}  // namespace
}  // namespace volley::test
