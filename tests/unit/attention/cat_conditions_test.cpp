// The four Engineering-isomorphic conditions of CAT: pass or fail, with numbers.
#include <sys/resource.h>

#include "attention/cat_fft.hpp"
#include "tests/unit/attention/cat_case.hpp"

namespace volley::test {
namespace {

constexpr double rounding = 1e-6;  // sums of a few hundred floats below 1

// With v = I the matrix comes out: softmax of each row of circ(z).
TEST(CatConditions, First_TheSoftmaxIsPreserved) {
  for (const Index tokens : {1, 2, 7, 65}) {
    const auto z = numbers_of(random_logits(tbnc(1, 1, tokens, 1), 5));
    const std::vector<Value> in{tensor_of(tbnc(1, 1, tokens, 1), z), identity(tokens)};
    CountingTally tally;
    auto sorted_weights = softmax_of(z, tally);
    std::sort(sorted_weights.begin(), sorted_weights.end());
    for (const std::string direction : {"corr", "conv"}) {
      const auto matrix = numbers_of(run_kernel(cat_of(1, direction), "gather", in)[0]);
      const Rows logits = direction == "corr" ? rolled_right(z) : transposed(rolled_right(z));
      for (std::size_t i = 0; i < logits.size(); ++i) {
        const std::size_t size = z.size();
        std::vector<float> row(matrix.begin() + static_cast<std::ptrdiff_t>(i * size),
                               matrix.begin() + static_cast<std::ptrdiff_t>((i + 1) * size));
        const auto wanted = softmax_of(logits[i], tally);  // its sum runs in another order
        EXPECT_LE(relative_distance(row, wanted), rounding);
        double sum = 0;
        for (const float weight : row) {
          EXPECT_GE(weight, 0.0f);
          sum += static_cast<double>(weight);
        }
        EXPECT_NEAR(sum, 1.0, rounding);
        std::sort(row.begin(), row.end());
        EXPECT_EQ(row, sorted_weights);
      }
    }
  }
}

TEST(CatConditions, Second_StepsOfTransformsGrowLessThanQuadratically) {
  const auto steps = [](Index tokens) {
    const Index length = circulant_length(tokens);
    return static_cast<double>(length * transform_steps(length));
  };
  for (const Index tokens : {256, 1000, 1021, 1024, 4096, 16384}) {
    const double ratio = steps(2 * tokens) / steps(tokens);
    EXPECT_LT(ratio, 2.5) << tokens;
    RecordProperty("ratio_" + std::to_string(tokens), std::to_string(ratio));
  }
}

Index peak_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024;
}

// A byte for each entry of the matrix would show: all tests before this one take less.
TEST(CatConditions, Second_NoKernelAllocatesTheMatrix) {
  constexpr Index tokens = 16384;
  const Index before = peak_bytes();
  const Value z = random_logits(tbnc(1, 1, tokens, 1), 1);
  const Value dense = random_dense(tbnc(1, 1, tokens, 4), 2);
  const Value spikes = random_spikes(tbnc(1, 1, tokens, 4), bipolar_code(), 0.01, 3);
  const std::vector<std::string> dense_kernels{"fft", "gather"};
  for (const std::string kernel : {"fft", "gather", "events", "events_or_fft"}) {
    const bool is_dense =
        std::find(dense_kernels.begin(), dense_kernels.end(), kernel) != dense_kernels.end();
    run_kernel(cat_of(1, "corr"), kernel, std::vector<Value>{z, is_dense ? dense : spikes});
  }
  run_kernel(cat_of(1, "corr", "rel"), "causal_fft", std::vector<Value>{z, dense});
  run_kernel(cat_of(1, "corr", "abs"), "scan", std::vector<Value>{z, dense});
  EXPECT_LT(peak_bytes() - before, tokens * tokens / 4);
}

// Of a layer without its output projection: (D + H) D against 3 D^2.
TEST(CatConditions, Third_NoMoreParametersThanSoftmaxAttention) {
  for (const auto& [width, heads] : {std::pair<Index, Index>{64, 4}, {384, 6}, {768, 12}, {1024, 1024}}) {
    const Index of_cat = width * heads + width * width;
    EXPECT_LE(of_cat, 3 * width * width);
    EXPECT_TRUE(cat_of(heads, "corr").weight_slots().empty());  // all of them are in the two projections
  }
  EXPECT_EQ(768 * 12 + 768 * 768, 599040);
}

// One object for all lengths.
TEST(CatConditions, Fourth_NoParameterDependsOnTheLength) {
  auto op = cat_of(2, "corr");
  EXPECT_TRUE(op.weight_slots().empty());
  EXPECT_EQ(print_params(op).size(), 3u);
  for (const Index tokens : {1, 2, 3, 65, 196, 257, 1000}) {
    const std::vector<Value> in{random_logits(tbnc(1, 1, tokens, 2), 1),
                                random_dense(tbnc(1, 1, tokens, 4), 2)};
    EXPECT_EQ(spec_of(run_first(op, in)[0]), spec_of(in[1]));
  }
}

}  // namespace
}  // namespace volley::test
