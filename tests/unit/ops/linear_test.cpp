// Linear against the double loop.
#include "sim/ops/linear.hpp"

#include "tests/reference/linear_ref.hpp"
#include "tests/support/cases.hpp"
#include "tests/support/random_values.hpp"
#include "tests/support/run_op.hpp"

namespace volley::test {
namespace {

SpikeCode code_of(const Case& entry) {
  const std::string word = entry.word_or("code", "binary");
  return word == "bipolar"  ? bipolar_code()
         : word == "graded" ? graded_code(static_cast<int>(entry.integer("levels")))
                            : binary_code();
}

Linear linear_of(const std::vector<Index>& sizes, std::span<const float> weight,
                 std::span<const float> bias) {
  Linear op;
  op.set_weight("weight", sizes, weight);
  if (!bias.empty()) {
    op.set_weight("bias", {static_cast<Index>(bias.size())}, bias);
  }
  return op;
}

const Kernel& kernel_named(const KernelTable& table, std::string_view name) {
  const auto kernels = table.all(Linear::op_kind);
  return *std::find_if(kernels.begin(), kernels.end(),
                       [&](const Kernel& kernel) { return kernel.name == name; });
}

void expect_error(const Linear& op, const ValueSpec& in, const std::string& wanted) {
  try {
    (void)op.infer(std::vector{in}, 1);
    FAIL() << "no error, wanted: " << wanted;
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(wanted), std::string::npos) << error.what();
  }
}

TEST(Linear, AgreesWithTheDoubleLoopInNumbersAndCost) {
  const KernelTable table = table_of<Linear>();
  for (const Case& entry : read_cases("linear.txt")) {
    SCOPED_TRACE(entry.line);
    const Shape shape = entry.shape("TBNC");
    const auto seed = static_cast<std::uint64_t>(entry.integer("seed"));
    const bool is_dense = entry.word_or("code", "") == "dense";
    const Value in = is_dense ? Value(random_dense(shape, seed))
                              : Value(random_spikes(shape, code_of(entry), entry.real_or("rate", 0), seed));
    const Index outputs = entry.integer("O");
    const Index inputs = shape[Axis::C];
    const auto numbers = as_dense(in);
    LinearNumbers plain{shape.rows(), inputs, outputs, {}, {}, {}, !is_dense};
    plain.x.assign(numbers.as<float>().begin(), numbers.as<float>().end());
    plain.weight = random_numbers(outputs * inputs, seed + 100);
    plain.bias = entry.integer("bias") != 0 ? random_numbers(outputs, seed + 200) : std::vector<float>();
    SynapseTally tally;
    const Value wanted = tensor_of(shape.with(Axis::C, outputs), linear_ref(plain, tally));

    const Linear op = linear_of({outputs, inputs}, plain.weight, plain.bias);
    const std::vector<Value> values{in};
    for (const Kernel& kernel : table.all(Linear::op_kind)) {
      if (kernel.accepts(op, specs_of(values)).ok) {
        SCOPED_TRACE(std::string(kernel.name));
        EXPECT_TRUE(same(run_op(op, kernel, values)[0], wanted));
      }
    }
    expect_parity(table, op, values);
    EXPECT_EQ(cost_of(op, values, std::vector{wanted}), tally.cost);
    EXPECT_EQ(op.dense_mac(specs_of(values)), shape.rows() * inputs * outputs);
  }
}

TEST(Linear, TakesTheFastKernelOfItsInput) {
  const KernelTable table = table_of<Linear>();
  const Linear op = linear_of({3, 2}, random_numbers(6, 1), {});
  const Shape shape{{Axis::T, 1}, {Axis::B, 1}, {Axis::C, 2}};
  EXPECT_EQ(table.choose(op, std::vector{spike_spec(shape, binary_code())}, Device::cpu).kernel->name,
            "gather");
  EXPECT_EQ(table.choose(op, std::vector{dense_spec(shape)}, Device::cpu).kernel->name, "dense");
  EXPECT_EQ(op.wanted_form(0, std::vector{ValueSpec{Form::events, Dtype::f32, binary_code(), shape}}),
            Form::dense);
}

TEST(Linear, LeavesListsOf16BitsToOthers) {
  const KernelTable table = table_of<Linear>();
  for (const Index inputs : {Index{65535}, Index{65536}}) {
    SCOPED_TRACE(inputs);
    const Linear op = linear_of({1, inputs}, random_numbers(inputs, 3, 64), {});
    const std::vector<Value> in{
        random_spikes({{Axis::T, 1}, {Axis::B, 1}, {Axis::N, 2}, {Axis::C, inputs}}, binary_code(), 0.5, 4)};
    EXPECT_EQ(kernel_named(table, "gather").accepts(op, specs_of(in)).ok, inputs == 65535);
    expect_parity(table, op, in);
  }
}

TEST(Linear, GathersMoreEventsThanOneChunkHolds) {
  const Index inputs = 1000;
  const Linear op = linear_of({40, inputs}, random_numbers(40 * inputs, 5), random_numbers(40, 6));
  expect_parity(table_of<Linear>(), op,
                std::vector<Value>{random_spikes(
                    {{Axis::T, 2}, {Axis::B, 1}, {Axis::N, 150}, {Axis::C, inputs}}, binary_code(), 0.9, 7)});
}

TEST(Linear, FoldsAScaleAndAShift) {
  const auto weight = random_numbers(2 * 3, 1);
  const std::vector<float> scale{1.7f, -0.3f};
  const std::vector<float> shift{0.1f, 4.0f};
  for (const auto& bias : {std::vector<float>{}, std::vector<float>{0.9f, -1.1f}}) {
    Linear folded = linear_of({2, 3}, weight, bias);
    folded.scale_outputs(scale, shift);
    std::vector<float> wanted_weight = weight;
    std::vector<float> wanted_bias(2);
    for (std::size_t o = 0; o < 2; ++o) {
      for (std::size_t c = 0; c < 3; ++c) {
        wanted_weight[o * 3 + c] = static_cast<float>(double{scale[o]} * double{weight[o * 3 + c]});
      }
      wanted_bias[o] =
          static_cast<float>(double{scale[o]} * (bias.empty() ? 0.0 : double{bias[o]}) + double{shift[o]});
    }
    const Linear wanted = linear_of({2, 3}, wanted_weight, wanted_bias);
    EXPECT_EQ(folded.outputs(), 2);
    ASSERT_TRUE(is_present(folded.constants()[1]));
    EXPECT_TRUE(same(folded.constants()[0], wanted.constants()[0]));
    EXPECT_TRUE(same(folded.constants()[1], wanted.constants()[1]));
  }
}

TEST(Linear, RefusesWhatDoesNotFit) {
  Linear op;
  const Shape shape{{Axis::T, 1}, {Axis::B, 1}, {Axis::N, 2}, {Axis::C, 48}};
  expect_error(op, dense_spec(shape), "weight is missing");
  EXPECT_THROW(op.set_weight("weight", {4}, random_numbers(4, 1)), Error);
  EXPECT_THROW(op.set_weight("weight", {0, 4}, {}), Error);
  EXPECT_THROW(op.set_weight("bias", {1, 4}, random_numbers(4, 1)), Error);
  op.set_weight("weight", {128, 64}, random_numbers(128 * 64, 1));
  expect_error(op, spike_spec(shape, binary_code()), "C of input is 48, wanted 64 as in weight [128 64]");
  expect_error(op, dense_spec(shape.with(Axis::C, 64), Dtype::i32), "i32");
  expect_error(op, dense_spec({{Axis::T, 1}, {Axis::B, 1}, {Axis::C, 64}, {Axis::N, 64}}),
               "wanted C as the last axis");
  op.set_weight("bias", {3}, random_numbers(3, 1));
  expect_error(op, dense_spec(shape.with(Axis::C, 64)), "bias has 3 numbers, wanted 128");
}

TEST(Linear, DividesSpikesByTheirNormExactly) {
  const auto weight = random_numbers(33 * 20, 1);
  std::vector<float> quarter = weight;
  for (float& number : quarter) {
    number *= 0.25f;
  }
  Linear op;
  parse_params(op, "layer", {{"norm", 4.0}});
  op.set_weight("weight", {33, 20}, weight);
  const std::vector<Value> in{
      random_spikes({{Axis::T, 2}, {Axis::B, 1}, {Axis::N, 3}, {Axis::C, 20}}, graded_code(4), 0.4, 2)};
  const KernelTable table = table_of<Linear>();
  const Value wanted = run_op(linear_of({33, 20}, quarter, {}), kernel_named(table, "reference"), in)[0];
  EXPECT_TRUE(same(run_op(op, kernel_named(table, "reference"), in)[0], wanted));
  expect_parity(table, op, in);
  for (const double norm : {0.0, 3.0, 128.0}) {
    Linear wrong;
    parse_params(wrong, "layer", {{"norm", norm}});
    EXPECT_THROW(wrong.set_weight("weight", {33, 20}, weight), Error);
  }
}

}  // namespace
}  // namespace volley::test
