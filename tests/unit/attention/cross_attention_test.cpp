// Attention from one modality to another: text queries over visual keys.
#include "attention/softmax_attention.hpp"
#include "tests/unit/attention/attention_case.hpp"

namespace volley::test {
namespace {

constexpr Index visual = 49, words = 12, heads = 4, channels = 64;

Value joined(const Value& first, const Value& second) {
  auto numbers = numbers_of(first);
  const auto more = numbers_of(second);
  numbers.insert(numbers.end(), more.begin(), more.end());
  return tensor_of(tbnc(1, 1, visual + words, channels), numbers);
}

struct Modalities {
  Value v_query = random_dense(tbnc(1, 1, visual, channels), 1),
        v_key = random_dense(tbnc(1, 1, visual, channels), 2),
        v_value = random_dense(tbnc(1, 1, visual, channels), 3);
  Value t_query = random_dense(tbnc(1, 1, words, channels), 4),
        t_key = random_dense(tbnc(1, 1, words, channels), 5),
        t_value = random_dense(tbnc(1, 1, words, channels), 6);
};

SoftmaxAttention attention() {
  return made_with<SoftmaxAttention>({{"heads", static_cast<double>(heads)}});
}

// score [H N M] of query n and key m.
float at(const std::vector<float>& score, Index h, Index n, Index m, Index queries, Index keys) {
  return score[static_cast<std::size_t>((h * queries + n) * keys + m)];
}

TEST(CrossAttention, OfTextOverVisualTokensIsTheFusionWithTextKeysMasked) {
  const Modalities in;
  const auto cross = run_first(attention(), std::vector<Value>{in.t_query, in.v_key, in.v_value});
  EXPECT_EQ(spec_of(cross[0]).shape, tbnc(1, 1, words, channels));
  EXPECT_EQ(spec_of(cross[1]).shape[Axis::M], visual);
  std::vector<float> is_visual(visual + words, 0.0f);
  std::fill_n(is_visual.begin(), visual, 1.0f);
  const auto fused =
      run_first(attention(), std::vector<Value>{joined(in.v_query, in.t_query), joined(in.v_key, in.t_key),
                                                joined(in.v_value, in.t_value),
                                                tensor_of(tbnc(1, 1, visual + words, 1), is_visual)});
  const auto all = numbers_of(fused[0]);
  EXPECT_EQ(numbers_of(cross[0]), std::vector<float>(all.begin() + visual * channels, all.end()));
  const auto score = numbers_of(fused[1]);
  const auto wanted = numbers_of(cross[1]);
  for (Index h = 0; h < heads; ++h) {
    for (Index n = 0; n < words; ++n) {
      for (Index m = 0; m < visual + words; ++m) {
        ASSERT_EQ(at(score, h, visual + n, m, visual + words, visual + words),
                  m < visual ? at(wanted, h, n, m, words, visual) : 0.0f);
      }
    }
  }
}

TEST(CrossAttention, TheScoreOfTheFusionSaysHowMuchFlowsBetweenModalities) {
  const Modalities in;
  const auto fused =
      run_first(attention(), std::vector<Value>{joined(in.v_query, in.t_query), joined(in.v_key, in.t_key),
                                                joined(in.v_value, in.t_value)});
  const auto score = numbers_of(fused[1]);
  double within = 0;
  double between = 0;
  for (Index h = 0; h < heads; ++h) {
    for (Index n = 0; n < visual + words; ++n) {
      for (Index m = 0; m < visual + words; ++m) {
        const auto flow = static_cast<double>(at(score, h, n, m, visual + words, visual + words));
        ((n < visual) == (m < visual) ? within : between) += flow;
      }
    }
  }
  EXPECT_GT(between, 0);
  EXPECT_NEAR(within + between, heads * (visual + words), 1e-4);  // rows of 1, each with its rounding
}

TEST(CrossAttention, CountsQueriesTimesKeys) {
  const Modalities in;
  const std::vector<Value> cross{in.t_query, in.v_key, in.v_value};
  const auto cost = cost_of(attention(), cross, run_first(attention(), cross));
  EXPECT_EQ(cost.mac, 2 * words * visual * channels);
  EXPECT_EQ(cost.special, 2 * heads * words * visual);
}

}  // namespace
}  // namespace volley::test
