// Holds conversions to the numbers that both forms stand for.
#include "sim/ops/convert.hpp"

#include <cmath>
#include <limits>

#include "tests/unit/ops/op_case.hpp"

namespace volley::test {
namespace {

void check_to_dense(const Case& entry) {
  const ConvertDense op;
  const Shape shape = entry.shape("TBNC");
  const SpikeTensor spikes = std::get<SpikeTensor>(input_of(entry, shape, entry.fields.at("form")));
  std::vector<float> wanted;
  for (Index row = 0; row < spikes.rows(); ++row) {
    for (Index column = 0; column < shape.row(); ++column) {
      wanted.push_back(static_cast<float>(spikes.at(row, column)));
    }
  }
  const std::vector<Value> in{spikes};
  EXPECT_TRUE(holds_numbers(reference_of(op, in), dense_spec(shape), wanted));
  EXPECT_TRUE(holds_numbers(reference_of(op, {to_events(spikes)}), dense_spec(shape), wanted));
  expect_writes_all(op, {to_events(spikes)});
  EXPECT_EQ(cost_of(op, in, {}), Cost{});
  expect_parity(table_of<ConvertDense>(), op, in);
  expect_writes_all(op, in);
}

float nearest(float number, SpikeCode code) {
  const float least = code.coding == Coding::bipolar ? -1.0f : 0.0f;
  const float greatest = code.coding == Coding::bipolar ? 1.0f : static_cast<float>(code.planes);
  float best = least;
  for (float value = least; value <= greatest; value += 1.0f) {
    if (std::abs(value - number) < std::abs(best - number)) {
      best = value;
    }
  }
  return best;
}

void check_to_spikes(const Case& entry) {
  const ConvertSpikes op = made<ConvertSpikes>(entry.attributes());
  const std::string word = entry.fields.at("attr.code");
  const SpikeCode code = code_of(word == "graded" ? word + entry.fields.at("attr.levels") : word);
  const Shape shape = entry.shape("TBNC");
  auto numbers = random_numbers(shape.count(), static_cast<std::uint64_t>(entry.integer("seed")));
  for (float& number : numbers) {
    number *= 1.0f + static_cast<float>(code.planes);  // beyond the code on both sides
  }
  const std::vector<Value> in{tensor_of(shape, numbers)};
  Cost tally;
  std::vector<float> wanted;
  for (const float number : numbers) {
    wanted.push_back(nearest(number, code));
    tally.compare += code.planes;
  }
  EXPECT_TRUE(holds_numbers(reference_of(op, in), spike_spec(shape, code), wanted));
  EXPECT_EQ(cost_of(op, in, {}), tally);
  expect_parity(table_of<ConvertSpikes>(), op, in);
  expect_writes_all(op, in);
  const SpikeTensor spikes = random_spikes(shape, code, 0.4, 9);
  EXPECT_TRUE(same(reference_of(op, {to_events(spikes)}), spikes));
  expect_writes_all(op, {to_events(spikes)});
  EXPECT_TRUE(same(reference_of(op, {unpack(spikes)}), spikes));
}

TEST(Convert, AgreesWithTheNumbersOfBothForms) {
  for (const Case& entry : read_cases("convert.txt")) {
    SCOPED_TRACE(entry.line);
    if (entry.kind == ConvertDense::op_kind) {
      check_to_dense(entry);
    } else {
      ASSERT_EQ(entry.kind, ConvertSpikes::op_kind);
      check_to_spikes(entry);
    }
  }
}

const Shape shape{{Axis::T, 1}, {Axis::B, 1}, {Axis::C, 6}};

TEST(ConvertSpikes, RoundsHalvesAwayFromZeroAndTakesNotANumberAsZero) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  const Value in = tensor_of(shape, std::vector<float>{0.5f, -0.5f, 0.49f, nan, infinity, -infinity});
  const auto converted = [&](const char* code) {
    return numbers_of(reference_of(made<ConvertSpikes>({{"code", code}, {"levels", 3.0}}), {in}));
  };
  EXPECT_EQ(converted("binary"), (std::vector<float>{1, 0, 0, 0, 1, 0}));
  EXPECT_EQ(converted("bipolar"), (std::vector<float>{1, -1, 0, 0, 1, -1}));
  EXPECT_EQ(converted("graded"), (std::vector<float>{1, 0, 0, 0, 3, 0}));
}

TEST(ConvertSpikes, ClampsEventsOfAnotherCode) {
  const Value graded =
      to_events(pack(tensor_of(shape, std::vector<float>{0, 1, 2, 3, 0, 1}), graded_code(3)));
  EXPECT_EQ(numbers_of(reference_of(ConvertSpikes(), {graded})), (std::vector<float>{0, 1, 1, 1, 0, 1}));
  Activity activity{spec_of(graded), 7, {}};
  EXPECT_EQ(ConvertSpikes().cost({&activity, 1}, {}), Cost{});
}

TEST(Convert, RefusesTheFormThatIsThereAlready) {
  EXPECT_EQ(infer_error(ConvertDense(), {dense_spec(shape)}),
            "in is f32 [T=1 B=1 C=6], wanted spikes or events");
  EXPECT_EQ(infer_error(ConvertDense(), {spike_spec({{Axis::C, 6}}, binary_code())}),
            "in is binary [C=6], wanted axes [T B ...]");
  EXPECT_EQ(infer_error(ConvertSpikes(), {spike_spec(shape, binary_code())}),
            "in is binary [T=1 B=1 C=6], wanted f32");
  EXPECT_EQ(infer_error(ConvertSpikes(), {dense_spec({{Axis::C, 6}})}),
            "in is f32 [C=6], wanted axes [T B ...]");
  EXPECT_EQ(infer_error(made<ConvertSpikes>({{"levels", 65.0}}), {dense_spec(shape)}),
            "levels is 65, wanted 1 to 64");
  EXPECT_EQ(infer_error(made<ConvertSpikes>({{"levels", 0.0}}), {dense_spec(shape)}),
            "levels is 0, wanted 1 to 64");
  EXPECT_THROW(made<ConvertSpikes>({{"code", "ternary"}}), Error);
}

TEST(ConvertSpikes, WantsSpikesAsNumbersAndEventsAsTheyAre) {
  const std::vector<ValueSpec> in{{Form::events, Dtype::f32, binary_code(), shape},
                                  spike_spec(shape, binary_code())};
  EXPECT_EQ(ConvertSpikes().wanted_form(0, in), Form::events);
  EXPECT_EQ(ConvertSpikes().wanted_form(1, in), Form::dense);
}

}  // namespace
}  // namespace volley::test
