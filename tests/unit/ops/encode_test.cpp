// Holds encoders to their equations: no batch and no executor may show in the spikes.
#include "sim/ops/encode.hpp"

#include <cmath>

#include "sim/base/rng.hpp"
#include "tests/unit/ops/op_case.hpp"

namespace volley::test {
namespace {

constexpr std::uint32_t node_key = 1;  // of run_op
constexpr std::uint64_t run_seed = 77;

Shape unspread(const Case& entry) {
  Shape shape = entry.shape(entry.fields.at("shape"));
  shape.extents.insert(shape.extents.begin(), {Axis::T, 1});
  return shape;
}

// Numbers in [-0.1, 1.1], so that some are out of range; 0, 1/2 and 1 are among them.
Value intensities(const Case& entry) {
  auto numbers = random_numbers(unspread(entry).count(), static_cast<std::uint64_t>(entry.integer("seed")));
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = i % 8 < 3 ? static_cast<float>(i % 8) / 2.0f : 0.5f + 0.6f * numbers[i];
  }
  return tensor_of(unspread(entry), numbers);
}

// Numbers of out, and their count by the tally: number(step, index in the batch).
template <class Op, class Number>
void check_case(const Case& entry, const Value& input, const ValueSpec& wanted, const Cost& cost,
                const Number& number) {
  const Op op = made<Op>(entry.attributes());
  const std::vector<Value> in{input};
  const Index steps = entry.integer("T");
  const Index count = spec_of(input).shape.count();
  std::vector<float> numbers;
  for (Index t = 0; t < steps; ++t) {
    for (Index i = 0; i < count; ++i) {
      numbers.push_back(number(t, static_cast<std::size_t>(i)));
    }
  }
  const std::vector<Value> out{reference_of(op, in, steps, run_seed)};
  EXPECT_TRUE(holds_numbers(out[0], wanted, numbers));
  EXPECT_EQ(cost_of(op, in, out), cost);
  const KernelTable table = table_of<Op>();
  EXPECT_TRUE(same(run_op_stepped(op, table.all(Op::op_kind).back(), in, steps, run_seed)[0], out[0]));
  expect_parity(table, op, in, steps);
  expect_writes_all(op, in, steps, run_seed);
}

TEST(Encode, AgreesWithItsEquation) {
  for (const Case& entry : read_cases("encode.txt")) {
    SCOPED_TRACE(entry.line);
    const Index steps = entry.integer("T");
    const Value image = intensities(entry);
    const auto x = numbers_of(image);
    const ValueSpec spikes = spike_spec(unspread(entry).with(Axis::T, steps), binary_code());
    Cost comparisons;
    comparisons.compare = spikes.shape.count();
    if (entry.kind == EncodeDirect::op_kind) {
      const Value in = input_of(entry, unspread(entry), entry.fields.at("form"));
      ValueSpec wanted = spec_of(in);
      wanted.shape = spikes.shape;
      const auto numbers = numbers_of(in);
      check_case<EncodeDirect>(entry, in, wanted, {}, [&](Index, std::size_t i) { return numbers[i]; });
    } else if (entry.kind == EncodePoisson::op_kind) {
      const auto gain = static_cast<float>(entry.real_or("attr.gain", 1.0));
      check_case<EncodePoisson>(entry, image, spikes, comparisons, [&](Index t, std::size_t i) {
        return random_uniform(run_seed, node_key, static_cast<std::uint32_t>(t), i) < x[i] * gain ? 1.0f
                                                                                                  : 0.0f;
      });
    } else {
      ASSERT_EQ(entry.kind, EncodeLatency::op_kind);
      const auto threshold = static_cast<float>(entry.real_or("attr.threshold", 0.0));
      check_case<EncodeLatency>(entry, image, spikes, comparisons, [&](Index t, std::size_t i) {
        const float late = (1.0f - std::min(x[i], 1.0f)) * static_cast<float>(steps - 1);
        return x[i] > threshold && std::floor(late + 0.5f) == static_cast<float>(t) ? 1.0f : 0.0f;
      });
    }
  }
}

const Shape samples{{Axis::T, 1}, {Axis::B, 4}, {Axis::N, 3}, {Axis::C, 65}};

TEST(EncodePoisson, BatchOfFourIsTwoBatchesOfTwo) {
  const Tensor in = tensor_of(samples, std::vector<float>(static_cast<std::size_t>(samples.count()), 0.5f));
  const EncodePoisson op;
  constexpr Index steps = 3;
  const auto whole = numbers_of(reference_of(op, {in}, steps, run_seed));
  const Shape half = samples.with(Axis::B, 2);
  const auto size = static_cast<std::size_t>(half.count());
  const KernelTable table = table_of<EncodePoisson>();
  for (const Index first : {0, 2}) {
    const std::vector<Value> part{tensor_of(half, std::vector<float>(size, 0.5f))};
    const std::vector<Value> out{make_value(op.infer(specs_of(part), steps)[0])};
    table.all(op.kind()).back().run(
        {op, part, out, {}, nullptr, {0, steps, steps}, cpu_backend(), run_seed, node_key, first});
    const auto numbers = numbers_of(out[0]);
    for (std::size_t t = 0; t < steps; ++t) {
      for (std::size_t i = 0; i < size; ++i) {
        const std::size_t in_whole = (2 * t + static_cast<std::size_t>(first) / 2) * size + i;
        ASSERT_EQ(numbers[t * size + i], whole[in_whole]) << "step " << t << ", number " << i;
      }
    }
  }
}

TEST(EncodePoisson, FiresAtTheRateOfTheValue) {
  const Shape shape{{Axis::T, 1}, {Axis::B, 1}, {Axis::C, 1000}};
  const Value in = tensor_of(shape, std::vector<float>(1000, 0.3f));
  const Value out = reference_of(EncodePoisson(), {in}, 10, run_seed);
  // 10000 draws: the standard deviation is 46; 5 of them are allowed, and the seed is fixed.
  EXPECT_NEAR(static_cast<double>(spike_count(std::get<SpikeTensor>(out))), 3000.0, 230.0);
  const Value other = reference_of(EncodePoisson(), {in}, 10, run_seed + 1);
  EXPECT_FALSE(same(out, other));
}

TEST(EncodeLatency, GreaterIsEarlierAndEachFiresOnce) {
  const Shape shape{{Axis::T, 1}, {Axis::B, 1}, {Axis::C, 6}};
  const Value in = tensor_of(shape, std::vector<float>{1.0f, 0.75f, 0.5f, 0.01f, 0.0f, 7.0f});
  EXPECT_EQ(numbers_of(reference_of(EncodeLatency(), {in}, 5)), (std::vector<float>{1, 0, 0, 0, 0, 1,  //
                                                                                    0, 1, 0, 0, 0, 0,  //
                                                                                    0, 0, 1, 0, 0, 0,  //
                                                                                    0, 0, 0, 0, 0, 0,  //
                                                                                    0, 0, 0, 1, 0, 0}));
}

TEST(EncodeDirect, KeepsIntegers) {
  Tensor in(Dtype::i8, {{Axis::T, 1}, {Axis::B, 1}, {Axis::C, 2}});
  in.as_mutable<std::int8_t>()[1] = 5;
  const Value out = reference_of(EncodeDirect(), {in}, 2);
  const auto numbers = std::get<Tensor>(out).as<std::int8_t>();
  EXPECT_EQ(std::vector<int>(numbers.begin(), numbers.end()), (std::vector<int>{0, 5, 0, 5}));
}

TEST(Encode, WantsDenseNumbersAndDirectTakesSpikes) {
  const std::vector<ValueSpec> in{{Form::events, Dtype::f32, binary_code(), samples},
                                  spike_spec(samples, binary_code())};
  EXPECT_EQ(EncodeDirect().wanted_form(0, in), Form::dense);
  EXPECT_EQ(EncodeDirect().wanted_form(1, in), Form::spikes);
  EXPECT_EQ(EncodePoisson().wanted_form(1, in), Form::dense);
  EXPECT_EQ(EncodeLatency().wanted_form(1, in), Form::dense);
  EXPECT_EQ(EncodeDirect().time_role(), TimeRole::spread);
}

TEST(Encode, RefusesWhatHasStepsAndOtherForms) {
  const ValueSpec stepped = dense_spec(samples.with(Axis::T, 2));
  const std::string has_steps = "in is f32 [T=2 B=4 N=3 C=65], wanted T=1: it has steps already";
  EXPECT_EQ(infer_error(EncodeDirect(), {stepped}, 4), has_steps);
  EXPECT_EQ(infer_error(EncodePoisson(), {stepped}, 4), has_steps);
  EXPECT_EQ(infer_error(EncodeLatency(), {stepped}, 4), has_steps);
  EXPECT_EQ(infer_error(EncodeDirect(), {dense_spec({{Axis::B, 1}})}),
            "in is f32 [B=1], wanted axes [T B ...]");
  const ValueSpec spikes = spike_spec(samples, binary_code());
  EXPECT_EQ(infer_error(EncodePoisson(), {spikes}), "in is binary [T=1 B=4 N=3 C=65], wanted f32");
  EXPECT_EQ(infer_error(EncodeLatency(), {spikes}), "in is binary [T=1 B=4 N=3 C=65], wanted f32");
  EXPECT_EQ(infer_error(made<EncodePoisson>({{"gain", 0.0}}), {dense_spec(samples)}),
            "gain is 0, wanted more than 0");
  EXPECT_EQ(infer_error(made<EncodeLatency>({{"threshold", -0.5}}), {dense_spec(samples)}),
            "threshold is -0.5, wanted 0 or more");
}

}  // namespace
}  // namespace volley::test
