// Products of circulant attention against loops over all pairs.
#include "attention/cat_logits.hpp"
#include "tests/reference/product_ref.hpp"
#include "tests/unit/attention/cat_case.hpp"

namespace volley::test {
namespace {

Value sample_at(const Value& value, Index t, Index b) {
  return volley::sample_of(volley::steps_of(value, t, 1), b);
}

TEST(CatProducts, AreThePairsOfTheMatrixWithTheValues) {
  for (const Case& entry : cat_cases(CatAttention::op_kind)) {
    SCOPED_TRACE(entry.line);
    const auto op = made_with<CatAttention>(entry.attributes());
    const auto in = cat_inputs(entry);
    const Shape shape = spec_of(in[1]).shape;
    Cost sum;
    for (Index tb = 0; tb < shape[Axis::T] * shape[Axis::B]; ++tb) {
      const Index t = tb / shape[Axis::B];
      const Index b = tb % shape[Axis::B];
      std::vector<Value> sample;
      for (const Value& value : in) {
        sample.push_back(sample_at(value, t, b));
      }
      const CatNumbers numbers = cat_numbers(sample);
      const OperandTally all_values(numbers.v);
      const auto products = op.products(sample);
      ASSERT_EQ(static_cast<Index>(products.size()), op.heads());
      for (Index h = 0; h < op.heads(); ++h) {
        const Product& product = products[static_cast<std::size_t>(h)];
        CountingTally tally;
        const Rows rows = cat_matrix(numbers, 0, h, which_matrix(op), tally);
        PairTally wanted{.of_b = numbers.v_is_spikes ? Events::counts : Events::ones};
        std::vector<float> weights;
        for (const auto& row : rows) {
          std::copy_if(row.begin(), row.end(), std::back_inserter(weights),
                       [](float weight) { return weight != not_kept; });
          for (Index j = 0; j < numbers.tokens; ++j) {
            for (Index c = 0; c < numbers.width; ++c) {
              if (static_cast<std::size_t>(j) < row.size() && row[static_cast<std::size_t>(j)] != not_kept) {
                wanted.pair(static_cast<double>(row[static_cast<std::size_t>(j)]),
                            static_cast<double>(numbers.v[numbers.channel(0, j, h, c)]));
              } else {
                wanted.pair_with_padding();
              }
            }
          }
        }
        expect_product(product, wanted);
        expect_operand(product.a, OperandTally(weights));
        EXPECT_EQ(product.b.size, numbers.tokens * numbers.width);
        EXPECT_EQ(product.b.numbers, all_values.numbers);
        EXPECT_EQ(product.name, "score v");
        EXPECT_EQ(product.head, h);
        EXPECT_EQ(product.driven, numbers.v_is_spikes ? Driven::b : Driven::none);
        sum.mac += numbers.v_is_spikes ? 0 : product.dense;
        sum.ac += numbers.v_is_spikes ? product.units_b : 0;
      }
    }
    const Cost cost = cost_of(op, in, run_kernel(op, "reference", in));
    EXPECT_EQ(sum.ac, cost.ac);
    EXPECT_EQ(sum.mac, cost.mac);
  }
}

TEST(CatProducts, OfLogitsAreThePairsWithTheMeanKey) {
  const auto op = made_with<CatLogits>({{"heads", 2.0}});
  const std::vector<float> q{1, 0, 2, 0, /**/ 0, 3, 1, 1, /**/ 0, 0, 0, 1};
  const std::vector<float> k{1, 0, 2, 3, /**/ 2, 0, 0, 1};  // mean 1.5 0 1 2
  const auto products =
      op.products(std::vector<Value>{tensor_of(tbnc(1, 1, 3, 4), q), tensor_of(tbnc(1, 1, 2, 4), k)});
  const std::vector<float> mean{1.5f, 0, 1, 2};
  ASSERT_EQ(products.size(), 2u);
  for (std::size_t h = 0; h < 2; ++h) {
    PairTally wanted{.of_a = Events::counts};
    for (std::size_t n = 0; n < 3; ++n) {
      for (std::size_t c = 2 * h; c < 2 * h + 2; ++c) {
        wanted.pair(static_cast<double>(q[n * 4 + c]), static_cast<double>(mean[c]));
      }
    }
    expect_product(products[h], wanted);
    EXPECT_EQ(products[h].name, "q k^T");
    EXPECT_EQ(products[h].head, static_cast<Index>(h));
    EXPECT_EQ(products[h].a.numbers, Numbers::integer);
    EXPECT_EQ(products[h].b.numbers, Numbers::real);  // over both heads
    EXPECT_EQ(products[h].b.size, 2);
  }
  EXPECT_EQ(products[0].a.units, 4);
  EXPECT_EQ(products[0].b.units, 1);
}

}  // namespace
}  // namespace volley::test
