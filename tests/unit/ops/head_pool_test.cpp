// Holds pooling over tokens and channels to a plain loop, and its cost to the loop's tally.
#include "sim/ops/head_pool.hpp"

#include "tests/reference/head_pool_ref.hpp"
#include "tests/unit/ops/op_case.hpp"

namespace volley::test {
namespace {

using Slices = std::vector<std::vector<std::vector<float>>>;

Slices slices_of(const Value& value, Index heads) {
  const Tensor dense = as_dense(value);
  const auto numbers = dense.as<float>();
  const Shape& shape = dense.shape();
  const Index tokens = shape[Axis::N];
  const Index width = shape.row() / heads;
  Slices slices;
  for (Index image = 0; image < shape[Axis::T] * shape[Axis::B]; ++image) {
    for (Index h = 0; h < heads; ++h) {
      slices.emplace_back();
      for (Index n = 0; n < tokens; ++n) {
        const auto first = numbers.begin() + ((image * tokens + n) * heads + h) * width;
        slices.back().emplace_back(first, first + width);
      }
    }
  }
  return slices;
}

TEST(HeadPool, AgreesWithThePlainLoopInNumbersAndCost) {
  for (const Case& entry : read_cases("head_pool.txt")) {
    SCOPED_TRACE(entry.line);
    const auto op = made<HeadPool>(entry.attributes());
    const Value in = input_of(entry, entry.shape("TBNC"), entry.word_or("form", "binary"));
    Cost tally;
    const std::vector<float> pooled = head_pool_ref(slices_of(in, op.heads()), tally);
    const std::vector<Value> ins{in};
    const Value out = reference_of(op, ins);
    std::vector<float> got;
    for (const auto& slice : slices_of(out, op.heads())) {
      for (const auto& row : slice) {
        got.insert(got.end(), row.begin(), row.end());
      }
    }
    EXPECT_EQ(got, pooled);
    EXPECT_EQ(spec_of(out), spec_of(in));
    EXPECT_EQ(cost_of(op, ins, std::vector<Value>{out}), tally);
    expect_parity(table_of<HeadPool>(), op, ins);
    expect_writes_all(op, ins);
  }
}

TEST(HeadPool, DoesNotReachIntoTheNextHead) {
  const auto op = made<HeadPool>({{"heads", 2.0}});
  const Shape shape{{Axis::T, 1}, {Axis::B, 1}, {Axis::N, 3}, {Axis::C, 6}};
  const Value in =
      pack(tensor_of(shape, std::vector<float>{0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}),
           binary_code());
  EXPECT_EQ(numbers_of(reference_of(op, {in})),
            (std::vector<float>{0, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
}

TEST(HeadPool, RefusesWhatIsNoTokensOfSpikes) {
  const auto op = made<HeadPool>({{"heads", 3.0}});
  const Shape tokens{{Axis::T, 1}, {Axis::B, 1}, {Axis::N, 4}, {Axis::C, 8}};
  EXPECT_NE(infer_error(op, {dense_spec(tokens)}).find("wanted binary or graded"), std::string::npos);
  EXPECT_NE(infer_error(op, {spike_spec(tokens, bipolar_code())}).find("wanted binary or graded"),
            std::string::npos);
  EXPECT_NE(infer_error(op, {spike_spec(tokens, binary_code())}).find("heads is 3"), std::string::npos);
  EXPECT_NE(infer_error(op, {spike_spec(tokens.without(Axis::N), binary_code())}).find("axes"),
            std::string::npos);
  EXPECT_NE(infer_error(op, {spike_spec(tokens.with(Axis::C, 9).with(Axis::N, 0), binary_code())})
                .find("no empty axis"),
            std::string::npos);
  EXPECT_THROW(made<HeadPool>(), Error);
}

}  // namespace
}  // namespace volley::test
