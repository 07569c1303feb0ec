// Products of linear and conv2d against loops over all pairs.
#include <gtest/gtest.h>

#include "sim/ops/conv2d.hpp"
#include "sim/ops/linear.hpp"
#include "tests/reference/product_ref.hpp"
#include "tests/unit/ops/op_case.hpp"

namespace volley::test {
namespace {

SpikeCode spike_code(const Case& entry) {
  const std::string word = entry.word_or("code", "binary");
  return word == "graded" ? graded_code(static_cast<int>(entry.integer("levels"))) : code_of(word);
}

bool is_real(const Case& entry) {
  const std::string word = entry.word_or("code", "binary");
  return word == "dense" || word == "image";
}

// Numbers with zeros among them: each third is 0.
std::vector<float> with_zeros(std::vector<float> numbers) {
  for (std::size_t i = 0; i < numbers.size(); i += 3) {
    numbers[i] = 0.0f;
  }
  return numbers;
}

Value input(const Case& entry, const std::string& axes, std::uint64_t seed) {
  const Shape shape = entry.shape(axes);
  if (!is_real(entry)) {
    return random_spikes(shape, spike_code(entry), entry.real_or("rate", 0), seed);
  }
  return tensor_of(shape, with_zeros(random_numbers(shape.count(), seed)));
}

void expect_weight(const Product& product, const std::vector<float>& weight) {
  EXPECT_TRUE(product.b.is_weight);
  EXPECT_FALSE(product.a.is_weight);
  expect_operand(product.b, OperandTally(weight));
}

// The products of each sample in each step, with the sample's numbers.
template <class Check>
Cost for_each_sample(const Operator& op, const Value& in, const Check& check) {
  Cost sum;
  const Shape shape = spec_of(in).shape;
  for (Index t = 0; t < shape[Axis::T]; ++t) {
    for (Index b = 0; b < shape[Axis::B]; ++b) {
      const Value one = volley::sample_of(volley::steps_of(in, t, 1), b);
      const auto products = op.products(std::vector{one});
      EXPECT_EQ(products.size(), 1u);
      const Product& product = products.at(0);
      check(product, numbers_of(one));
      expect_operand(product.a, OperandTally(numbers_of(one)));
      EXPECT_EQ(product.head, -1);
      (product.driven == Driven::none ? sum.mac : sum.ac) +=
          product.driven == Driven::none ? product.dense : product.units_a;
      EXPECT_EQ(product.driven, spec_of(in).is_dense() ? Driven::none : Driven::a);
      sum.add += product.bias;
    }
  }
  return sum;
}

TEST(Products, OfLinearAreAllPairsOfInputsAndWeights) {
  for (const Case& entry : read_cases("linear.txt")) {
    SCOPED_TRACE(entry.line);
    const auto seed = static_cast<std::uint64_t>(entry.integer("seed"));
    const Value in = input(entry, "TBNC", seed);
    const Index inputs = entry.integer("C");
    const Index outputs = entry.integer("O");
    const auto weight = with_zeros(random_numbers(outputs * inputs, seed + 100));
    Linear op;
    op.set_weight("weight", {outputs, inputs}, weight);
    if (entry.integer("bias") != 0) {
      op.set_weight("bias", {outputs}, random_numbers(outputs, seed + 200));
    }
    const Cost sum = for_each_sample(op, in, [&](const Product& product, const std::vector<float>& x) {
      PairTally tally{.of_a = is_real(entry) ? Events::ones : Events::counts};
      for (std::size_t i = 0; i < x.size(); ++i) {
        for (Index o = 0; o < outputs; ++o) {
          const auto c = static_cast<Index>(i) % inputs;
          tally.pair(static_cast<double>(x[i]),
                     static_cast<double>(weight[static_cast<std::size_t>(o * inputs + c)]));
        }
      }
      expect_product(product, tally);
      expect_weight(product, weight);
      EXPECT_EQ(product.name, product_names::linear);
    });
    EXPECT_EQ(sum, cost_of(op, std::vector{in}, {}));
  }
}

struct ConvCase {
  explicit ConvCase(const Case& entry)
      : y(entry.integer("Y")),
        x(entry.integer("X")),
        channels(entry.integer("C")),
        outputs(entry.integer("O")),
        ky(entry.integer_or("KY", entry.integer_or("K", 1))),
        kx(entry.integer_or("KX", entry.integer_or("K", 1))),
        stride(entry.integer_or("stride", 1)),
        padding(entry.integer_or("padding", 0)),
        groups(entry.integer_or("groups", 1)),
        is_image(entry.word_or("code", "") == "image") {}

  std::size_t place(Index iy, Index ix, Index c) const {
    return static_cast<std::size_t>(is_image ? (c * y + iy) * x + ix : (iy * x + ix) * channels + c);
  }

  Index y, x, channels, outputs, ky, kx, stride, padding, groups;
  bool is_image;
};

// All taps of one output.
void tally_output(const ConvCase& conv, const std::vector<float>& in, const std::vector<float>& weight,
                  const std::array<Index, 3>& place, PairTally& tally) {
  const auto [oy, ox, o] = place;
  const Index width = conv.channels / conv.groups;
  const Index first = o / (conv.outputs / conv.groups) * width;
  for (Index c = 0; c < width; ++c) {
    for (Index ky = 0; ky < conv.ky; ++ky) {
      for (Index kx = 0; kx < conv.kx; ++kx) {
        const Index iy = oy * conv.stride + ky - conv.padding;
        const Index ix = ox * conv.stride + kx - conv.padding;
        if (iy < 0 || iy >= conv.y || ix < 0 || ix >= conv.x) {
          tally.pair_with_padding();
          continue;
        }
        const auto tap = static_cast<std::size_t>(((o * width + c) * conv.ky + ky) * conv.kx + kx);
        tally.pair(static_cast<double>(in[conv.place(iy, ix, first + c)]), static_cast<double>(weight[tap]));
      }
    }
  }
}

TEST(Products, OfConv2dAreAllPairsOfTapsWithTheBorderExact) {
  for (const Case& entry : read_cases("conv2d.txt")) {
    SCOPED_TRACE(entry.line);
    const ConvCase conv(entry);
    const auto seed = static_cast<std::uint64_t>(entry.integer("seed"));
    const Value in = input(entry, conv.is_image ? "TBCYX" : "TBYXC", seed);
    const std::vector<Index> sizes{conv.outputs, conv.channels / conv.groups, conv.ky, conv.kx};
    const auto weight = with_zeros(random_numbers(*checked_count(sizes), seed + 100));
    auto op = made<Conv2d>({{"stride", static_cast<double>(conv.stride)},
                            {"padding", static_cast<double>(conv.padding)},
                            {"groups", static_cast<double>(conv.groups)}});
    op.set_weight("weight", sizes, weight);
    if (entry.integer("bias") != 0) {
      op.set_weight("bias", {conv.outputs}, random_numbers(conv.outputs, seed + 200));
    }
    const Index out_y = (conv.y + 2 * conv.padding - conv.ky) / conv.stride + 1;
    const Index out_x = (conv.x + 2 * conv.padding - conv.kx) / conv.stride + 1;
    const Cost sum = for_each_sample(op, in, [&](const Product& product, const std::vector<float>& numbers) {
      PairTally tally{.of_a = is_real(entry) ? Events::ones : Events::counts};
      for (Index oy = 0; oy < out_y; ++oy) {
        for (Index ox = 0; ox < out_x; ++ox) {
          for (Index o = 0; o < conv.outputs; ++o) {
            tally_output(conv, numbers, weight, {oy, ox, o}, tally);
          }
        }
      }
      expect_product(product, tally);
      expect_weight(product, weight);
      EXPECT_EQ(product.name, product_names::conv);
    });
    EXPECT_EQ(sum, cost_of(op, std::vector{in}, {}));
  }
}

TEST(Products, TellKindsOfNumbersByTheirValues) {
  const auto kind = [](std::vector<float> numbers) {
    return operand_of(std::span<const float>(numbers)).numbers;
  };
  EXPECT_EQ(kind({}), Numbers::binary);
  EXPECT_EQ(kind({0, 1, 1}), Numbers::binary);
  EXPECT_EQ(kind({0, -1, 1}), Numbers::ternary);
  EXPECT_EQ(kind({0, 2, -3}), Numbers::integer);
  EXPECT_EQ(kind({0, 2, 0.5f}), Numbers::real);
  EXPECT_EQ(kind({std::numeric_limits<float>::infinity()}), Numbers::real);
  EXPECT_EQ(kind({std::numeric_limits<float>::quiet_NaN()}), Numbers::real);
  const std::vector<float> integers{0, 2, -3};
  EXPECT_EQ(operand_of(std::span<const float>(integers)).units, 5);
  const std::vector<float> real{0, 2, 0.5f};
  EXPECT_EQ(operand_of(std::span<const float>(real)).units, 2);
  EXPECT_EQ(name(Numbers::ternary), "ternary");
}

}  // namespace
}  // namespace volley::test
