// Holds pooling to plain loops, and its cost to their tally.
#include "sim/ops/pool.hpp"

#include "tests/reference/pool_ref.hpp"
#include "tests/unit/ops/op_case.hpp"

namespace volley::test {
namespace {

PoolNumbers numbers_for(const Case& entry, const Value& in) {
  const Shape shape = spec_of(in).shape;
  const Index kernel = entry.integer_or("attr.kernel", 2);
  const Index stride = entry.integer_or("attr.stride", 0);
  return {shape[Axis::T] * shape[Axis::B],
          shape[Axis::Y],
          shape[Axis::X],
          shape[Axis::C],
          kernel,
          stride == 0 ? kernel : stride,
          entry.integer_or("attr.padding", 0),
          numbers_of(in)};
}

Shape out_shape(const PoolNumbers& pool, const Shape& in) {
  return in.with(Axis::Y, pool.out_side(pool.height)).with(Axis::X, pool.out_side(pool.width));
}

template <class Op>
void check_case(const Case& entry) {
  const Op op = made<Op>(entry.attributes());
  const Value in = input_of(entry, entry.shape("TBYXC"), entry.word_or("form", "dense"));
  const PoolNumbers pool = numbers_for(entry, in);
  ValueSpec wanted = spec_of(in);
  Cost tally;
  std::vector<float> numbers;
  if constexpr (std::is_same_v<Op, MaxPool>) {
    numbers = max_pool(pool, tally);
  } else {
    numbers = average_pool(pool, entry.word_or("attr.count_include_pad", "true") == "true", tally);
    wanted = dense_spec(wanted.shape);
  }
  wanted.shape = out_shape(pool, wanted.shape);
  const Value out = reference_of(op, {in});
  EXPECT_TRUE(holds_numbers(out, wanted, numbers));
  const std::vector<Value> ins{in};
  const std::vector<Value> outs{out};
  EXPECT_EQ(cost_of(op, ins, outs), tally);
  expect_parity(table_of<Op>(), op, ins);
  expect_writes_all(op, ins);
}

TEST(Pool, AgreesWithPlainLoopsInNumbersAndCost) {
  for (const Case& entry : read_cases("pool.txt")) {
    SCOPED_TRACE(entry.line);
    if (entry.kind == MaxPool::op_kind) {
      check_case<MaxPool>(entry);
    } else {
      ASSERT_EQ(entry.kind, AveragePool::op_kind);
      check_case<AveragePool>(entry);
    }
  }
}

Tensor image(Index height, Index width, std::vector<float> numbers) {
  return tensor_of({{Axis::T, 1}, {Axis::B, 1}, {Axis::Y, height}, {Axis::X, width}, {Axis::C, 1}}, numbers);
}

TEST(MaxPool, KeepsMinusOnlyWhereAllTapsAreMinus) {
  const MaxPool op = made<MaxPool>();
  const Value in = pack(image(2, 6,
                              {-1, -1, -1, 0, -1, 1,  //
                               -1, -1, -1, -1, 0, -1}),
                        bipolar_code());
  EXPECT_TRUE(holds_numbers(reference_of(op, {in}),
                            spike_spec(image(1, 3, {0, 0, 0}).shape(), bipolar_code()), {-1, 0, 1}));
}

TEST(MaxPool, RimIsLessThanMinus) {
  const MaxPool op = made<MaxPool>({{"kernel", 2.0}, {"padding", 1.0}});
  const std::vector<float> minus(4, -1.0f);
  const KernelTable table = table_of<MaxPool>();
  for (const Kernel& kernel : table.all(MaxPool::op_kind)) {
    const bool reads_spikes = kernel.name != "rows";
    const std::vector<Value> in{reads_spikes ? Value(pack(image(2, 2, minus), bipolar_code()))
                                             : Value(image(2, 2, minus))};
    EXPECT_EQ(numbers_of(run_op(op, kernel, in)[0]), minus) << kernel.name;
  }
  EXPECT_EQ(numbers_of(reference_of(op, {image(2, 2, minus)})), minus);
}

TEST(MaxPool, WordsRefuseDenseNumbers) {
  const MaxPool op = made<MaxPool>();
  const std::vector<ValueSpec> in{dense_spec(image(2, 2, {0, 0, 0, 0}).shape())};
  const KernelTable table = table_of<MaxPool>();
  const Choice choice = table.choose(op, in, Device::cpu);
  EXPECT_EQ(choice.kernel->name, "rows");
  EXPECT_EQ(choice.refusals, std::vector<std::string>{"words: the input is dense"});
  const std::vector<ValueSpec> spikes{spike_spec(in[0].shape, binary_code())};
  EXPECT_EQ(table.choose(op, spikes, Device::cpu).kernel->name, "words");
  EXPECT_EQ(table.all(MaxPool::op_kind)[1].accepts(op, spikes).why, "the input is spikes");
}

TEST(AveragePool, CountsTheRimAsZerosUnlessToldNotTo) {
  const Value in = image(2, 2, {1, 2, 3, 4});
  const Attributes rim{{"kernel", 2.0}, {"padding", 1.0}};
  EXPECT_EQ(numbers_of(reference_of(made<AveragePool>(rim), {in})),
            (std::vector<float>{0.25f, 0.5f, 0.75f, 1.0f}));
  const Attributes no_rim{{"kernel", 2.0}, {"padding", 1.0}, {"count_include_pad", false}};
  EXPECT_EQ(numbers_of(reference_of(made<AveragePool>(no_rim), {in})), (std::vector<float>{1, 2, 3, 4}));
}

TEST(Pool, WantsEventsDenseAndSpikesAsTheyAre) {
  const Shape shape = image(2, 2, {0, 0, 0, 0}).shape();
  const std::vector<ValueSpec> in{{Form::events, Dtype::f32, binary_code(), shape},
                                  spike_spec(shape, binary_code())};
  EXPECT_EQ(made<MaxPool>().wanted_form(0, in), Form::dense);
  EXPECT_EQ(made<AveragePool>().wanted_form(1, in), Form::spikes);
}

TEST(Pool, RefusesWhatCannotBePooled) {
  const ValueSpec in = dense_spec({{Axis::T, 1}, {Axis::B, 1}, {Axis::Y, 2}, {Axis::X, 3}, {Axis::C, 4}});
  EXPECT_EQ(infer_error(made<MaxPool>(), {in}), "");
  EXPECT_EQ(infer_error(made<MaxPool>({{"kernel", 0.0}}), {in}), "kernel is 0, wanted 1 or more");
  EXPECT_EQ(infer_error(made<MaxPool>({{"stride", -1.0}}), {in}), "stride is -1, wanted 0 or more");
  EXPECT_EQ(infer_error(made<AveragePool>({{"padding", 2.0}}), {in}),
            "padding is 2, wanted 0 to 1, half of the kernel");
  EXPECT_EQ(infer_error(made<AveragePool>({{"padding", -1.0}}), {in}),
            "padding is -1, wanted 0 to 1, half of the kernel");
  EXPECT_EQ(infer_error(made<MaxPool>({{"kernel", 3.0}}), {in}),
            "in is f32 [T=1 B=1 Y=2 X=3 C=4], wanted Y of at least 3");
  EXPECT_EQ(infer_error(made<MaxPool>({{"padding", 1.0}}), {dense_spec(in.shape.with(Axis::X, 0))}),
            "in is f32 [T=1 B=1 Y=2 X=0 C=4], wanted X of at least 1");
  EXPECT_EQ(infer_error(made<MaxPool>(), {dense_spec(in.shape, Dtype::i8)}),
            "in is i8 [T=1 B=1 Y=2 X=3 C=4], wanted f32 or spikes");
  EXPECT_EQ(infer_error(made<AveragePool>(),
                        {dense_spec({{Axis::T, 1}, {Axis::B, 1}, {Axis::C, 4}, {Axis::Y, 2}, {Axis::X, 3}})}),
            "in is f32 [T=1 B=1 C=4 Y=2 X=3], wanted axes [T B Y X C]");
}

}  // namespace
}  // namespace volley::test
