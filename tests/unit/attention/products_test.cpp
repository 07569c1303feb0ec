// Products of attention against loops over all pairs, head by head.
#include "attention/bipolar_attention.hpp"
#include "attention/softmax_attention.hpp"
#include "attention/spike_attention.hpp"
#include "tests/reference/product_ref.hpp"
#include "tests/unit/attention/attention_case.hpp"

namespace volley::test {
namespace {

// One sample in one step: q [N C], k and v [M C], and of head h, token and channel the number.
struct Sample {
  Sample(const std::vector<Value>& in, Index t, Index b, Index head_count)
      : values{at(in[0], t, b), at(in[1], t, b), at(in[2], t, b)},
        heads(head_count),
        queries(spec_of(in[0]).shape[Axis::N]),
        keys(spec_of(in[1]).shape[Axis::N]),
        width(spec_of(in[0]).shape[Axis::C] / heads) {
    for (const Value& value : values) {
      numbers.push_back(numbers_of(value));
    }
  }
  static Value at(const Value& value, Index t, Index b) {
    return volley::sample_of(volley::steps_of(value, t, 1), b);
  }
  double operator()(std::size_t input, Index head, Index token, Index channel) const {
    return static_cast<double>(
        numbers[input][static_cast<std::size_t>((token * heads + head) * width + channel)]);
  }

  std::vector<Value> values;
  Index heads, queries, keys, width;
  std::vector<std::vector<float>> numbers;
};

PairTally query_key(const Sample& sample, Index head, Events events) {
  PairTally tally{.of_a = events, .of_b = events};
  for (Index n = 0; n < sample.queries; ++n) {
    for (Index m = 0; m < sample.keys; ++m) {
      for (Index c = 0; c < sample.width; ++c) {
        tally.pair(sample(0, head, n, c), sample(1, head, m, c));
      }
    }
  }
  return tally;
}

// score(n, m) of the head.
template <class Score>
PairTally score_value(const Sample& sample, Index head, const Score& score, PairTally tally) {
  for (Index n = 0; n < sample.queries; ++n) {
    for (Index m = 0; m < sample.keys; ++m) {
      for (Index c = 0; c < sample.width; ++c) {
        tally.pair(score(n, m), sample(2, head, m, c));
      }
    }
  }
  return tally;
}

double overlap_of(const Sample& sample, Index head, Index n, Index m) {
  double sum = 0;
  for (Index c = 0; c < sample.width; ++c) {
    sum += sample(0, head, n, c) * sample(1, head, m, c);
  }
  return sum;
}

PairTally key_value(const Sample& sample, Index head) {
  PairTally tally{.of_a = Events::counts, .of_b = Events::counts};
  for (Index c = 0; c < sample.width; ++c) {
    for (Index j = 0; j < sample.width; ++j) {
      for (Index m = 0; m < sample.keys; ++m) {
        tally.pair(sample(1, head, m, c), sample(2, head, m, j));
      }
    }
  }
  return tally;
}

PairTally query_kv(const Sample& sample, Index head) {
  PairTally tally{.of_a = Events::counts, .of_b = Events::counts};
  for (Index c = 0; c < sample.width; ++c) {
    for (Index j = 0; j < sample.width; ++j) {
      double kv = 0;
      for (Index m = 0; m < sample.keys; ++m) {
        kv += sample(1, head, m, c) * sample(2, head, m, j);
      }
      for (Index n = 0; n < sample.queries; ++n) {
        tally.pair(sample(0, head, n, c), kv);
      }
    }
  }
  return tally;
}

// check(sample, head, first product, second product) for all; the sum of what the engine does must be its
// cost.
template <class Op, class Check>
void expect_products(const Case& entry, const Op& op, const Check& check) {
  const auto in = attention_inputs(entry);
  const Shape shape = spec_of(in[0]).shape;
  Cost sum;
  for (Index t = 0; t < shape[Axis::T]; ++t) {
    for (Index b = 0; b < shape[Axis::B]; ++b) {
      const Sample sample(in, t, b, op.heads());
      const auto products = op.products(sample.values);
      ASSERT_EQ(static_cast<Index>(products.size()), 2 * op.heads());
      for (Index head = 0; head < op.heads(); ++head) {
        const Product& first = products[static_cast<std::size_t>(2 * head)];
        const Product& second = products[static_cast<std::size_t>(2 * head + 1)];
        EXPECT_EQ(first.head, head);
        EXPECT_EQ(second.head, head);
        check(sample, head, first, second);
        for (const Product& product : {first, second}) {
          sum.mac += product.driven == Driven::none ? product.dense : 0;
          sum.ac += product.driven == Driven::a   ? product.units_a
                    : product.driven == Driven::b ? product.units_b
                                                  : 0;
        }
      }
    }
  }
  const Cost cost = cost_of(op, in, run_kernel(op, "reference", in));
  EXPECT_EQ(sum.ac, cost.ac);
  EXPECT_EQ(sum.mac, cost.mac);
}

TEST(Products, OfSsaFollowTheOrder) {
  for (const Case& entry : attention_cases(SpikeAttention::op_kind)) {
    SCOPED_TRACE(entry.line);
    const auto op = made_with<SpikeAttention>(entry.attributes());
    const bool is_linear = entry.word_or("attr.order", "qk_v") == "q_kv";
    expect_products(entry, op, [&](const Sample& sample, Index head, const Product& a, const Product& b) {
      EXPECT_TRUE(a.is_ssa && b.is_ssa);
      EXPECT_EQ(a.name, is_linear ? "k^T v" : "q k^T");
      EXPECT_EQ(b.name, is_linear ? "q kv" : "score v");
      expect_product(a, is_linear ? key_value(sample, head) : query_key(sample, head, Events::counts));
      expect_product(
          b, is_linear
                 ? query_kv(sample, head)
                 : score_value(sample, head, [&](Index n, Index m) { return overlap_of(sample, head, n, m); },
                               {.of_a = Events::counts, .of_b = Events::counts}));
    });
  }
}

TEST(Products, OfSoftmaxAttentionAreReal) {
  for (const Case& entry : attention_cases(SoftmaxAttention::op_kind)) {
    SCOPED_TRACE(entry.line);
    const auto op = made_with<SoftmaxAttention>(entry.attributes());
    const auto in = attention_inputs(entry);
    expect_products(entry, op, [&](const Sample& sample, Index head, const Product& a, const Product& b) {
      EXPECT_EQ(a.driven, Driven::none);
      EXPECT_EQ(b.driven, Driven::none);
      expect_product(a, query_key(sample, head, Events::ones));
      expect_product(b, score_value(sample, head, [](Index, Index) { return 0.5; }, {}));  // none underflows
      EXPECT_EQ(b.a.size, sample.queries * sample.keys);
    });
  }
}

TEST(Products, OfBipolarAttentionHoldTheScoresThatWereKept) {
  for (const Case& entry : attention_cases(BipolarAttention::op_kind)) {
    SCOPED_TRACE(entry.line);
    const auto op = made_with<BipolarAttention>(entry.attributes());
    expect_products(entry, op, [&](const Sample& sample, Index head, const Product& a, const Product& b) {
      EXPECT_EQ(a.name, "q k^T");
      EXPECT_EQ(b.name, "score v");
      EXPECT_FALSE(a.is_ssa || b.is_ssa);
      expect_product(a, query_key(sample, head, Events::counts));
      const auto kernel = run_kernel(op, "reference", sample.values)[1];
      const auto scores = numbers_of(kernel);
      const bool is_shiftmax = entry.word_or("attr.normalise", "shiftmax") == "shiftmax";
      const bool is_integer = entry.word_or("attr.normalise", "") == "none";
      PairTally tally{.of_a = is_integer ? Events::counts : Events::ones};
      expect_product(
          b, score_value(
                 sample, head,
                 [&](Index n, Index m) {
                   const float score =
                       scores[static_cast<std::size_t>((head * sample.queries + n) * sample.keys + m)];
                   return is_shiftmax && !op.cuts() ? 1.0
                                                    : static_cast<double>(score);  // kept, if underflown
                 },
                 tally));
    });
  }
}

TEST(Products, TellKindsOfNumbersOverAllHeads) {
  const auto op = made_with<SpikeAttention>({{"heads", 2.0}});
  const std::vector<float> numbers{1, 1, 1, 0};  // scores 2 and 1: the second alone would be binary
  const Value one = pack(tensor_of(tbnc(1, 1, 1, 4), numbers), binary_code());
  const auto products = op.products(std::vector<Value>{one, one, one});
  EXPECT_EQ(products[0].a.numbers, Numbers::binary);
  EXPECT_EQ(products[1].a.numbers, Numbers::integer);
  EXPECT_EQ(products[3].a.numbers, Numbers::integer);
  EXPECT_EQ(products[3].a.units, 1);
}

}  // namespace
}  // namespace volley::test
