// Transforms against the double loop, at lengths with awkward factors.
#include "attention/cat_fft.hpp"

#include "attention/cat_call.hpp"
#include "tests/unit/attention/cat_case.hpp"

namespace volley::test {
namespace {

constexpr double tolerance = 1e-5;  // of the largest: float transforms err by about 1e-7 log2 N

// The circulant of this first column with the values, at this cyclic length.
std::vector<float> by_transform(const std::vector<float>& column, const std::vector<float>& values,
                                Index length, Index width, float untouched) {
  const auto tokens = static_cast<Index>(column.size());
  std::vector<std::complex<float>> spectrum(static_cast<std::size_t>(length));
  transform_column(column, spectrum);
  std::vector<float> out(static_cast<std::size_t>(tokens * (width + 1)), untouched);
  multiply_circulant(spectrum, values.data(), width, tokens, width, out.data(), width + 1);
  return out;
}

TEST(CatFft, EqualsTheDoubleLoopAtAnyLength) {
  for (const Index tokens : {1, 2, 3, 7, 64, 65, 127, 196, 257, 1000, 1021}) {
    for (const Index width : {1, 2, 5, 8, 9, 17}) {
      SCOPED_TRACE(testing::Message() << "N " << tokens << " width " << width);
      const auto column = random_numbers(tokens, 1);
      const auto values = random_numbers(tokens * width, 2);
      constexpr float untouched = 7;
      std::vector<float> wanted;
      for (Index i = 0; i < tokens; ++i) {
        for (Index c = 0; c < width; ++c) {
          double sum = 0;
          for (Index j = 0; j < tokens; ++j) {
            sum += static_cast<double>(column[static_cast<std::size_t>((i - j + tokens) % tokens)]) *
                   static_cast<double>(values[static_cast<std::size_t>(j * width + c)]);
          }
          wanted.push_back(static_cast<float>(sum));
        }
        wanted.push_back(untouched);
      }
      for (const Index length : {tokens, smooth_length(2 * tokens - 1), circulant_length(tokens)}) {
        const auto got = by_transform(column, values, length, width, untouched);
        EXPECT_LE(relative_distance(got, wanted), tolerance) << "length " << length;
      }
    }
  }
}

TEST(CatFft, OfALengthThatIsPaddedToAPowerOfTwoWouldBeWrong) {
  constexpr Index tokens = 65;
  const auto column = random_numbers(tokens, 1);
  const auto values = random_numbers(tokens, 2);
  const auto right = by_transform(column, values, tokens, 1, 0);
  EXPECT_LE(relative_distance(by_transform(column, values, 135, 1, 0), right), tolerance);
  EXPECT_GT(relative_distance(by_transform(column, values, 128, 1, 0), right),
            1e-3);  // 128 < 2 N - 1: it overlaps
}

TEST(CatFft, KernelEqualsTheReferenceWhereNoPlanWouldTakeIt) {
  const KernelTable table = table_of<CatAttention>();
  for (const std::string direction : {"corr", "conv"}) {
    for (const Index tokens : {1, 2, 7, 64, 65, 127, 196}) {
      SCOPED_TRACE(testing::Message() << direction << " N " << tokens);
      const auto op = cat_of(2, direction);
      const std::vector<Value> in{random_logits(tbnc(2, 1, tokens, 2), 1),
                                  random_dense(tbnc(2, 1, tokens, 34), 2)};
      const std::vector<Value> spikes{in[0], random_spikes(tbnc(2, 1, tokens, 34), bipolar_code(), 0.9, 3)};
      for (const std::string kernel : {"fft", "events_or_fft"}) {
        const std::vector<Value>& inputs = kernel == "fft" ? in : spikes;
        const auto& all = table.all(CatAttention::op_kind);
        const auto found =
            std::find_if(all.begin(), all.end(), [&](const Kernel& k) { return k.name == kernel; });
        const auto got = run_op(op, *found, inputs);
        const auto wanted = run_kernel(op, "reference", inputs);
        EXPECT_LE(relative_distance(numbers_of(got[0]), numbers_of(wanted[0])), tolerance);
        EXPECT_TRUE(same(got[1], wanted[1]));
      }
    }
  }
}

TEST(CatFft, CausalStaysRightWhereLogitsRiseAtAnySpeed) {
  constexpr Index tokens = 700;
  const Value v = random_dense(tbnc(1, 1, tokens, 9), 2);
  for (const double rise : {0.0, 0.001, 0.02, 0.3, -0.3}) {
    auto z = numbers_of(random_logits(tbnc(1, 1, tokens, 1), 1));
    for (std::size_t n = 0; n < z.size(); ++n) {
      z[n] += static_cast<float>(rise * static_cast<double>(n));
    }
    const std::vector<Value> in{tensor_of(tbnc(1, 1, tokens, 1), z), v};
    for (const std::string causal : {"rel", "abs"}) {
      const auto op = cat_of(1, "corr", causal);
      const auto got = run_kernel(op, causal == "rel" ? "causal_fft" : "scan", in);
      const auto wanted = run_kernel(op, "reference", in);
      EXPECT_LE(relative_distance(numbers_of(got[0]), numbers_of(wanted[0])), tolerance) << causal << rise;
      EXPECT_LE(relative_distance(numbers_of(got[1]), numbers_of(wanted[1])), tolerance) << causal << rise;
    }
  }
}

TEST(CatFft, IsTakenForLongRowsOnly) {
  const KernelTable table = table_of<CatAttention>();
  const auto chosen = [&](const CatAttention& op, Index tokens, bool is_spikes) {
    const Shape v = tbnc(1, 1, tokens, 64);
    const ValueSpec values = is_spikes ? spike_spec(v, bipolar_code()) : dense_spec(v);
    const std::vector<ValueSpec> in{dense_spec(v.with(Axis::C, 1)), values};
    return std::string(table.choose(op, in, Device::cpu).kernel->name);
  };
  EXPECT_EQ(chosen(cat_of(1, "corr"), 1024, false), "fft");
  EXPECT_EQ(chosen(cat_of(1, "corr"), 16, false), "gather");
  EXPECT_EQ(chosen(cat_of(1, "corr"), 1021, false), "fft");  // a prime
  EXPECT_EQ(chosen(cat_of(1, "corr"), 16, true), "events");
  EXPECT_EQ(chosen(cat_of(1, "corr"), 1024, true), "events_or_fft");
  EXPECT_EQ(chosen(cat_of(1, "corr", "rel"), 1024, false), "causal_fft");
  EXPECT_EQ(chosen(cat_of(1, "corr", "rel"), 1024, true), "causal_fft");
  EXPECT_EQ(chosen(cat_of(1, "corr", "rel"), 64, false), "gather");
  EXPECT_EQ(chosen(cat_of(1, "corr", "abs"), 64, false), "scan");
}

TEST(CatFft, EventsAreTakenWhileTheyAreFew) {
  EXPECT_TRUE(cat::takes_events(0, 4096, 64));
  EXPECT_FALSE(cat::takes_events(4096 * 64, 4096, 64));  // each place fires
  for (const Index tokens : {512, 1024, 4096, 16384}) {  // the longer the row, the lower the rate
    const auto most = [](Index n) {
      Index events = 0;
      while (cat::takes_events(events, n, 1)) {
        ++events;
      }
      return static_cast<double>(events) / static_cast<double>(n);
    };
    EXPECT_LT(most(2 * tokens), most(tokens));
  }
}

TEST(CatFft, LengthsHaveSmallFactorsAndHoldTheWrap) {
  EXPECT_EQ(smooth_length(1), 1);
  EXPECT_EQ(smooth_length(7), 8);
  EXPECT_EQ(smooth_length(2041), 2048);
  EXPECT_EQ(circulant_length(1), 1);
  EXPECT_EQ(circulant_length(1024), 1024);
  EXPECT_EQ(circulant_length(1000), 1000);
  EXPECT_GE(circulant_length(1021), 2 * 1021 - 1);
  EXPECT_EQ(transform_steps(1), 0);
  EXPECT_EQ(transform_steps(64), 12);
  EXPECT_EQ(transform_steps(128), 14);
  EXPECT_EQ(transform_steps(65), 5 + 2 * 13);
  EXPECT_EQ(transform_steps(127), 2 * 127);
}

}  // namespace
}  // namespace volley::test
