// Affine and batch norm against their formulas.
#include "sim/ops/affine.hpp"

#include <cmath>

#include "tests/support/random_values.hpp"
#include "tests/support/run_op.hpp"

namespace volley::test {
namespace {

struct Statistics {
  std::vector<float> weight, bias, mean, variance;
};

Statistics statistics(Index channels) {
  Statistics s{random_numbers(channels, 1), random_numbers(channels, 2), random_numbers(channels, 3),
               random_numbers(channels, 4)};
  for (float& number : s.variance) {
    number += 1.5f;
  }
  return s;
}

template <class Op>
void set(Op& op, std::string_view slot, const std::vector<float>& numbers) {
  op.set_weight(slot, {static_cast<Index>(numbers.size())}, numbers);
}

BatchNorm batch_norm_of(const Statistics& s, double eps = 1e-5) {
  BatchNorm op;
  parse_params(op, "bn", {{"eps", eps}});
  set(op, "mean", s.mean);
  set(op, "variance", s.variance);
  if (!s.weight.empty()) {
    set(op, "weight", s.weight);
  }
  if (!s.bias.empty()) {
    set(op, "bias", s.bias);
  }
  return op;
}

Tensor run(const Operator& op, const KernelTable& table, const Tensor& in) {
  const std::vector<Value> values{in};
  expect_parity(table, op, values);
  return std::get<Tensor>(run_op(op, table.all(op.kind())[0], values)[0]);
}

void expect_error(const Operator& op, const ValueSpec& in, const std::string& wanted) {
  try {
    (void)op.infer(std::vector{in}, 1);
    FAIL() << "no error, wanted: " << wanted;
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(wanted), std::string::npos) << error.what();
  }
}

const Shape tokens{{Axis::T, 2}, {Axis::B, 2}, {Axis::N, 7}, {Axis::C, 65}};
const Shape pixels{{Axis::T, 2}, {Axis::B, 2}, {Axis::C, 3}, {Axis::Y, 4}, {Axis::X, 5}};

TEST(Affine, ScalesAndShiftsEachChannelWhereverTheAxisIs) {
  for (const Shape& shape : {tokens, pixels}) {
    const Index channels = shape[Axis::C];
    const auto scale = random_numbers(channels, 1);
    const auto shift = random_numbers(channels, 2);
    Affine op;
    set(op, "scale", scale);
    set(op, "shift", shift);
    EXPECT_EQ(op.scale(), scale);
    EXPECT_EQ(op.shift(), shift);
    const Tensor in = random_dense(shape, 3);
    const Tensor out = run(op, table_of<Affine>(), in);
    for (Index i = 0; i < shape.count(); ++i) {
      const auto c = static_cast<std::size_t>(i / shape.stride(Axis::C) % channels);
      const auto at = static_cast<std::size_t>(i);
      ASSERT_EQ(out.as<float>()[at], scale[c] * in.as<float>()[at] + shift[c]) << i;
    }
  }
}

TEST(BatchNorm, IsTheFormulaOfThePaper) {
  const Statistics s = statistics(65);
  const Tensor in = random_dense(tokens, 5);
  const Tensor out = run(batch_norm_of(s), table_of<BatchNorm>(), in);
  for (std::size_t i = 0; i < out.as<float>().size(); ++i) {
    const std::size_t c = i % 65;
    const double normal =
        (double{in.as<float>()[i]} - double{s.mean[c]}) / std::sqrt(double{s.variance[c]} + 1e-5);
    // alpha, beta, product and sum are rounded: 4 roundings of numbers below 4.
    ASSERT_NEAR(out.as<float>()[i], normal * double{s.weight[c]} + double{s.bias[c]}, 1e-6) << i;
  }
}

// By hand: 1 / sqrt(4) = 0.5, alpha = 1.5, beta = 1 - 2 * 1.5 = -2.
TEST(BatchNorm, TakesItsOwnEps) {
  const BatchNorm op = batch_norm_of({{3}, {1}, {2}, {3}}, 1.0);
  EXPECT_EQ(op.scale(), std::vector<float>{1.5f});
  EXPECT_EQ(op.shift(), std::vector<float>{-2.0f});
  const Shape one{{Axis::T, 1}, {Axis::B, 1}, {Axis::C, 1}};
  const Tensor out = run(op, table_of<BatchNorm>(), tensor_of(one, std::vector<float>{10.0f}));
  EXPECT_EQ(out.as<float>()[0], 13.0f);
}

TEST(BatchNorm, WithoutWeightAndBiasOnlyNormalises) {
  const BatchNorm op = batch_norm_of({{}, {}, {2}, {0.25f}});
  EXPECT_NEAR(op.scale()[0], 2.0, 1e-4);
  EXPECT_EQ(op.shift()[0], -2.0f * op.scale()[0]);
}

TEST(Affine, CountsTwoAdditionsAnElement) {
  const std::vector<Value> in{random_dense(pixels, 1)};
  Cost wanted;
  wanted.add = 2 * pixels.count();
  const BatchNorm op = batch_norm_of(statistics(3));
  EXPECT_EQ(cost_of(op, in, in), wanted);
  EXPECT_EQ(op.dense_mac(specs_of(in)), 0);
  EXPECT_EQ(op.wanted_form(0, std::vector{spike_spec(pixels, binary_code())}), Form::dense);
}

TEST(Affine, RefusesWhatDoesNotFit) {
  Affine op;
  EXPECT_THROW(op.set_weight("scale", {1, 3}, random_numbers(3, 1)), Error);
  set(op, "scale", random_numbers(3, 1));
  expect_error(op, dense_spec(pixels), "shift has 0 numbers, wanted 3");
  set(op, "shift", random_numbers(3, 1));
  expect_error(op, dense_spec(tokens), "scale has 3 numbers, wanted 65");
  expect_error(op, spike_spec(tokens, binary_code()), "f32");
  expect_error(op, dense_spec({{Axis::T, 1}, {Axis::B, 1}}), "wanted an axis C");
}

TEST(BatchNorm, RefusesWhatDoesNotFit) {
  Statistics s = statistics(3);
  BatchNorm op = batch_norm_of(s);
  EXPECT_NO_THROW((void)op.infer(std::vector{dense_spec(pixels)}, 1));
  expect_error(op, dense_spec(tokens), "mean has 3 numbers, wanted 65");
  EXPECT_THROW(op.set_weight("mean", {3, 1}, random_numbers(3, 1)), Error);
  for (const std::string slot : {"weight", "bias", "mean", "variance"}) {
    BatchNorm wrong = batch_norm_of(s);
    set(wrong, slot, random_numbers(2, 1));
    expect_error(wrong, dense_spec(pixels), slot + " has 2 numbers, wanted 3");
  }
  s.variance[1] = -0.5f;
  expect_error(batch_norm_of(s), dense_spec(pixels), "variance of channel 1 is -0.5");
  s.variance[1] = 0.0f;
  EXPECT_NO_THROW((void)batch_norm_of(s).infer(std::vector{dense_spec(pixels)}, 1));
  expect_error(batch_norm_of(s, 0.0), dense_spec(pixels), "variance of channel 1 is 0");
  expect_error(batch_norm_of(s, -1.0), dense_spec(pixels), "eps is -1");
}

}  // namespace
}  // namespace volley::test
