// Holds readouts to plain loops, and their cost to a tally.
#include "sim/ops/readout.hpp"

#include <algorithm>
#include <cstdlib>

#include "tests/reference/layout_ref.hpp"
#include "tests/unit/ops/op_case.hpp"

namespace volley::test {
namespace {

Shape reduced(Shape shape, const std::string& axes) {
  for (const Axis axis : axes_of(axes)) {
    shape = axis == Axis::T ? shape.with(Axis::T, 1) : shape.without(axis);
  }
  return shape;
}

void count_additions(float number, bool is_dense, Cost& tally) {
  if (is_dense) {
    ++tally.add;
    return;
  }
  for (int unit = 0; unit < std::abs(static_cast<int>(number)); ++unit) {
    ++tally.add;
  }
}

// Sums of each step on their own, then over the steps.
std::vector<float> sums_of(const Value& in, const std::string& axes, Cost& tally) {
  const Shape shape = spec_of(in).shape;
  const Shape out = reduced(shape, axes);
  const Shape per_step = out.with(Axis::T, shape[Axis::T]);
  const auto numbers = numbers_of(in);
  std::vector<float> steps(static_cast<std::size_t>(per_step.count()), 0.0f);
  for (Index i = 0; i < shape.count(); ++i) {
    const float number = numbers[static_cast<std::size_t>(i)];
    steps[index_of(per_step, place_of(shape, i))] += number;
    count_additions(number, spec_of(in).is_dense(), tally);
  }
  if (out[Axis::T] == shape[Axis::T]) {
    return steps;
  }
  std::vector<float> sums(static_cast<std::size_t>(out.count()), 0.0f);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    sums[i % sums.size()] += steps[i];
  }
  return sums;
}

std::vector<float> maxima_of(const Value& in, Cost& tally) {
  const auto numbers = numbers_of(in);
  const auto size = numbers.size() / static_cast<std::size_t>(spec_of(in).shape[Axis::T]);
  std::vector<float> maxima(numbers.begin(), numbers.begin() + static_cast<std::ptrdiff_t>(size));
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    ++tally.compare;
    maxima[i % size] = std::max(maxima[i % size], numbers[i]);
  }
  return maxima;
}

template <class Op>
void check_case(const Case& entry, const Value& input, const Shape& shape, const std::vector<float>& numbers,
                const Cost& tally) {
  const Op op = made<Op>(entry.attributes());
  const std::vector<Value> in{input};
  EXPECT_TRUE(holds_numbers(reference_of(op, in), dense_spec(shape), numbers));
  EXPECT_EQ(cost_of(op, in, {}), tally);
  expect_parity(table_of<Op>(), op, in);
  expect_writes_all(op, in);
}

TEST(Readout, AgreesWithPlainLoopsInNumbersAndCost) {
  for (const Case& entry : read_cases("readout.txt")) {
    SCOPED_TRACE(entry.line);
    const Value in = input_of(entry, entry.shape(entry.fields.at("shape")), entry.fields.at("form"));
    const Shape shape = spec_of(in).shape;
    const std::string axes = entry.word_or("attr.axes", "T");
    const Shape out = reduced(shape, axes);
    Cost tally;
    if (entry.kind == ReadoutMean::op_kind) {
      auto numbers = sums_of(in, axes, tally);
      const float scale = 1.0f / static_cast<float>(shape.count() / out.count());
      std::for_each(numbers.begin(), numbers.end(), [&](float& number) { number *= scale; });
      check_case<ReadoutMean>(entry, in, out, numbers, tally);
    } else if (entry.kind == ReadoutSum::op_kind) {
      const auto numbers = sums_of(in, axes, tally);
      check_case<ReadoutSum>(entry, in, out, numbers, tally);
    } else if (entry.kind == ReadoutLast::op_kind) {
      const auto numbers = numbers_of(in);
      check_case<ReadoutLast>(entry, in, out, {numbers.end() - out.count(), numbers.end()}, {});
    } else {
      ASSERT_EQ(entry.kind, ReadoutMax::op_kind);
      const auto numbers = maxima_of(in, tally);
      check_case<ReadoutMax>(entry, in, out, numbers, tally);
    }
  }
}

const Shape tokens{{Axis::T, 4}, {Axis::B, 2}, {Axis::N, 7}, {Axis::C, 5}};

TEST(ReadoutMean, GathersOnlyOverSteps) {
  const ReadoutMean over_steps = made<ReadoutMean>({{"axes", "T N"}});
  const ReadoutMean over_tokens = made<ReadoutMean>({{"axes", "N"}});
  const std::vector<ValueSpec> in{dense_spec(tokens)};
  EXPECT_EQ(over_steps.time_role(), TimeRole::gather);
  EXPECT_EQ(over_steps.time_use(), TimeUse::causal);
  EXPECT_EQ(over_steps.make_state(in)->bytes().size(), 2u * 5u * sizeof(float));
  EXPECT_EQ(over_tokens.time_role(), TimeRole::same);
  EXPECT_EQ(over_tokens.time_use(), TimeUse::none);
  EXPECT_EQ(over_tokens.make_state(in), nullptr);
}

// Runs a gathering op in two calls of two steps, its state saved, reset and restored in between.
template <class Op>
Value in_two_parts(const Op& op, const Value& in) {
  const std::vector<Value> out{make_value(op.infer(std::vector{spec_of(in)}, 4)[0])};
  const auto table = table_of<Op>();
  const auto state = op.make_state(std::vector{spec_of(in)});
  for (const Index first : {0, 2}) {
    const std::vector<Value> part{steps_of(in, first, 2)};
    table.all(op.kind()).back().run({op, part, out, {}, state.get(), {first, 2, 4}, cpu_backend()});
    const auto bytes = state->bytes();
    const std::vector<std::byte> saved(bytes.begin(), bytes.end());
    state->reset();
    std::copy(saved.begin(), saved.end(), state->bytes().begin());
  }
  return out[0];
}

TEST(Readout, FourStepsAreTwiceTwoWithTheStateKept) {
  const Value in = random_dense(tokens, 5);
  const ReadoutMean mean = made<ReadoutMean>({{"axes", "T N"}});
  EXPECT_TRUE(same(in_two_parts(mean, in), reference_of(mean, {in})));
  EXPECT_TRUE(same(in_two_parts(ReadoutMax(), in), reference_of(ReadoutMax(), {in})));
}

TEST(Readout, ResetForgetsTheRun) {
  const std::vector<Value> in{random_dense(tokens, 6)};
  for (const float low : {-3.0f, 3.0f}) {
    const std::vector<Value> other{
        tensor_of(tokens, std::vector<float>(static_cast<std::size_t>(tokens.count()), low))};
    const ReadoutMax op;
    const auto state = op.make_state(specs_of(in));
    const std::vector<Value> out{make_value(op.infer(specs_of(in), 4)[0])};
    const KernelTable table = table_of<ReadoutMax>();
    table.all(op.kind()).back().run({op, other, out, {}, state.get(), {0, 4, 4}, cpu_backend()});
    state->reset();
    table.all(op.kind()).back().run({op, in, out, {}, state.get(), {0, 4, 4}, cpu_backend()});
    EXPECT_TRUE(same(out[0], reference_of(op, in)));
  }
}

TEST(ReadoutMax, FindsTheGreatestOfNegativeMembranes) {
  const Value in =
      tensor_of({{Axis::T, 3}, {Axis::B, 1}, {Axis::C, 2}}, std::vector<float>{-3, -1, -2, -4, -5, -6});
  EXPECT_EQ(numbers_of(reference_of(ReadoutMax(), {in})), (std::vector<float>{-2, -1}));
}

TEST(ReadoutMean, RunningGivesTheMeanUpToEachStep) {
  const Shape two{{Axis::T, 4}, {Axis::B, 1}, {Axis::C, 2}};
  const ReadoutMean running = made<ReadoutMean>({{"axes", "T"}, {"running", true}});
  const std::vector<Value> in{tensor_of(two, std::vector<float>{4, 1, 2, 1, 3, -2, -1, 8})};
  EXPECT_EQ(numbers_of(reference_of(running, in)), (std::vector<float>{4, 1, 3, 1, 3, 0, 2, 2}));
  EXPECT_EQ(running.time_role(), TimeRole::same);
  EXPECT_EQ(running.time_use(), TimeUse::causal);
  EXPECT_EQ(running.make_state(specs_of(in))->bytes().size(), 2u * sizeof(float));
}

TEST(ReadoutMean, RunningHasTheBitsOfEveryShorterRunAtTheSameCost) {
  for (const char* axes : {"T", "T N", "N T C"}) {
    SCOPED_TRACE(axes);
    const ReadoutMean plain = made<ReadoutMean>({{"axes", axes}});
    const ReadoutMean running = made<ReadoutMean>({{"axes", axes}, {"running", true}});
    for (const Value& in :
         {Value(random_dense(tokens, 8)), Value(random_spikes(tokens, bipolar_code(), 0.4, 9))}) {
      const Value all = reference_of(running, {in});
      for (Index t = 0; t < tokens[Axis::T]; ++t) {
        EXPECT_TRUE(same(steps_of(all, t, 1), reference_of(plain, {steps_of(in, 0, t + 1)}))) << "step " << t;
      }
      EXPECT_EQ(cost_of(running, std::vector{in}, {}), cost_of(plain, std::vector{in}, {}));
      expect_parity(table_of<ReadoutMean>(), running, std::vector{in});
      expect_writes_all(running, {in});
    }
  }
}

TEST(ReadoutMean, RefusesToRunWithoutSteps) {
  EXPECT_EQ(infer_error(made<ReadoutMean>({{"axes", "N"}, {"running", true}}), {dense_spec(tokens)}),
            "running is true, but axes has no T");
}

TEST(Readout, WantsEventsDense) {
  const std::vector<ValueSpec> in{{Form::events, Dtype::f32, binary_code(), tokens},
                                  spike_spec(tokens, binary_code())};
  const ReadoutSum sum = made<ReadoutSum>({{"axes", "T"}});
  EXPECT_EQ(sum.wanted_form(0, in), Form::dense);
  EXPECT_EQ(sum.wanted_form(1, in), Form::spikes);
  EXPECT_EQ(ReadoutLast().wanted_form(0, in), Form::dense);
  EXPECT_EQ(ReadoutMax().wanted_form(1, in), Form::spikes);
}

TEST(Readout, RefusesOtherAxesAndForms) {
  const auto error = [](const std::string& axes) {
    return infer_error(made<ReadoutMean>({{"axes", axes}}), {dense_spec(tokens)});
  };
  EXPECT_THROW(made<ReadoutMean>(), Error);
  EXPECT_EQ(error("T N"), "");
  EXPECT_EQ(error(""), "axes is empty, wanted letters of [T=4 B=2 N=7 C=5]");
  for (const std::string axes : {"B", "N N", "T T", "T Y"}) {
    EXPECT_EQ(error(axes), "axes is '" + axes + "', wanted axes of [T=4 B=2 N=7 C=5] but B, each once");
  }
  EXPECT_NE(error("q"), "");
  const ValueSpec integers = dense_spec(tokens, Dtype::i32);
  const std::string wanted = "in is i32 [T=4 B=2 N=7 C=5], wanted f32 or spikes";
  EXPECT_EQ(infer_error(made<ReadoutSum>({{"axes", "T"}}), {integers}), wanted);
  EXPECT_EQ(infer_error(ReadoutLast(), {integers}), wanted);
  EXPECT_EQ(infer_error(ReadoutMax(), {integers}), wanted);
  EXPECT_EQ(infer_error(ReadoutMax(), {dense_spec({{Axis::T, 1}})}),
            "in is f32 [T=1], wanted axes [T B ...]");
}

}  // namespace
}  // namespace volley::test
