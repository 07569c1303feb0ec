// Holds the dense layers to plain loops, and their cost to a tally.
#include "sim/ops/dense.hpp"

#include <cmath>
#include <limits>

#include "tests/unit/ops/op_case.hpp"

namespace volley::test {
namespace {

// Layer norm with the operations told apart, one row after the other.
std::vector<float> layer_norm(const std::vector<float>& in, std::size_t size, double eps,
                              const std::vector<float>& weight, const std::vector<float>& bias, Cost& tally) {
  std::vector<float> out;
  for (std::size_t row = 0; row < in.size(); row += size) {
    double mean = static_cast<double>(in[row]);
    for (std::size_t c = 1; c < size; ++c) {
      mean += static_cast<double>(in[row + c]);
      ++tally.add;
    }
    mean /= static_cast<double>(size);
    ++tally.special;
    std::vector<double> centred;
    double variance = 0;
    for (std::size_t c = 0; c < size; ++c) {
      centred.push_back(static_cast<double>(in[row + c]) - mean);
      ++tally.add;
      variance += centred[c] * centred[c];
      ++tally.mac;
    }
    variance = variance / static_cast<double>(size) + eps;
    ++tally.special;
    ++tally.add;
    const double gain = 1.0 / std::sqrt(variance);
    tally.special += 2;
    for (std::size_t c = 0; c < size; ++c) {
      double number = centred[c] * gain;
      ++tally.mac;
      if (!weight.empty()) {
        number = number * static_cast<double>(weight[c]) + static_cast<double>(bias[c]);
        ++tally.mac;
      }
      out.push_back(static_cast<float>(number));
    }
  }
  return out;
}

void check_layer_norm(const Case& entry) {
  LayerNorm op = made<LayerNorm>(entry.attributes());
  const std::vector<Value> in{input_of(entry, entry.shape("TBNC"), "dense")};
  const Index channels = entry.integer("C");
  const std::string weights = entry.word_or("weights", "none");
  std::vector<float> weight;
  std::vector<float> bias;
  if (weights != "none") {
    weight.assign(static_cast<std::size_t>(channels), 1.0f);
    bias.assign(static_cast<std::size_t>(channels), 0.0f);
  }
  if (weights == "bias" || weights == "both") {
    bias = random_numbers(channels, 21);
    op.set_weight("bias", {channels}, bias);
  }
  if (weights == "weight" || weights == "both") {
    weight = random_numbers(channels, 22);
    op.set_weight("weight", {channels}, weight);
  }
  Cost tally;
  const auto wanted = layer_norm(numbers_of(in[0]), static_cast<std::size_t>(channels),
                                 static_cast<double>(op.eps()), weight, bias, tally);
  EXPECT_TRUE(
      holds_numbers(run_op(op, table_of<LayerNorm>().all(op.kind()).back(), in)[0], spec_of(in[0]), wanted));
  EXPECT_EQ(cost_of(op, in, {}), tally);
  EXPECT_EQ(op.dense_mac(specs_of(in)), tally.mac);
  expect_parity(table_of<LayerNorm>(), op, in);
  expect_writes_all(op, in);
}

template <class Op, class Curve>
void check_curve(const Case& entry, Index Cost::*kind, const Curve& curve) {
  const Op op = made<Op>(entry.attributes());
  auto numbers =
      random_numbers(entry.shape("TBNC").count(), static_cast<std::uint64_t>(entry.integer("seed")));
  for (float& number : numbers) {
    number *= 6.0f;
  }
  const std::vector<Value> in{tensor_of(entry.shape("TBNC"), numbers)};
  Cost tally;
  for (float& number : numbers) {
    number = static_cast<float>(curve(static_cast<double>(number)));
    ++(tally.*kind);
  }
  EXPECT_TRUE(holds_numbers(reference_of(op, in), spec_of(in[0]), numbers));
  EXPECT_EQ(cost_of(op, in, {}), tally);
  expect_parity(table_of<Op>(), op, in);
  expect_writes_all(op, in);
}

TEST(Dense, AgreesWithPlainLoopsInNumbersAndCost) {
  const double pi = std::acos(-1.0);
  for (const Case& entry : read_cases("dense.txt")) {
    SCOPED_TRACE(entry.line);
    if (entry.kind == LayerNorm::op_kind) {
      check_layer_norm(entry);
    } else if (entry.kind == Relu::op_kind) {
      check_curve<Relu>(entry, &Cost::compare, [](double x) { return x > 0 ? x : 0; });
    } else if (entry.has("attr.approximate")) {
      check_curve<Gelu>(entry, &Cost::special, [&](double x) {
        return 0.5 * x * (1 + std::tanh(std::sqrt(2 / pi) * (x + 0.044715 * x * x * x)));
      });
    } else {
      ASSERT_EQ(entry.kind, Gelu::op_kind);
      // The normal distribution by erfc: another way to the same number, so compared by one rounding.
      const Gelu op;
      const Value in = input_of(entry, entry.shape("TBNC"), "dense");
      const auto got = numbers_of(reference_of(op, {in}));
      const auto x = numbers_of(in);
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double wide = static_cast<double>(x[i]);
        EXPECT_FLOAT_EQ(got[i], static_cast<float>(wide * 0.5 * std::erfc(-wide / std::sqrt(2.0))));
      }
      check_curve<Gelu>(entry, &Cost::special,
                        [](double n) { return 0.5 * n * (1 + std::erf(n / std::sqrt(2.0))); });
    }
  }
}

const Shape row_shape{{Axis::T, 1}, {Axis::B, 1}, {Axis::C, 4}};

TEST(LayerNorm, GivesMeanZeroAndVarianceOne) {
  const Value in = tensor_of(row_shape, std::vector<float>{1, 2, 3, 4});
  const auto out = numbers_of(reference_of(made<LayerNorm>({{"eps", 1e-12}}), {in}));
  const float outer = 3.0f / std::sqrt(5.0f);  // (4 - 2.5) / sqrt(1.25)
  EXPECT_FLOAT_EQ(out[0], -outer);
  EXPECT_FLOAT_EQ(out[1], -outer / 3.0f);
  EXPECT_FLOAT_EQ(out[2], outer / 3.0f);
  EXPECT_FLOAT_EQ(out[3], outer);
}

TEST(LayerNorm, RefusesOtherShapesAndWeights) {
  LayerNorm op;
  const std::vector<float> numbers(4, 1.0f);
  const ValueSpec in = dense_spec(row_shape);
  EXPECT_EQ(infer_error(op, {in}), "");
  EXPECT_EQ(infer_error(op, {spike_spec(row_shape, binary_code())}),
            "in is binary [T=1 B=1 C=4], wanted f32");
  EXPECT_EQ(infer_error(op, {dense_spec({{Axis::C, 4}})}), "in is f32 [C=4], wanted axes [T B ...]");
  EXPECT_EQ(infer_error(op, {dense_spec({{Axis::T, 1}, {Axis::B, 1}, {Axis::C, 4}, {Axis::N, 2}})}),
            "in is f32 [T=1 B=1 C=4 N=2], wanted C as the last axis");
  EXPECT_EQ(infer_error(made<LayerNorm>({{"eps", 0.0}}), {in}), "eps is 0, wanted more than 0");
  EXPECT_THROW(op.set_weight("weight", {2, 2}, numbers), Error);
  op.set_weight("weight", {4}, numbers);
  EXPECT_THROW(op.set_weight("bias", {2}, std::span(numbers).first(2)), Error);
  EXPECT_EQ(infer_error(op, {dense_spec(row_shape.with(Axis::C, 5))}),
            "in is f32 [T=1 B=1 C=5], wanted C=4 as in the weights");
}

TEST(Relu, LetsNotANumberThrough) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Value in = tensor_of(row_shape, std::vector<float>{nan, -1, 0, 2});
  const auto out = numbers_of(reference_of(Relu(), {in}));
  EXPECT_TRUE(std::isnan(out[0]));
  EXPECT_EQ(std::vector<float>(out.begin() + 1, out.end()), (std::vector<float>{0, 0, 2}));
}

TEST(Dense, RefusesSpikesButAsksForNumbers) {
  const std::vector<ValueSpec> in{spike_spec(row_shape, binary_code())};
  EXPECT_EQ(Gelu().wanted_form(0, in), Form::dense);
  EXPECT_EQ(infer_error(Gelu(), in), "in is binary [T=1 B=1 C=4], wanted f32");
  EXPECT_EQ(infer_error(Relu(), in), "in is binary [T=1 B=1 C=4], wanted f32");
  EXPECT_THROW(made<Gelu>({{"approximate", "sigmoid"}}), Error);
}

}  // namespace
}  // namespace volley::test
