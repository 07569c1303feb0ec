// Circulant attention of spikes by spikes against its pairs, one by one.
#include "attention/cat_spikes.hpp"

#include "tests/reference/product_ref.hpp"
#include "tests/unit/attention/cat_case.hpp"

namespace volley::test {
namespace {

CatSpikes spikes_of(double heads, const std::string& direction, double threshold) {
  return made_with<CatSpikes>({{"heads", heads}, {"direction", direction}, {"threshold", threshold}});
}

// a and v.
std::vector<Value> spikes_inputs(const Case& entry) {
  const Shape v = entry.shape("TBNC");
  const auto seed = static_cast<std::uint64_t>(entry.integer("seed"));
  const double rate = entry.real_or("rate", 0);
  return {random_spikes(v.with(Axis::C, entry.integer("attr.heads")), binary_code(), rate, seed),
          random_spikes(v, code_of(entry.word_or("code", "")), rate, seed + 100)};
}

struct SpikesResult {
  std::vector<float> out, sum;
};

// Pair of events by pair of events, each thrown to where it goes.
template <class Tally>
SpikesResult thrown(const CatNumbers& in, bool is_conv, float threshold, Tally& tally) {
  SpikesResult result{std::vector<float>(in.v.size(), 0.0f), std::vector<float>(in.v.size(), 0.0f)};
  for (Index s = 0; s < in.samples; ++s) {
    for (Index h = 0; h < in.heads; ++h) {
      float count = 0;
      for (Index k = 0; k < in.tokens; ++k) {
        if (in.logit(s, k, h) == 0) {
          continue;
        }
        ++count;
        tally.count(&Cost::ac);
        for (Index j = 0; j < in.tokens; ++j) {
          const Index i = (is_conv ? j + k : j - k + in.tokens) % in.tokens;
          for (Index c = 0; c < in.width; ++c) {
            const float value = in.v[in.channel(s, j, h, c)];
            tally.count(&Cost::ac, static_cast<Index>(std::abs(value)));
            result.sum[in.channel(s, i, h, c)] += value;
          }
        }
      }
      tally.count(&Cost::mac);
      const float bar = threshold * std::max(count, 1.0f);
      for (Index n = 0; n < in.tokens; ++n) {
        for (Index c = 0; c < in.width; ++c) {
          tally.count(&Cost::compare);
          const std::size_t place = in.channel(s, n, h, c);
          result.out[place] = result.sum[place] >= bar ? 1.0f : 0.0f;
        }
      }
    }
  }
  return result;
}

TEST(CatSpikes, KernelsCostAndProductsEqualThePairsOfEvents) {
  const auto cases = cat_cases(CatSpikes::op_kind);
  ASSERT_FALSE(cases.empty());
  for (const Case& entry : cases) {
    SCOPED_TRACE(entry.line);
    const auto op = made_with<CatSpikes>(entry.attributes());
    const auto in = spikes_inputs(entry);
    const CatNumbers numbers = cat_numbers(in);
    CountingTally tally;
    const auto wanted =
        thrown(numbers, op.is_conv(), static_cast<float>(entry.real_or("attr.threshold", 0.25)), tally);
    expect_parity(table_of<CatSpikes>(), op, in);
    const auto out = run_kernel(op, "reference", in);
    expect_numbers(out[0], wanted.out);
    expect_numbers(out[1], wanted.sum);
    EXPECT_EQ(cost_of(op, in, out), tally.cost);
    EXPECT_EQ(op.dense_mac(specs_of(in)),
              numbers.samples * numbers.heads * numbers.tokens * numbers.tokens * numbers.width);
    expect_score_is_optional(op, in);
    Index coincidences = 0;
    Index pairs = 0;
    for (Index tb = 0; tb < numbers.samples; ++tb) {
      const Index batch = spec_of(in[0]).shape[Axis::B];
      std::vector<Value> sample;
      for (const Value& value : in) {
        sample.push_back(volley::sample_of(volley::steps_of(value, tb / batch, 1), tb % batch));
      }
      const auto products = op.products(sample);
      const CatNumbers one = cat_numbers(sample);
      for (Index h = 0; h < numbers.heads; ++h) {
        PairTally all{.of_b = Events::counts};
        for (Index i = 0; i < numbers.tokens; ++i) {
          for (Index j = 0; j < numbers.tokens; ++j) {
            const Index k = ((op.is_conv() ? i - j : j - i) + numbers.tokens) % numbers.tokens;
            for (Index c = 0; c < numbers.width; ++c) {
              all.pair(static_cast<double>(one.logit(0, k, h)),
                       static_cast<double>(one.v[one.channel(0, j, h, c)]));
            }
          }
        }
        expect_product(products[static_cast<std::size_t>(h)], all);
        coincidences += products[static_cast<std::size_t>(h)].coincidence;
        pairs += all.coincidence;
      }
    }
    EXPECT_EQ(coincidences, pairs);
  }
}

TEST(CatSpikes, AreAttentionWithEqualWeightsAtTheKernelSpikes) {
  for (const std::string direction : {"corr", "conv"}) {
    const std::vector<float> a{1, 0, 0, 1, 0};
    const Value v = random_spikes(tbnc(1, 1, 5, 6), bipolar_code(), 0.5, 3);
    const std::vector<Value> in{pack(tensor_of(tbnc(1, 1, 5, 1), a), binary_code()), v};
    std::vector<float> logits;
    for (const float spike : a) {
      logits.push_back(spike == 1 ? 0.0f : -1000.0f);
    }
    const std::vector<Value> dense{tensor_of(tbnc(1, 1, 5, 1), logits), v};
    auto mean = numbers_of(run_first(cat_of(1, direction), dense)[0]);
    for (float& number : mean) {
      number *= 2;
    }
    expect_numbers(run_first(spikes_of(1, direction, 0.5), in)[1], mean);
  }
}

TEST(CatSpikes, ATieFiresAndASilentKernelDoesNot) {
  const Shape v = tbnc(1, 1, 4, 2);
  const auto out = [&](const std::vector<float>& a, double threshold) {
    const std::vector<float> values{1, 1, 1, 0, 0, 0, -1, -1};
    const std::vector<Value> in{pack(tensor_of(tbnc(1, 1, 4, 1), a), binary_code()),
                                pack(tensor_of(v, values), bipolar_code())};
    return numbers_of(run_first(spikes_of(1, "corr", threshold), in)[0]);
  };
  EXPECT_EQ(out({1, 1, 0, 0}, 0.5)[1], 1.0f);  // sum 1, bar 0.5 * 2
  EXPECT_EQ(out({1, 1, 1, 0}, 0.5)[1], 0.0f);  // sum 1, bar 0.5 * 3
  EXPECT_EQ(out({1, 0, 0, 0}, 0.5), (std::vector<float>{1, 1, 1, 0, 0, 0, 0, 0}));
  EXPECT_EQ(out({0, 0, 0, 0}, 0.5), std::vector<float>(8, 0.0f));
}

TEST(CatSpikes, RefuseWhatDoesNotFit) {
  const auto op = spikes_of(2, "corr", 0.25);
  const Shape a = tbnc(1, 2, 5, 2);
  const Shape v = tbnc(1, 2, 5, 6);
  const ValueSpec kernel = spike_spec(a, binary_code());
  const ValueSpec values = spike_spec(v, bipolar_code());
  EXPECT_EQ(op.infer(std::vector<ValueSpec>{kernel, values}, 1)[0], spike_spec(v, binary_code()));
  expect_refused(op, {kernel, spike_spec(v.with(Axis::N, 6), bipolar_code())},
                 "N of v is 6, wanted 5 as in a");
  expect_refused(op, {spike_spec(a.with(Axis::C, 3), binary_code()), values},
                 "C of a is 3, wanted heads 2: one kernel for each");
  expect_refused(op, {kernel, spike_spec(v.with(Axis::C, 5), bipolar_code())},
                 "C of v is 5, wanted a multiple of heads 2");
  expect_refused(op, {spike_spec(a, bipolar_code()), values}, "a is bipolar, wanted binary spikes");
  expect_refused(op, {kernel, dense_spec(v)}, "v is f32, wanted spikes");
  expect_refused(op, {spike_spec(a.with(Axis::N, 0), binary_code()), values},
                 "N of a is 0, wanted at least 1");
  expect_refused(spikes_of(-1, "corr", 0.25), {kernel, values}, "heads is -1, wanted at least 1");
  expect_refused(spikes_of(2, "corr", 0), {kernel, values}, "threshold is 0, wanted a number above 0");
}

}  // namespace
}  // namespace volley::test
