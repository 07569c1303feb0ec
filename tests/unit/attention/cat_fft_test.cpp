// Transforms against the double loop, at lengths with awkward factors.
#include "attention/cat_fft.hpp"

#include "tests/unit/attention/cat_case.hpp"

namespace volley::test {
namespace {

constexpr double tolerance = 1e-5;  // of the largest: float transforms err by about 1e-7 log2 N

TEST(CatFft, EqualsTheDoubleLoopAtAnyLength) {
  for (const Index tokens : {1, 2, 3, 7, 64, 65, 127, 196, 257, 1000}) {
    for (const Index width : {1, 2, 5}) {
      SCOPED_TRACE(testing::Message() << "N " << tokens << " width " << width);
      const auto row = random_numbers(tokens, 1);
      const auto values = random_numbers(tokens * width, 2);
      constexpr float untouched = 7;
      std::vector<float> got(static_cast<std::size_t>(tokens * (width + 1)), untouched);
      multiply_circulant(row, values.data(), width, got.data(), width + 1);
      std::vector<float> wanted;
      for (Index i = 0; i < tokens; ++i) {
        for (Index c = 0; c < width; ++c) {
          double sum = 0;
          for (Index j = 0; j < tokens; ++j) {
            sum += static_cast<double>(row[static_cast<std::size_t>((j - i + tokens) % tokens)]) *
                   static_cast<double>(values[static_cast<std::size_t>(j * width + c)]);
          }
          wanted.push_back(static_cast<float>(sum));
        }
        wanted.push_back(untouched);
      }
      EXPECT_LE(relative_distance(got, wanted), tolerance);
    }
  }
}

TEST(CatFft, KernelEqualsTheReferenceWhereNoPlanWouldTakeIt) {
  const KernelTable table = table_of<CatAttention>();
  const auto& fft = table.all(CatAttention::op_kind)[1];
  ASSERT_EQ(fft.name, "fft");
  for (const std::string direction : {"corr", "conv"}) {
    for (const Index tokens : {1, 2, 7, 64, 65, 127, 196}) {
      SCOPED_TRACE(testing::Message() << direction << " N " << tokens);
      const auto op = cat_of(2, direction);
      const std::vector<Value> in{random_logits(tbnc(2, 1, tokens, 2), 1),
                                  random_dense(tbnc(2, 1, tokens, 10), 2)};
      const auto got = run_op(op, fft, in);
      const auto wanted = run_kernel(op, "reference", in);
      EXPECT_LE(relative_distance(numbers_of(got[0]), numbers_of(wanted[0])), tolerance);
      EXPECT_TRUE(same(got[1], wanted[1]));
    }
  }
}

TEST(CatFft, IsTakenForLongDenseRowsOnly) {
  const KernelTable table = table_of<CatAttention>();
  const auto chosen = [&](const CatAttention& op, Index tokens, bool is_spikes) {
    const Shape v = tbnc(1, 1, tokens, 64);
    const ValueSpec values = is_spikes ? spike_spec(v, bipolar_code()) : dense_spec(v);
    const std::vector<ValueSpec> in{dense_spec(v.with(Axis::C, 1)), values};
    return std::string(table.choose(op, in, Device::cpu).kernel->name);
  };
  EXPECT_EQ(chosen(cat_of(1, "corr"), 1024, false), "fft");
  EXPECT_EQ(chosen(cat_of(1, "corr"), 16, false), "gather");
  EXPECT_EQ(chosen(cat_of(1, "corr"), 1021, false), "gather");  // a prime
  EXPECT_EQ(chosen(cat_of(1, "corr"), 1024, true), "events");
  EXPECT_EQ(chosen(cat_of(1, "corr", "rel"), 1024, false), "gather");
  EXPECT_EQ(chosen(cat_of(1, "corr", "rel"), 1024, true), "gather");
}

// Engineering-isomorphic 2: less than quadratic. Each number goes through so many steps.
TEST(CatFft, GrowsLessThanQuadratically) {
  for (const Index tokens : {256, 1024, 4096}) {
    EXPECT_LT(2 * tokens * transform_steps(2 * tokens),
              2.5 * static_cast<double>(tokens) * static_cast<double>(transform_steps(tokens)));
  }
  EXPECT_EQ(transform_steps(1), 0);
  EXPECT_EQ(transform_steps(64), 12);
  EXPECT_EQ(transform_steps(128), 14);
  EXPECT_EQ(transform_steps(65), 5 + 2 * 13);
  EXPECT_EQ(transform_steps(127), 2 * 127);
}

}  // namespace
}  // namespace volley::test
