// Tokens in groups: each group as if it were alone.
#include "attention/token_groups.hpp"

#include "attention/softmax_attention.hpp"
#include "attention/spike_attention.hpp"
#include "tests/unit/attention/attention_case.hpp"

namespace volley::test {
namespace {

struct Groups {
  std::vector<double> attribute;  // segments
  std::vector<Index> sizes;       // of all groups
};

const std::vector<Groups> all_groups{{{1}, {1, 1, 1}},     {{4}, {4, 4, 4, 4}},      {{7}, {7}},
                                     {{16, 10}, {16, 10}}, {{1, 65, 3}, {1, 65, 3}}, {{64}, {64, 64}}};

Shape shape_of(const Groups& groups, Index channels) {
  Index tokens = 0;
  for (const Index size : groups.sizes) {
    tokens += size;
  }
  return tbnc(2, 2, tokens, channels);
}

// Tokens [first, first + count) alone.
Value taken(const Value& value, Index first, Index count) {
  const Shape shape = spec_of(value).shape;
  const auto numbers = numbers_of(value);
  const Index width = shape[Axis::C];
  std::vector<float> rows;
  for (Index sample = 0; sample < shape[Axis::T] * shape[Axis::B]; ++sample) {
    const auto begin = numbers.begin() + (sample * shape[Axis::N] + first) * width;
    rows.insert(rows.end(), begin, begin + count * width);
  }
  const Tensor dense = tensor_of(shape.with(Axis::N, count), rows);
  return spec_of(value).is_spikes() ? Value(pack(dense, spec_of(value).code)) : Value(dense);
}

// Score of the group at (first, first); what lies outside of all groups is checked to be 0 by the sum.
std::vector<float> block(const Value& score, Index first, Index count) {
  const Shape shape = spec_of(score).shape;
  const auto numbers = numbers_of(score);
  const Index tokens = shape[Axis::N];
  std::vector<float> out;
  for (Index slice = 0; slice < shape.count() / (tokens * tokens); ++slice) {
    for (Index n = first; n < first + count; ++n) {
      const auto begin = numbers.begin() + (slice * tokens + n) * tokens + first;
      out.insert(out.end(), begin, begin + count);
    }
  }
  return out;
}

Index nonzero(const std::vector<float>& numbers) {
  return static_cast<Index>(numbers.size()) - std::count(numbers.begin(), numbers.end(), 0.0f);
}

// Numbers, score, cost, products and multiplications, against an operator without groups on each group alone.
template <class Op>
void expect_each_alone(const Attributes& attributes, const Groups& groups, const std::vector<Value>& in) {
  Attributes with_groups = attributes;
  with_groups["segments"] = groups.attribute;
  const auto op = made_with<Op>(with_groups);
  const auto alone = made_with<Op>(attributes);
  expect_parity(table_of<Op>(), op, in);
  expect_score_is_optional(op, in);
  const auto out = run_kernel(op, "reference", in);
  Cost cost;
  Index dense_mac = 0;
  Index live = 0;
  Index first = 0;
  for (const Index size : groups.sizes) {
    const std::vector<Value> part{taken(in[0], first, size), taken(in[1], first, size),
                                  taken(in[2], first, size)};
    const auto wanted = run_kernel(alone, "reference", part);
    EXPECT_EQ(numbers_of(taken(out[0], first, size)), numbers_of(wanted[0]));
    EXPECT_EQ(block(out[1], first, size), numbers_of(wanted[1]));
    live += nonzero(numbers_of(wanted[1]));
    cost += cost_of(alone, part, wanted);
    dense_mac += alone.dense_mac(specs_of(part));
    first += size;
  }
  EXPECT_EQ(nonzero(numbers_of(out[1])), live) << "the score is not 0 outside of the groups";
  EXPECT_EQ(cost_of(op, in, out), cost);
  EXPECT_EQ(op.dense_mac(specs_of(in)), dense_mac);
}

TEST(TokenGroups, OfSpikesAreEachAsIfAlone) {
  for (const Groups& groups : all_groups) {
    for (const Index channels : {2, 66}) {
      for (const char* order : {"qk_v", "q_kv"}) {
        for (const auto code : {binary_code(), bipolar_code(), graded_code(4)}) {
          SCOPED_TRACE(fmt::format("{} channels, {} groups, {}", channels, groups.sizes.size(), order));
          const Shape shape = shape_of(groups, channels);
          const std::vector<Value> in{random_spikes(shape, code, 0.4, 1), random_spikes(shape, code, 0.4, 2),
                                      random_spikes(shape, code, 0.4, 3)};
          expect_each_alone<SpikeAttention>({{"heads", 2.0}, {"order", std::string(order)}}, groups, in);
        }
      }
    }
  }
}

TEST(TokenGroups, OfRealScoresAreEachAsIfAlone) {
  for (const Groups& groups : all_groups) {
    for (const char* mask : {"none", "causal"}) {
      SCOPED_TRACE(fmt::format("{} groups, {}", groups.sizes.size(), mask));
      const Shape shape = shape_of(groups, 10);
      expect_each_alone<SoftmaxAttention>(
          {{"heads", 2.0}, {"mask", std::string(mask)}}, groups,
          {random_dense(shape, 1), random_dense(shape, 2), random_dense(shape, 3)});
    }
  }
}

TEST(TokenGroups, HaveTheProductsOfTheGroupsTogether) {
  const Groups groups{{3, 4}, {3, 4}};
  const Shape shape = tbnc(1, 1, 7, 64);
  const std::vector<Value> in{random_spikes(shape, binary_code(), 0.4, 1),
                              random_spikes(shape, binary_code(), 0.4, 2),
                              random_spikes(shape, binary_code(), 0.4, 3)};
  for (const char* order : {"qk_v", "q_kv"}) {
    const Attributes attributes{{"heads", 2.0}, {"order", std::string(order)}};
    Attributes with_groups = attributes;
    with_groups["segments"] = groups.attribute;
    const auto alone = made_with<SpikeAttention>(attributes);
    const auto sums = [](const std::vector<Product>& products) {
      std::array<Index, 5> all{};
      for (const Product& product : products) {
        all[0] += product.dense;
        all[1] += product.event_a;
        all[2] += product.event_b;
        all[3] += product.coincidence;
        all[4] += product.units_a;
      }
      return all;
    };
    std::vector<Product> wanted;
    for (const auto& [first, size] : {std::pair<Index, Index>{0, 3}, {3, 4}}) {
      const std::vector<Value> part{taken(in[0], first, size), taken(in[1], first, size),
                                    taken(in[2], first, size)};
      const auto of_part = alone.products(part);
      wanted.insert(wanted.end(), of_part.begin(), of_part.end());
    }
    EXPECT_EQ(sums(made_with<SpikeAttention>(with_groups).products(in)), sums(wanted)) << order;
  }
}

template <class Op>
std::string segments_error(std::vector<double> segments, Index queries, Index keys) {
  const auto op = made_with<Op>({{"heads", 1.0}, {"segments", std::move(segments)}});
  const auto spec = [](Index tokens) {
    return Op::op_kind == SoftmaxAttention::op_kind ? dense_spec(tbnc(1, 1, tokens, 4))
                                                    : spike_spec(tbnc(1, 1, tokens, 4), binary_code());
  };
  try {
    op.infer(std::vector{spec(queries), spec(keys), spec(keys)}, 1);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

template <class Op>
void expect_refusals() {
  EXPECT_EQ(segments_error<Op>({2, 4}, 6, 6), "");
  EXPECT_EQ(segments_error<Op>({3}, 6, 6), "");
  EXPECT_EQ(segments_error<Op>({4}, 6, 6),
            "the segments are 4 tokens, wanted N = 6 or one size that divides it");
  EXPECT_EQ(segments_error<Op>({2, 3}, 6, 6),
            "the segments are 5 tokens, wanted N = 6 or one size that divides it");
  EXPECT_EQ(segments_error<Op>({0, 6}, 6, 6), "segments holds 0, wanted 1 to 6 tokens");
  EXPECT_EQ(segments_error<Op>({7}, 6, 6), "segments holds 7, wanted 1 to 6 tokens");
  EXPECT_EQ(segments_error<Op>({2, 4}, 3, 6), "N of k is 6, wanted 3 as in q: there are segments");
}

TEST(TokenGroups, RefuseSizesThatDoNotFit) {
  expect_refusals<SpikeAttention>();
  expect_refusals<SoftmaxAttention>();
  const auto both =
      made_with<SoftmaxAttention>({{"heads", 1.0}, {"group", 2.0}, {"segments", std::vector<double>{2, 4}}});
  const ValueSpec spec = dense_spec(tbnc(1, 1, 6, 4));
  EXPECT_THROW(both.infer(std::vector{spec, spec, spec}, 1), Error);
}

}  // namespace
}  // namespace volley::test
