// Holds sums and products of values to plain loops, and their cost to a tally.
#include "sim/ops/merge.hpp"

#include <limits>
#include <sstream>

#include "tests/unit/ops/op_case.hpp"

namespace volley::test {
namespace {

std::vector<Value> inputs_of(const Case& entry) {
  std::vector<Value> in;
  std::istringstream forms(entry.fields.at("forms"));
  for (std::string form; std::getline(forms, form, ',');) {
    in.push_back(input_of(entry, entry.shape("TBNC"), form, 100 * in.size()));
  }
  return in;
}

int levels_of(std::span<const Value> in) {
  int levels = 0;
  for (const Value& value : in) {
    levels += spec_of(value).code.planes;
  }
  return levels;
}

// Sum in the order of the inputs; of spikes, one addition for each unit that comes on top of the first input.
std::vector<float> sum_of(const std::vector<Value>& in, Cost& tally) {
  std::vector<float> sum = numbers_of(in[0]);
  for (std::size_t slot = 1; slot < in.size(); ++slot) {
    const auto numbers = numbers_of(in[slot]);
    for (std::size_t i = 0; i < sum.size(); ++i) {
      if (spec_of(in[slot]).is_dense()) {
        sum[i] += numbers[i];
        ++tally.add;
        continue;
      }
      for (int unit = 0; unit < static_cast<int>(numbers[i]); ++unit) {
        sum[i] += 1.0f;
        ++tally.add;
      }
    }
  }
  return sum;
}

std::vector<float> product_of(const std::vector<Value>& in, Cost& tally) {
  const auto a = numbers_of(in[0]);
  const auto b = numbers_of(in[1]);
  const bool is_real = spec_of(in[0]).is_dense() && spec_of(in[1]).is_dense();
  std::vector<float> product;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ++(is_real ? tally.mac : tally.compare);
    product.push_back(a[i] * b[i]);
  }
  return product;
}

template <class Op>
void check_case(const Case& entry) {
  const Op op = made<Op>();
  const auto in = inputs_of(entry);
  const Shape shape = entry.shape("TBNC");
  bool all_spikes = true;
  for (const Value& value : in) {
    all_spikes = all_spikes && spec_of(value).is_spikes();
  }
  Cost tally;
  std::vector<float> numbers;
  ValueSpec wanted = dense_spec(shape);
  if constexpr (std::is_same_v<Op, MergeAdd>) {
    numbers = sum_of(in, tally);
    wanted = all_spikes ? spike_spec(shape, graded_code(levels_of(in))) : wanted;
  } else {
    numbers = product_of(in, tally);
    wanted = all_spikes ? spike_spec(shape, binary_code()) : wanted;
  }
  const std::vector<Value> out{reference_of(op, in)};
  EXPECT_TRUE(holds_numbers(out[0], wanted, numbers));
  EXPECT_EQ(cost_of(op, in, out), tally);
  expect_parity(table_of<Op>(), op, in);
  expect_writes_all(op, in);
}

TEST(Merge, AgreesWithPlainLoopsInNumbersAndCost) {
  for (const Case& entry : read_cases("merge.txt")) {
    SCOPED_TRACE(entry.line);
    if (entry.kind == MergeAdd::op_kind) {
      check_case<MergeAdd>(entry);
    } else {
      ASSERT_EQ(entry.kind, MergeMultiply::op_kind);
      check_case<MergeMultiply>(entry);
    }
  }
}

const Shape shape{{Axis::T, 2}, {Axis::B, 1}, {Axis::C, 3}};

TEST(MergeAdd, SumsInTheOrderOfTheInputs) {
  const Shape one{{Axis::T, 1}, {Axis::B, 1}, {Axis::C, 1}};
  const auto number = [&](float x) { return Value(tensor_of(one, std::vector<float>{x})); };
  // 1 is lost beside 1e8, so the order shows.
  EXPECT_EQ(numbers_of(reference_of(MergeAdd(), {number(1e8f), number(1.0f), number(-1e8f)})),
            std::vector<float>{0});
  EXPECT_EQ(numbers_of(reference_of(MergeAdd(), {number(1e8f), number(-1e8f), number(1.0f)})),
            std::vector<float>{1});
}

TEST(MergeAdd, WantsAllDenseBesideBipolarOrDense) {
  const MergeAdd op;
  const ValueSpec binary = spike_spec(shape, binary_code());
  const ValueSpec events{Form::events, Dtype::f32, binary_code(), shape};
  const std::vector<ValueSpec> spikes{binary, spike_spec(shape, graded_code(2))};
  EXPECT_EQ(op.wanted_form(0, spikes), Form::spikes);
  EXPECT_EQ(op.wanted_form(1, spikes), Form::spikes);
  for (const ValueSpec& other : {spike_spec(shape, bipolar_code()), dense_spec(shape), events}) {
    const std::vector<ValueSpec> mixed{binary, other};
    EXPECT_EQ(op.wanted_form(0, mixed), Form::dense) << text(other);
    EXPECT_EQ(op.wanted_form(1, mixed), Form::dense) << text(other);
  }
}

TEST(MergeAdd, RefusesOtherShapesFormsAndTooManyLevels) {
  const MergeAdd op;
  const ValueSpec dense = dense_spec(shape);
  EXPECT_EQ(op.arity().least, 2u);
  EXPECT_EQ(op.arity().most, 8u);
  EXPECT_EQ(infer_error(op, {dense, dense}), "");
  EXPECT_EQ(infer_error(op, {dense, dense_spec(shape.with(Axis::T, 1))}),
            "input 1 is f32 [T=1 B=1 C=3], wanted [T=2 B=1 C=3] as input 0");
  EXPECT_EQ(infer_error(op, {dense, dense_spec(shape, Dtype::i32)}),
            "input 1 is i32 [T=2 B=1 C=3], wanted f32");
  EXPECT_EQ(infer_error(op, {dense_spec({{Axis::N, 2}}), dense_spec({{Axis::N, 2}})}),
            "input 0 is f32 [N=2], wanted axes [T B ...]");
  EXPECT_EQ(infer_error(op, {spike_spec(shape, binary_code()), spike_spec(shape, bipolar_code())}),
            "input 0 is binary [T=2 B=1 C=3], wanted f32");
  EXPECT_EQ(infer_error(op, {spike_spec(shape, graded_code(64)), spike_spec(shape, binary_code())}),
            "the sum of these spikes has 65 levels, wanted at most 64");
}

TEST(MergeMultiply, ClosedGateStopsInfinity) {
  const Shape pair{{Axis::T, 1}, {Axis::B, 1}, {Axis::C, 2}};
  const float infinity = std::numeric_limits<float>::infinity();
  const Value gate = pack(tensor_of(pair, std::vector<float>{0, 1}), binary_code());
  const Value numbers = tensor_of(pair, std::vector<float>{infinity, infinity});
  EXPECT_EQ(numbers_of(reference_of(MergeMultiply(), {gate, numbers})), (std::vector<float>{0, infinity}));
}

TEST(MergeMultiply, WantsOnlyBinarySpikesAsTheyAre) {
  const MergeMultiply op;
  const std::vector<ValueSpec> in{spike_spec(shape, binary_code()), spike_spec(shape, graded_code(1))};
  EXPECT_EQ(op.wanted_form(0, in), Form::spikes);
  EXPECT_EQ(op.wanted_form(1, in), Form::dense);
  EXPECT_EQ(op.dense_mac(in), 6);
}

TEST(MergeMultiply, RefusesOtherShapesAndForms) {
  const MergeMultiply op;
  const ValueSpec binary = spike_spec(shape, binary_code());
  EXPECT_EQ(op.arity().most, 2u);
  EXPECT_EQ(infer_error(op, {binary, binary}), "");
  EXPECT_EQ(infer_error(op, {binary, spike_spec(shape, bipolar_code())}),
            "input 1 is bipolar [T=2 B=1 C=3], wanted f32");
  EXPECT_EQ(infer_error(op, {binary, dense_spec(shape.with(Axis::C, 4))}),
            "input 1 is f32 [T=2 B=1 C=4], wanted [T=2 B=1 C=3] as input 0");
}

}  // namespace
}  // namespace volley::test
