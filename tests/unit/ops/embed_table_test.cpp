// Rows of a table by index, and tokens that name none.
#include "sim/ops/embed_table.hpp"

#include <cmath>

#include "tests/unit/ops/op_case.hpp"

namespace volley::test {
namespace {

Shape token_shape(Index t, Index b, Index n) {
  return {{Axis::T, t}, {Axis::B, b}, {Axis::N, n}};
}

EmbedTable table(Index rows, Index width) {
  EmbedTable op;
  op.set_weight("weight", {rows, width}, random_numbers(rows * width, 7));
  return op;
}

// Every row is named once at least when there are tokens enough; first and last always.
std::vector<float> tokens_of(Index count, Index rows) {
  std::vector<float> tokens;
  for (Index i = 0; i < count; ++i) {
    tokens.push_back(static_cast<float>(i == count - 1 ? rows - 1 : i * 5 % rows));
  }
  return tokens;
}

std::string value_error(const EmbedTable& op, float token) {
  std::vector<float> tokens(6, 0.0f);
  tokens[4] = token;
  try {
    op.check_values(std::vector<Value>{tensor_of(token_shape(1, 2, 3), tokens)});
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::model);
    return error.what();
  }
  return "";
}

TEST(EmbedTable, GivesTheRowThatEachTokenNames) {
  for (const auto& [rows, width, n] :
       {std::array<Index, 3>{1, 1, 1}, {7, 63, 7}, {130, 64, 65}, {3, 65, 1}, {2, 130, 9}}) {
    const EmbedTable op = table(rows, width);
    const auto weight = random_numbers(rows * width, 7);
    for (const Shape& shape : {token_shape(1, 1, n), token_shape(2, 3, n)}) {
      const auto numbers = tokens_of(shape.count(), rows);
      Shape with_one = shape;
      with_one.extents.push_back({Axis::C, 1});
      Tensor integers(Dtype::i32, shape);
      std::vector<float> wanted;
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        const auto token = static_cast<std::ptrdiff_t>(numbers[i]);
        integers.as_mutable<std::int32_t>()[i] = static_cast<std::int32_t>(token);
        wanted.insert(wanted.end(), weight.begin() + token * width, weight.begin() + (token + 1) * width);
      }
      Shape out = shape;
      out.extents.push_back({Axis::C, width});
      for (const Value& in :
           {Value(tensor_of(shape, numbers)), Value(tensor_of(with_one, numbers)), Value(integers)}) {
        SCOPED_TRACE(text(spec_of(in)));
        EXPECT_NO_THROW(op.check_values(std::vector{in}));
        const Value got = reference_of(op, {in});
        EXPECT_TRUE(holds_numbers(got, dense_spec(out), wanted));
        expect_parity(table_of<EmbedTable>(), op, std::vector{in});
        expect_writes_all(op, {in});
        EXPECT_EQ(cost_of(op, std::vector{in}, std::vector{got}), Cost());
      }
    }
  }
}

TEST(EmbedTable, RefusesTokensThatNameNoRow) {
  const EmbedTable op = table(5, 2);
  EXPECT_EQ(value_error(op, 4), "");
  EXPECT_EQ(value_error(op, 5),
            "token 1 of sample 1 (of this batch) is 5, wanted an integer from 0 to 4: the table has 5 rows");
  for (const float token : {-1.0f, 0.5f, 3.9999998f, 1e30f, -INFINITY, INFINITY, NAN}) {
    EXPECT_NE(value_error(op, token).find("wanted an integer from 0 to 4"), std::string::npos) << token;
  }
}

TEST(EmbedTable, RefusesWhatDoesNotFit) {
  EmbedTable op;
  const Shape tokens = token_shape(1, 1, 3);
  EXPECT_EQ(infer_error(op, {dense_spec(tokens)}), "weight is missing");
  EXPECT_THROW(op.set_weight("weight", {4}, random_numbers(4, 1)), Error);
  EXPECT_THROW(op.set_weight("weight", {0, 4}, {}), Error);
  EXPECT_THROW(op.set_weight("weight", {4, 0}, {}), Error);
  EXPECT_THROW(op.set_weight("weight", {EmbedTable::most_rows + 1, 0}, {}), Error);
  op = table(5, 2);
  EXPECT_EQ(infer_error(op, {spike_spec(tokens, binary_code())}),
            "in is binary [T=1 B=1 N=3], wanted tokens in f32 or i32");
  EXPECT_EQ(infer_error(op, {dense_spec(tokens, Dtype::f16)}),
            "in is f16 [T=1 B=1 N=3], wanted tokens in f32 or i32");
  EXPECT_EQ(infer_error(op, {dense_spec({{Axis::T, 1}, {Axis::B, 1}, {Axis::N, 3}, {Axis::C, 2}})}),
            "in is f32 [T=1 B=1 N=3 C=2], wanted C = 1: a token is one number");
  EXPECT_EQ(infer_error(op, {dense_spec({{Axis::T, 1}, {Axis::B, 1}, {Axis::Y, 3}})}),
            "in is f32 [T=1 B=1 Y=3], wanted axes [T B N]");
  EXPECT_EQ(op.wanted_form(0, std::vector{spike_spec(tokens, binary_code())}), Form::dense);
}

}  // namespace
}  // namespace volley::test
