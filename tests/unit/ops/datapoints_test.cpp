// Tables as tokens and back, number for number.
#include "sim/ops/datapoints.hpp"

#include "tests/unit/ops/op_case.hpp"

namespace volley::test {
namespace {

Shape table_shape(Index t, Index b, Index rows, Index columns, Index width) {
  return {{Axis::T, t}, {Axis::B, b}, {Axis::Y, rows}, {Axis::X, columns}, {Axis::C, width}};
}

Shape token_shape(const Shape& table) {
  return {table.extents[0],
          table.extents[1],
          {Axis::N, table[Axis::Y]},
          {Axis::C, table[Axis::X] * table[Axis::C]}};
}

TEST(Datapoints, RowsBecomeTokensAndBack) {
  for (const Shape& shape :
       {table_shape(1, 1, 1, 1, 1), table_shape(2, 2, 7, 3, 5), table_shape(1, 1, 4, 2, 65),
        table_shape(1, 2, 3, 10, 13), table_shape(2, 1, 5, 1, 64)}) {
    const std::vector<Value> values{random_dense(shape, 1), random_spikes(shape, binary_code(), 0.4, 2),
                                    random_spikes(shape, bipolar_code(), 0.4, 3),
                                    random_spikes(shape, graded_code(3), 1.0, 4)};
    for (const Value& value : values) {
      SCOPED_TRACE(text(spec_of(value)));
      const LayoutRowsToTokens there;
      const auto back = made<LayoutTokensToRows>({{"columns", static_cast<double>(shape[Axis::X])}});
      ValueSpec wanted = spec_of(value);
      wanted.shape = token_shape(shape);
      const Value tokens = reference_of(there, {value});
      EXPECT_TRUE(holds_numbers(tokens, wanted, numbers_of(value)));
      EXPECT_TRUE(same(reference_of(back, {tokens}), value));
      EXPECT_EQ(cost_of(there, std::vector<Value>{value}, std::vector<Value>{tokens}), Cost());
      expect_parity(table_of<LayoutRowsToTokens>(), there, std::vector<Value>{value});
      expect_parity(table_of<LayoutTokensToRows>(), back, std::vector<Value>{tokens});
      expect_writes_all(there, {value});
      expect_writes_all(back, {tokens});
    }
  }
}

TEST(Datapoints, RefuseWhatIsNoTable) {
  const LayoutRowsToTokens there;
  const auto back = made<LayoutTokensToRows>({{"columns", 3.0}});
  const Shape tokens{{Axis::T, 1}, {Axis::B, 1}, {Axis::N, 2}, {Axis::C, 4}};
  EXPECT_EQ(infer_error(there, {dense_spec(tokens)}), "in is f32 [T=1 B=1 N=2 C=4], wanted axes [T B Y X C]");
  EXPECT_EQ(infer_error(there, {dense_spec(table_shape(1, 1, 1, 1, 1), Dtype::i32)}),
            "in is i32 [T=1 B=1 Y=1 X=1 C=1], wanted f32 or spikes");
  EXPECT_EQ(infer_error(back, {dense_spec(tokens)}),
            "in is f32 [T=1 B=1 N=2 C=4], wanted C to be a multiple of the columns, 3");
  EXPECT_EQ(infer_error(back, {dense_spec(tokens, Dtype::i32)}),
            "in is i32 [T=1 B=1 N=2 C=4], wanted f32 or spikes");
  EXPECT_EQ(infer_error(back, {dense_spec(table_shape(1, 1, 1, 1, 3))}),
            "in is f32 [T=1 B=1 Y=1 X=1 C=3], wanted axes [T B N C]");
  EXPECT_EQ(infer_error(made<LayoutTokensToRows>({{"columns", 0.0}}), {dense_spec(tokens)}),
            "columns is 0, wanted 1 or more");
}

}  // namespace
}  // namespace volley::test
