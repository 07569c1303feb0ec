// The embedding of position against its formula.
#include "sim/ops/position.hpp"

#include "tests/support/random_values.hpp"
#include "tests/support/run_op.hpp"

namespace volley::test {
namespace {

const Shape tokens{{Axis::T, 3}, {Axis::B, 2}, {Axis::N, 7}, {Axis::C, 65}};

void expect_error(const Position& op, const ValueSpec& in, const std::string& wanted) {
  try {
    (void)op.infer(std::vector{in}, 1);
    FAIL() << "no error, wanted: " << wanted;
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(wanted), std::string::npos) << error.what();
  }
}

TEST(Position, AddsTheSameNumbersInEveryStepAndSample) {
  const auto weight = random_numbers(7 * 65, 1);
  const std::vector<Value> in{random_dense(tokens, 2)};
  const KernelTable table = table_of<Position>();
  for (const auto& sizes : {std::vector<Index>{7, 65}, std::vector<Index>{1, 7, 65}}) {
    Position op;
    op.set_weight("weight", sizes, weight);
    expect_parity(table, op, in);
    const auto out = run_op(op, table.all(op.kind())[0], in);
    const auto x = std::get<Tensor>(in[0]).as<float>();
    for (std::size_t i = 0; i < x.size(); ++i) {
      ASSERT_EQ(std::get<Tensor>(out[0]).as<float>()[i], x[i] + weight[i % weight.size()]) << i;
    }
    Cost wanted;
    wanted.add = tokens.count();
    EXPECT_EQ(cost_of(op, in, out), wanted);
    EXPECT_EQ(op.wanted_form(0, std::vector{spike_spec(tokens, binary_code())}), Form::dense);
  }
}

TEST(Position, RefusesWhatDoesNotFit) {
  Position op;
  expect_error(op, dense_spec(tokens), "weight is missing");
  EXPECT_THROW(op.set_weight("weight", {65}, random_numbers(65, 1)), Error);
  EXPECT_THROW(op.set_weight("weight", {2, 7, 65}, random_numbers(2 * 7 * 65, 1)), Error);
  op.set_weight("weight", {7, 65}, random_numbers(7 * 65, 1));
  expect_error(op, dense_spec(tokens.with(Axis::N, 8)), "N and C of input are 8 and 65, wanted 7 and 65");
  expect_error(op, dense_spec(tokens.with(Axis::C, 64)), "N and C of input are 7 and 64, wanted 7 and 65");
  expect_error(op, spike_spec(tokens, binary_code()), "f32");
  expect_error(op, dense_spec({{Axis::T, 1}, {Axis::B, 1}, {Axis::C, 65}}), "N");
}

}  // namespace
}  // namespace volley::test
