// Holds the rounding of activations to a plain definition, and its cost to a tally.
#include "sim/ops/quantise.hpp"

#include <cmath>
#include <set>

#include "tests/unit/ops/op_case.hpp"

namespace volley::test {
namespace {

// The nearest level by search over all of them; of two at the same distance the even one.
float nearest_level(float number, float scale, Index lowest, Index highest) {
  const double wanted = static_cast<double>(number / scale);
  Index best = lowest;
  for (Index level = lowest; level <= highest; ++level) {
    const double distance = std::abs(wanted - static_cast<double>(level));
    const double nearest = std::abs(wanted - static_cast<double>(best));
    if (distance < nearest || (distance == nearest && level % 2 == 0)) {
      best = level;
    }
  }
  return static_cast<float>(best) * scale;
}

TEST(Quantise, TakesTheNearestLevelAndCountsEachPlace) {
  for (const Case& entry : read_cases("quantise.txt")) {
    SCOPED_TRACE(entry.line);
    const Quantise op = made<Quantise>(entry.attributes());
    const std::vector<Value> in{input_of(entry, entry.shape("TBNC"), "dense")};
    const bool is_signed = entry.word_or("attr.signed", "true") == "true";
    const Index levels = Index{1} << entry.integer("attr.bits");
    const Index highest = is_signed ? levels / 2 - 1 : levels - 1;
    Cost tally;
    std::vector<float> wanted;
    for (const float number : numbers_of(in[0])) {
      wanted.push_back(nearest_level(number, op.scale(), is_signed ? -highest : 0, highest));
      ++tally.special;
    }
    EXPECT_TRUE(holds_numbers(reference_of(op, in), spec_of(in[0]), wanted));
    EXPECT_EQ(cost_of(op, in, {}), tally);
    expect_parity(table_of<Quantise>(), op, in);
    expect_writes_all(op, in);
  }
}

const Shape seven{{Axis::T, 1}, {Axis::B, 1}, {Axis::C, 7}};

TEST(Quantise, RoundsTiesToEvenAndClampsBothEnds) {
  const Value in = tensor_of(seven, std::vector<float>{-9, -0.75f, -0.2f, 0.25f, 0.75f, 1.25f, 9});
  const Quantise with_sign = made<Quantise>({{"bits", 3.0}, {"scale", 0.5}});
  EXPECT_EQ(numbers_of(reference_of(with_sign, {in})), (std::vector<float>{-1.5f, -1, 0, 0, 1, 1, 1.5f}));
  const Quantise without = made<Quantise>({{"bits", 3.0}, {"scale", 0.5}, {"signed", false}});
  EXPECT_EQ(numbers_of(reference_of(without, {in})), (std::vector<float>{0, 0, 0, 0, 1, 1, 3.5f}));
}

TEST(Quantise, GivesNoNegativeZero) {
  const Value in = tensor_of(seven, std::vector<float>(7, -0.1f));
  for (const float number : numbers_of(reference_of(made<Quantise>({{"bits", 4.0}, {"scale", 1.0}}), {in}))) {
    EXPECT_FALSE(std::signbit(number));
  }
}

TEST(Quantise, HasAsManyValuesAsLevels) {
  const Shape many{{Axis::T, 1}, {Axis::B, 1}, {Axis::C, 4096}};
  const Value in = random_dense(many, 11);
  const auto values = [&](double bits, double scale) {
    const auto numbers = numbers_of(reference_of(made<Quantise>({{"bits", bits}, {"scale", scale}}), {in}));
    return std::set<float>(numbers.begin(), numbers.end()).size();
  };
  EXPECT_EQ(values(2, 0.5), 3u);
  EXPECT_EQ(values(3, 0.3), 7u);
  EXPECT_EQ(values(4, 0.1), 15u);
}

TEST(Quantise, RefusesOtherBitsScalesAndForms) {
  EXPECT_THROW(made<Quantise>({{"bits", 8.0}}), Error);
  EXPECT_THROW(made<Quantise>({{"scale", 1.0}}), Error);
  const auto error = [](double bits, double scale, const ValueSpec& in) {
    return infer_error(made<Quantise>({{"bits", bits}, {"scale", scale}}), {in});
  };
  EXPECT_EQ(error(8, 1, dense_spec(seven)), "");
  EXPECT_EQ(error(1, 1, dense_spec(seven)), "bits is 1, wanted 2 to 16");
  EXPECT_EQ(error(17, 1, dense_spec(seven)), "bits is 17, wanted 2 to 16");
  EXPECT_EQ(error(8, 0, dense_spec(seven)), "scale is 0, wanted more than 0");
  EXPECT_EQ(error(8, -1, dense_spec(seven)), "scale is -1, wanted more than 0");
  EXPECT_NE(error(8, 1, dense_spec(seven, Dtype::i32)), "");
  EXPECT_NE(error(8, 1, dense_spec({{Axis::T, 1}})), "");
  EXPECT_EQ(Quantise().wanted_form(0, std::vector{spike_spec(seven, binary_code())}), Form::dense);
}

}  // namespace
}  // namespace volley::test
