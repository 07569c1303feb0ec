// Attention between datapoints and between attributes, of the ops that a model puts together.
#include <gtest/gtest.h>

#include <algorithm>

#include "attention/softmax_attention.hpp"
#include "sim/ops/datapoints.hpp"
#include "tests/support/random_values.hpp"
#include "tests/support/run_op.hpp"

namespace volley::test {
namespace {

constexpr Index rows = 6, columns = 4, width = 8;
const Shape table{{Axis::T, 1}, {Axis::B, 1}, {Axis::Y, rows}, {Axis::X, columns}, {Axis::C, width}};

template <class Op>
Value run(const Attributes& attributes, const std::vector<Value>& in) {
  Op op;
  parse_params(op, "node", attributes);
  const KernelTable kernels = table_of<Op>();
  return run_op(op, *kernels.choose(op, specs_of(in), Device::cpu).kernel, in)[0];
}

Value as_tokens(const Value& rows_of_table) {
  return run<LayoutRowsToTokens>({}, {rows_of_table});
}

// ABD: q, k and v are tables; so is the result.
Value between_datapoints(std::vector<Value> in, const std::vector<Value>& key_mask = {}) {
  for (Value& value : in) {
    value = as_tokens(value);
  }
  in.insert(in.end(), key_mask.begin(), key_mask.end());
  return run<LayoutTokensToRows>({{"columns", static_cast<double>(columns)}},
                                 {run<SoftmaxAttention>({{"heads", 2.0}}, in)});
}

// ABA, within each row.
Value between_attributes(const std::vector<Value>& in) {
  std::vector<Value> tokens;
  for (const Value& value : in) {
    tokens.push_back(run<LayoutTokens>({}, {value}));
  }
  return run<LayoutImage>(
      {{"height", static_cast<double>(rows)}, {"width", static_cast<double>(columns)}},
      {run<SoftmaxAttention>({{"heads", 2.0}, {"group", static_cast<double>(columns)}}, tokens)});
}

std::vector<Value> tables() {
  return {random_dense(table, 1), random_dense(table, 2), random_dense(table, 3)};
}

Value rows_moved(const Value& value, const std::vector<Index>& order) {
  const auto numbers = std::get<Tensor>(value).as<float>();
  std::vector<float> moved;
  for (const Index y : order) {
    const auto row = numbers.subspan(static_cast<std::size_t>(y * columns * width), columns * width);
    moved.insert(moved.end(), row.begin(), row.end());
  }
  return tensor_of(table, moved);
}

void change_row(const Value& value, Index y, float number) {
  const auto numbers = std::get<Tensor>(value).as_mutable<float>();
  const auto row = numbers.subspan(static_cast<std::size_t>(y * columns * width), columns * width);
  std::fill(row.begin(), row.end(), number);
}

const std::vector<Index> order{3, 0, 5, 1, 4, 2};

// The sums over keys change their order, so the last bits may; those of the queries alone may not.
TEST(BetweenDatapoints, PermutingTheRowsPermutesTheOutputs) {
  const auto in = tables();
  const Value wanted = rows_moved(between_datapoints(in), order);
  EXPECT_TRUE(same(between_datapoints({rows_moved(in[0], order), in[1], in[2]}), wanted));
  const Value all =
      between_datapoints({rows_moved(in[0], order), rows_moved(in[1], order), rows_moved(in[2], order)});
  const auto got = std::get<Tensor>(all).as<float>();
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_NEAR(got[i], std::get<Tensor>(wanted).as<float>()[i], 1e-6f);  // 6 numbers below 1
  }
}

TEST(BetweenDatapoints, PermutingTheRowsOfValuesOfADyadicGridIsExact) {
  const Value zero = Tensor(Dtype::f32, table);  // equal scores of 1 / 4 over four rows
  const std::vector<float> live{1, 1, 1, 1, 0, 0};
  const Shape mask_shape{{Axis::T, 1}, {Axis::B, 1}, {Axis::N, rows}, {Axis::C, 1}};
  std::vector<float> moved_live;
  for (const Index y : order) {
    moved_live.push_back(live[static_cast<std::size_t>(y)]);
  }
  const Value v = random_dense(table, 5, 64);
  EXPECT_TRUE(
      same(between_datapoints({zero, zero, rows_moved(v, order)}, {tensor_of(mask_shape, moved_live)}),
           rows_moved(between_datapoints({zero, zero, v}, {tensor_of(mask_shape, live)}), order)));
}

TEST(BetweenDatapoints, AMaskedRowDoesNotLeak) {
  const auto in = tables();
  const Shape mask_shape{{Axis::T, 1}, {Axis::B, 1}, {Axis::N, rows}, {Axis::C, 1}};
  const Value mask = tensor_of(mask_shape, std::vector<float>{1, 1, 0, 1, 1, 1});
  const Value wanted = between_datapoints(in, {mask});
  const Value open = between_datapoints(in);
  change_row(in[1], 2, NAN);
  change_row(in[2], 2, INFINITY);
  EXPECT_TRUE(same(between_datapoints(in, {mask}), wanted));
  EXPECT_FALSE(same(between_datapoints(in), open));
}

TEST(BetweenAttributes, RowsDoNotSeeEachOther) {
  const auto in = tables();
  const Value before = between_attributes(in);
  for (const Value& value : in) {
    change_row(value, 2, 0.5f);
  }
  const Value after = between_attributes(in);
  std::vector<Index> others{0, 1, 3, 4, 5, 5};
  EXPECT_TRUE(same(rows_moved(after, others), rows_moved(before, others)));
  EXPECT_FALSE(same(after, before));
}

TEST(BetweenAttributes, PermutingTheRowsPermutesTheOutputsExactly) {
  const auto in = tables();
  EXPECT_TRUE(
      same(between_attributes({rows_moved(in[0], order), rows_moved(in[1], order), rows_moved(in[2], order)}),
           rows_moved(between_attributes(in), order)));
}

}  // namespace
}  // namespace volley::test
