// Conv2d against the loop over taps.
#include "sim/ops/conv2d.hpp"

#include "tests/reference/conv2d_ref.hpp"
#include "tests/support/cases.hpp"
#include "tests/support/random_values.hpp"
#include "tests/support/run_op.hpp"

namespace volley::test {
namespace {

struct Sizes {
  Index stride = 1, padding = 0, groups = 1;
};

Conv2d conv_of(const Sizes& sizes, const std::vector<Index>& weight_sizes, std::span<const float> weight,
               std::span<const float> bias) {
  Conv2d op;
  parse_params(op, "conv",
               {{"stride", static_cast<double>(sizes.stride)},
                {"padding", static_cast<double>(sizes.padding)},
                {"groups", static_cast<double>(sizes.groups)}});
  op.set_weight("weight", weight_sizes, weight);
  if (!bias.empty()) {
    op.set_weight("bias", {static_cast<Index>(bias.size())}, bias);
  }
  return op;
}

Value input_of(const Case& entry, std::uint64_t seed) {
  const std::string code = entry.word_or("code", "binary");
  if (code == "image") {
    return random_dense(entry.shape("TBCYX"), seed);
  }
  const Shape shape = entry.shape("TBYXC");
  if (code == "dense") {
    return random_dense(shape, seed);
  }
  const SpikeCode spike_code = code == "bipolar"  ? bipolar_code()
                               : code == "graded" ? graded_code(static_cast<int>(entry.integer("levels")))
                                                  : binary_code();
  return random_spikes(shape, spike_code, entry.real_or("rate", 0), seed);
}

// The numbers of a value with the channels last.
std::vector<float> channels_last(const Value& value) {
  const Tensor dense = as_dense(value);
  const auto numbers = dense.as<float>();
  const Shape& shape = dense.shape();
  if (shape.extents.back().axis == Axis::C) {
    return {numbers.begin(), numbers.end()};
  }
  const Index area = shape[Axis::Y] * shape[Axis::X];
  std::vector<float> out;
  for (Index sample = 0; sample < shape[Axis::T] * shape[Axis::B]; ++sample) {
    for (Index place = 0; place < area; ++place) {
      for (Index c = 0; c < shape[Axis::C]; ++c) {
        out.push_back(numbers[static_cast<std::size_t>((sample * shape[Axis::C] + c) * area + place)]);
      }
    }
  }
  return out;
}

ConvNumbers plain_of(const Case& entry, const Value& in, std::uint64_t seed) {
  const Shape shape = spec_of(in).shape;
  const Index kernel = entry.integer_or("K", 1);
  ConvNumbers plain{shape[Axis::T] * shape[Axis::B],
                    shape[Axis::Y],
                    shape[Axis::X],
                    shape[Axis::C],
                    entry.integer("O"),
                    entry.integer_or("KY", kernel),
                    entry.integer_or("KX", kernel),
                    entry.integer_or("stride", 1),
                    entry.integer_or("padding", 0),
                    entry.integer_or("groups", 1),
                    channels_last(in),
                    {},
                    {},
                    spec_of(in).is_spikes()};
  plain.weight = random_numbers(
      plain.outputs * plain.channels / plain.groups * plain.kernel_y * plain.kernel_x, seed + 100);
  if (entry.integer("bias") != 0) {
    plain.bias = random_numbers(plain.outputs, seed + 200);
  }
  return plain;
}

Index dense_mac_ref(ConvNumbers plain) {
  plain.is_spike = false;
  plain.bias.clear();
  SynapseTally tally;
  (void)conv2d_ref(plain, tally);
  return tally.cost.mac;
}

void expect_error(const Conv2d& op, const ValueSpec& in, const std::string& wanted) {
  try {
    (void)op.infer(std::vector{in}, 1);
    FAIL() << "no error, wanted: " << wanted;
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(wanted), std::string::npos) << error.what();
  }
}

Shape image(Index y, Index x, Index c) {
  return {{Axis::T, 1}, {Axis::B, 1}, {Axis::Y, y}, {Axis::X, x}, {Axis::C, c}};
}

TEST(Conv2d, AgreesWithTheLoopOverTapsInNumbersAndCost) {
  const KernelTable table = table_of<Conv2d>();
  for (const Case& entry : read_cases("conv2d.txt")) {
    SCOPED_TRACE(entry.line);
    const auto seed = static_cast<std::uint64_t>(entry.integer("seed"));
    const std::vector<Value> in{input_of(entry, seed)};
    const Shape shape = spec_of(in[0]).shape;
    const ConvNumbers plain = plain_of(entry, in[0], seed);
    SynapseTally tally;
    const Value wanted = tensor_of({{Axis::T, shape[Axis::T]},
                                    {Axis::B, shape[Axis::B]},
                                    {Axis::Y, plain.out_y()},
                                    {Axis::X, plain.out_x()},
                                    {Axis::C, plain.outputs}},
                                   conv2d_ref(plain, tally));

    const Conv2d op = conv_of({plain.stride, plain.padding, plain.groups},
                              {plain.outputs, plain.channels / plain.groups, plain.kernel_y, plain.kernel_x},
                              plain.weight, plain.bias);
    for (const Kernel& kernel : table.all(Conv2d::op_kind)) {
      if (kernel.accepts(op, specs_of(in)).ok) {
        SCOPED_TRACE(std::string(kernel.name));
        EXPECT_TRUE(same(run_op(op, kernel, in)[0], wanted));
      }
    }
    expect_parity(table, op, in);
    EXPECT_EQ(cost_of(op, in, std::vector{wanted}), tally.cost);
    EXPECT_EQ(op.dense_mac(specs_of(in)), dense_mac_ref(plain));
  }
}

TEST(Conv2d, TakesTheFastKernelThatFits) {
  const KernelTable table = table_of<Conv2d>();
  const auto chosen = [&](const Conv2d& op, const ValueSpec& in) {
    return std::string(table.choose(op, std::vector{in}, Device::cpu).kernel->name);
  };
  const Conv2d whole = conv_of({}, {2, 8, 1, 1}, random_numbers(16, 1), {});
  EXPECT_EQ(chosen(whole, spike_spec(image(3, 3, 8), binary_code())), "gather");
  EXPECT_EQ(chosen(whole, dense_spec(image(3, 3, 8))), "dense");
  const Conv2d depthwise = conv_of({1, 0, 8}, {8, 1, 1, 1}, random_numbers(8, 1), {});
  EXPECT_EQ(chosen(depthwise, spike_spec(image(3, 3, 8), bipolar_code())), "depthwise");
  EXPECT_EQ(chosen(depthwise, dense_spec(image(3, 3, 8))), "depthwise");
  EXPECT_EQ(
      chosen(depthwise, dense_spec({{Axis::T, 1}, {Axis::B, 1}, {Axis::C, 8}, {Axis::Y, 3}, {Axis::X, 3}})),
      "reference");
  const Conv2d narrow = conv_of({1, 0, 4}, {8, 2, 1, 1}, random_numbers(16, 1), {});
  EXPECT_EQ(chosen(narrow, spike_spec(image(3, 3, 8), binary_code())), "reference");
  const Conv2d deep = conv_of({}, {1, 65536, 1, 1}, random_numbers(65536, 1), {});
  EXPECT_EQ(chosen(deep, spike_spec(image(1, 1, 65536), binary_code())), "reference");
  EXPECT_EQ(
      whole.wanted_form(0, std::vector{ValueSpec{Form::events, Dtype::f32, binary_code(), image(3, 3, 8)}}),
      Form::dense);
}

TEST(Conv2d, FoldsAScaleAndAShift) {
  const auto weight = random_numbers(40 * 2 * 9, 1);
  const auto bias = random_numbers(40, 2);
  const auto scale = random_numbers(40, 3);
  const auto shift = random_numbers(40, 4);
  for (const Index groups : {Index{1}, Index{2}, Index{40}}) {
    Conv2d folded = conv_of({1, 1, groups}, {40, 2, 3, 3}, weight, bias);
    folded.scale_outputs(scale, shift);
    std::vector<float> wanted_weight = weight;
    std::vector<float> wanted_bias;
    for (std::size_t o = 0; o < 40; ++o) {
      for (std::size_t k = 0; k < 18; ++k) {
        wanted_weight[o * 18 + k] = static_cast<float>(double{scale[o]} * double{weight[o * 18 + k]});
      }
      wanted_bias.push_back(static_cast<float>(double{scale[o]} * double{bias[o]} + double{shift[o]}));
    }
    const Conv2d wanted = conv_of({1, 1, groups}, {40, 2, 3, 3}, wanted_weight, wanted_bias);
    EXPECT_EQ(folded.outputs(), 40);
    EXPECT_TRUE(same(folded.constants()[0], wanted.constants()[0]));
    EXPECT_TRUE(same(folded.constants()[1], wanted.constants()[1]));
  }
}

TEST(Conv2d, RefusesWeightsThatDoNotFit) {
  Conv2d op;
  expect_error(op, dense_spec(image(4, 4, 3)), "weight is missing");
  EXPECT_THROW(op.set_weight("weight", {4, 4}, random_numbers(16, 1)), Error);
  EXPECT_THROW(op.set_weight("weight", {4, 4, 0, 1}, {}), Error);
  EXPECT_THROW(op.set_weight("bias", {1, 4}, random_numbers(4, 1)), Error);
  for (const Index groups : {Index{0}, Index{-2}, Index{3}}) {
    EXPECT_THROW(conv_of({1, 0, groups}, {4, 1, 1, 1}, random_numbers(4, 1), {}), Error);
  }
  op.set_weight("weight", {4, 3, 1, 1}, random_numbers(12, 1));
  op.set_weight("bias", {3}, random_numbers(3, 1));
  expect_error(op, dense_spec(image(4, 4, 3)), "bias has 3 numbers, wanted 4");
}

TEST(Conv2d, RefusesInputsThatDoNotFit) {
  const auto weight = random_numbers(4 * 3 * 9, 1);
  const std::vector<Index> sizes{4, 3, 3, 3};
  expect_error(conv_of({0, 0, 1}, sizes, weight, {}), dense_spec(image(4, 4, 3)), "stride is 0");
  expect_error(conv_of({1, -1, 1}, sizes, weight, {}), dense_spec(image(4, 4, 3)), "padding is -1");
  expect_error(conv_of({1, 4, 1}, sizes, weight, {}), dense_spec(image(4, 4, 3)), "padding is 4");
  const Conv2d op = conv_of({}, sizes, weight, {});
  expect_error(op, dense_spec(image(4, 4, 5)), "C of input is 5, wanted 3 as in weight [4 3 3 3]");
  expect_error(op, dense_spec(image(2, 4, 3)), "smaller than the kernel 3 x 3");
  expect_error(op, dense_spec(image(4, 2, 3)), "smaller than the kernel 3 x 3");
  expect_error(op, dense_spec(image(4, 4, 3), Dtype::i8), "i8");
  const Shape first{{Axis::T, 1}, {Axis::B, 1}, {Axis::C, 3}, {Axis::Y, 4}, {Axis::X, 4}};
  EXPECT_NO_THROW((void)op.infer(std::vector{dense_spec(first)}, 1));
  expect_error(op, spike_spec(first, binary_code()), "wanted axes [T B Y X C]");
}

TEST(Conv2d, DividesSpikesByTheirNormExactly) {
  const auto weight = random_numbers(32 * 5 * 9, 1);
  std::vector<float> half = weight;
  for (float& number : half) {
    number *= 0.5f;
  }
  Conv2d op;
  parse_params(op, "conv", {{"norm", 2.0}, {"padding", 1.0}});
  op.set_weight("weight", {32, 5, 3, 3}, weight);
  const std::vector<Value> in{random_spikes(image(4, 5, 5), graded_code(4), 0.4, 2)};
  const KernelTable table = table_of<Conv2d>();
  const Kernel& reference = table.all(Conv2d::op_kind).back();
  EXPECT_TRUE(same(run_op(op, reference, in)[0],
                   run_op(conv_of({1, 1, 1}, {32, 5, 3, 3}, half, {}), reference, in)[0]));
  expect_parity(table, op, in);
  Conv2d wrong;
  parse_params(wrong, "conv", {{"norm", 6.0}});
  EXPECT_THROW(wrong.set_weight("weight", {32, 5, 3, 3}, weight), Error);
}

}  // namespace
}  // namespace volley::test
