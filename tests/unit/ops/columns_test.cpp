// Tables to vectors and back, against plain loops.
#include "sim/ops/column_embedding.hpp"
#include "sim/ops/column_readout.hpp"
#include "tests/reference/columns_ref.hpp"
#include "tests/unit/ops/op_case.hpp"

namespace volley::test {
namespace {

std::vector<double> listed(const std::string& letters) {
  std::vector<double> numbers;
  for (const char letter : letters) {
    numbers.push_back(letter == 'n' ? 0.0 : letter - '0');
  }
  return numbers;
}

std::vector<Index> as_indices(const std::vector<double>& numbers) {
  return {numbers.begin(), numbers.end()};
}

Shape table_shape(const Case& entry) {
  return entry.shape("TBYX");
}

std::vector<Case> cases_of(std::string_view kind) {
  std::vector<Case> cases;
  for (const Case& entry : read_cases("columns.txt")) {
    if (entry.kind == kind) {
      cases.push_back(entry);
    }
  }
  return cases;
}

// Classes in the categorical columns; what is hidden there is no class at all.
EmbedNumbers embed_numbers(const Case& entry) {
  const Shape shape = table_shape(entry);
  const auto seed = static_cast<std::uint64_t>(entry.integer("seed"));
  EmbedNumbers in;
  in.width = entry.integer("C");
  in.classes = as_indices(listed(entry.fields.at("classes")));
  const auto columns = static_cast<Index>(in.classes.size());
  in.rows = shape.count() / columns;
  in.mask = numbers_of(random_spikes(shape, binary_code(), entry.real_or("hidden", 0), seed));
  in.values = random_numbers(shape.count(), seed + 1);
  Index encoded = 0;
  for (std::size_t x = 0; x < in.classes.size(); ++x) {
    const Index count = in.classes[x];
    encoded += (count == 0 ? 1 : count) + 1;
    for (std::size_t cell = x; cell < in.values.size() && count > 0; cell += in.classes.size()) {
      const float place = std::floor((in.values[cell] + 1) / 2 * static_cast<float>(count));
      in.values[cell] = in.mask[cell] != 0 ? -7.5f : place;
    }
  }
  in.weight = random_numbers(in.width * encoded, seed + 2);
  if (entry.integer_or("full", 0) == 1) {
    in.bias = random_numbers(columns * in.width, seed + 3);
    in.index = random_numbers(columns * in.width, seed + 4);
    in.type = random_numbers(2 * in.width, seed + 5);
  }
  if (entry.integer_or("raw", 0) == 1) {
    in.mean = random_numbers(columns, seed + 6);
    for (const float number : random_numbers(columns, seed + 7)) {
      in.deviation.push_back(number * number + 0.5f);
    }
  }
  return in;
}

EmbedColumns embed_of(const EmbedNumbers& in) {
  auto op = made<EmbedColumns>({{"classes", std::vector<double>(in.classes.begin(), in.classes.end())}});
  const auto columns = static_cast<Index>(in.classes.size());
  const auto set = [&](std::string_view slot, std::vector<Index> sizes, const std::vector<float>& numbers) {
    if (!numbers.empty()) {
      op.set_weight(slot, sizes, numbers);
    }
  };
  set("weight", {in.width, static_cast<Index>(in.weight.size()) / in.width}, in.weight);
  set("bias", {columns, in.width}, in.bias);
  set("index", {columns, in.width}, in.index);
  set("type", {2, in.width}, in.type);
  set("mean", {columns}, in.mean);
  set("deviation", {columns}, in.deviation);
  return op;
}

TEST(EmbedColumns, KernelsAndCostEqualThePlainLoops) {
  for (const Case& entry : cases_of(EmbedColumns::op_kind)) {
    SCOPED_TRACE(entry.line);
    const EmbedNumbers numbers = embed_numbers(entry);
    const EmbedColumns op = embed_of(numbers);
    const Shape shape = table_shape(entry);
    const std::vector<Value> in{tensor_of(shape, numbers.values), tensor_of(shape, numbers.mask)};
    CountingTally tally;
    const auto wanted = embed_reference(numbers, tally);
    expect_parity(table_of<EmbedColumns>(), op, in);
    expect_writes_all(op, in);
    const Value out = reference_of(op, in);
    ValueSpec spec = dense_spec(shape);
    spec.shape.extents.push_back({Axis::C, numbers.width});
    EXPECT_TRUE(holds_numbers(out, spec, wanted));
    EXPECT_EQ(cost_of(op, in, std::vector<Value>{out}), tally.cost);
    EXPECT_NO_THROW(op.check_values(in));
    if (shape[Axis::T] * shape[Axis::B] == 1) {
      const auto products = op.products(in);
      ASSERT_EQ(products.size(), 1u);
      EXPECT_EQ(products[0].dense, tally.cost.mac);
      EXPECT_EQ(products[0].event_a, products[0].a.nonzero * numbers.width);
      EXPECT_LE(products[0].coincidence, products[0].event_b);
    }
  }
}

TEST(EmbedColumns, DenseWorkIsThatOfATableWithNothingHidden) {
  for (const Case& entry : cases_of(EmbedColumns::op_kind)) {
    EmbedNumbers numbers = embed_numbers(entry);
    const Shape shape = table_shape(entry);
    for (std::size_t cell = 0; cell < numbers.mask.size(); ++cell) {
      numbers.values[cell] = numbers.mask[cell] != 0 ? 0.0f : numbers.values[cell];
      numbers.mask[cell] = 0;
    }
    CountingTally tally;
    embed_reference(numbers, tally);
    EXPECT_EQ(embed_of(numbers).dense_mac(std::vector{dense_spec(shape), dense_spec(shape)}), tally.cost.mac);
  }
}

TEST(EmbedColumns, WhatIsHiddenDoesNotShow) {
  const EmbedNumbers numbers = embed_numbers(cases_of(EmbedColumns::op_kind)[1]);
  const EmbedColumns op = embed_of(numbers);
  const Shape shape = table_shape(cases_of(EmbedColumns::op_kind)[1]);
  auto other = numbers.values;
  for (std::size_t cell = 0; cell < other.size(); ++cell) {
    other[cell] = numbers.mask[cell] != 0 ? 1e30f : other[cell];
  }
  const Value mask = tensor_of(shape, numbers.mask);
  EXPECT_TRUE(same(reference_of(op, {tensor_of(shape, other), mask}),
                   reference_of(op, {tensor_of(shape, numbers.values), mask})));
}

TEST(EmbedColumns, ACellThatIsNoClassIsAnErrorOfTheRun) {
  const auto op = made<EmbedColumns>({{"classes", std::vector<double>{0, 3}}});
  const Shape shape{{Axis::T, 1}, {Axis::B, 1}, {Axis::Y, 2}, {Axis::X, 2}};
  const auto error = [&](float value, float mask) -> std::string {
    try {
      op.check_values(std::vector<Value>{tensor_of(shape, std::vector<float>{9.5f, 2, -4, value}),
                                         tensor_of(shape, std::vector<float>{0, 0, 0, mask})});
    } catch (const Error& found) {
      return found.what();
    }
    return "";
  };
  EXPECT_EQ(error(0, 0), "");
  EXPECT_EQ(error(3, 1), "");
  EXPECT_EQ(error(3, 0), "values holds 3 in row 1, column 1, wanted a class: an integer of 0 to 2");
  EXPECT_EQ(error(-1, 0), "values holds -1 in row 1, column 1, wanted a class: an integer of 0 to 2");
  EXPECT_EQ(error(0.5f, 0), "values holds 0.5 in row 1, column 1, wanted a class: an integer of 0 to 2");
}

TEST(EmbedColumns, WhatDoesNotFitIsRefused) {
  const Shape shape{{Axis::T, 1}, {Axis::B, 1}, {Axis::Y, 3}, {Axis::X, 2}};
  const std::vector<ValueSpec> in{dense_spec(shape), dense_spec(shape)};
  const auto op_of = [](std::vector<double> classes, std::vector<Index> weight) {
    auto op = made<EmbedColumns>({{"classes", std::move(classes)}});
    const std::vector<float> numbers(static_cast<std::size_t>(weight[0] * weight[1]), 1.0f);
    op.set_weight("weight", weight, numbers);
    return op;
  };
  const std::vector<float> two{1, 1};
  EXPECT_EQ(infer_error(op_of({0, 0}, {5, 4}), in), "");
  EXPECT_EQ(infer_error(op_of({0, -1}, {5, 4}), in),
            "classes holds -1, wanted 0 (numeric) to 65536 of each column");
  EXPECT_EQ(infer_error(op_of({0, 0, 0}, {5, 6}), in),
            "values is f32 [T=1 B=1 Y=3 X=2], wanted X = 3 as in classes");
  EXPECT_EQ(infer_error(op_of({0, 2}, {5, 4}), in), "weight is [5 4], wanted [5 5]");
  EXPECT_EQ(infer_error(made<EmbedColumns>({{"classes", std::vector<double>{0, 0}}}), in),
            "weight is missing");
  EXPECT_EQ(infer_error(op_of({0, 0}, {5, 4}), {in[0], dense_spec(shape.with(Axis::Y, 4))}),
            "mask is f32 [T=1 B=1 Y=4 X=2], wanted f32 [T=1 B=1 Y=3 X=2] as values");
  const Shape tokens{{Axis::T, 1}, {Axis::B, 1}, {Axis::N, 3}, {Axis::C, 2}};
  EXPECT_EQ(infer_error(op_of({0, 0}, {5, 4}), {dense_spec(tokens), dense_spec(tokens)}),
            "values is f32 [T=1 B=1 N=3 C=2], wanted axes [T B Y X]");
  EXPECT_EQ(infer_error(op_of({0, 0}, {5, 4}), {dense_spec(shape, Dtype::i32), in[1]}),
            "values is i32 [T=1 B=1 Y=3 X=2], wanted f32");
  auto op = op_of({0, 0}, {5, 4});
  op.set_weight("mean", {2}, two);
  EXPECT_EQ(infer_error(op, in), "mean and deviation: one is missing, wanted both or none");
  op.set_weight("deviation", {2}, std::vector<float>{1, 0});
  EXPECT_EQ(infer_error(op, in), "deviation of column 1 is 0, wanted above 0");
  op.set_weight("deviation", {1}, std::vector<float>{1});
  EXPECT_EQ(infer_error(op, in), "deviation is [1], wanted [2]");
  op.set_weight("type", {1, 2}, two);
  EXPECT_EQ(infer_error(op, in), "type is [1 2], wanted [2 5]");
  op.set_weight("index", {1, 2}, two);
  EXPECT_EQ(infer_error(op, in), "index is [1 2], wanted [2 5]");
  op.set_weight("bias", {2, 1}, two);
  EXPECT_EQ(infer_error(op, in), "bias is [2 1], wanted [2 5]");
  EXPECT_THROW(op.set_weight("bias", {2}, two), Error);
  EXPECT_THROW(op.set_weight("mean", {1, 2}, two), Error);
}

ReadoutColumns readout_of(const std::vector<double>& outputs, Index width, const std::vector<float>& weight,
                          const std::vector<float>& bias) {
  auto op = made<ReadoutColumns>({{"outputs", outputs}});
  op.set_weight("weight", {static_cast<Index>(weight.size()) / width, width}, weight);
  if (!bias.empty()) {
    op.set_weight("bias", {static_cast<Index>(bias.size())}, bias);
  }
  return op;
}

TEST(ReadoutColumns, NumbersAndCostEqualThePlainLoops) {
  for (const Case& entry : cases_of(ReadoutColumns::op_kind)) {
    SCOPED_TRACE(entry.line);
    const auto seed = static_cast<std::uint64_t>(entry.integer("seed"));
    const Shape shape = entry.shape("TBYXC");
    const Index width = shape[Axis::C];
    const auto sizes = listed(entry.fields.at("outputs"));
    Index outputs = 0;
    for (const double size : sizes) {
      outputs += static_cast<Index>(size);
    }
    const auto weight = random_numbers(outputs * width, seed + 1);
    const auto bias = entry.integer("bias") == 1 ? random_numbers(outputs, seed + 2) : std::vector<float>{};
    const auto op = readout_of(sizes, width, weight, bias);
    const std::vector<Value> in{random_dense(shape, seed)};
    CountingTally tally;
    const Index rows = shape[Axis::T] * shape[Axis::B] * shape[Axis::Y];
    const auto wanted =
        readout_reference(numbers_of(in[0]), rows, width, as_indices(sizes), weight, bias, tally);
    expect_parity(table_of<ReadoutColumns>(), op, in);
    expect_writes_all(op, in);
    const Value out = reference_of(op, in);
    const Shape out_shape{shape.extents[0], shape.extents[1], {Axis::N, shape[Axis::Y]}, {Axis::C, outputs}};
    EXPECT_TRUE(holds_numbers(out, dense_spec(out_shape), wanted));
    EXPECT_EQ(cost_of(op, in, std::vector<Value>{out}), tally.cost);
    EXPECT_EQ(op.dense_mac(specs_of(in)), tally.cost.mac);
    if (shape[Axis::T] * shape[Axis::B] == 1) {
      EXPECT_EQ(op.products(in)[0].dense, tally.cost.mac);
      EXPECT_EQ(op.products(in)[0].bias, tally.cost.add);
    }
  }
}

TEST(ReadoutColumns, WhatDoesNotFitIsRefused) {
  const Shape shape{{Axis::T, 1}, {Axis::B, 1}, {Axis::Y, 3}, {Axis::X, 2}, {Axis::C, 2}};
  const std::vector<ValueSpec> in{dense_spec(shape)};
  const std::vector<float> weight(6, 1.0f);
  EXPECT_EQ(infer_error(readout_of({1, 2}, 2, weight, {}), in), "");
  EXPECT_EQ(infer_error(readout_of({1, -2}, 2, weight, {}), in),
            "outputs holds -2, wanted 0 to 65536 of each column");
  EXPECT_EQ(infer_error(readout_of({0, 0}, 2, weight, {}), in),
            "outputs are all 0, wanted a column that is read out");
  EXPECT_EQ(infer_error(readout_of({3}, 2, weight, {}), in),
            "in is f32 [T=1 B=1 Y=3 X=2 C=2], wanted X = 1 as in outputs");
  EXPECT_EQ(infer_error(readout_of({1, 1}, 2, weight, {}), in), "weight is [3 2], wanted [2 2]");
  EXPECT_EQ(infer_error(readout_of({1, 2}, 2, weight, {1}), in), "bias is [1], wanted [3]");
  EXPECT_EQ(infer_error(made<ReadoutColumns>({{"outputs", std::vector<double>{1, 2}}}), in),
            "weight is missing");
  EXPECT_EQ(infer_error(readout_of({1, 2}, 2, weight, {}), {dense_spec(shape, Dtype::i32)}),
            "in is i32 [T=1 B=1 Y=3 X=2 C=2], wanted f32");
  const Shape tokens{{Axis::T, 1}, {Axis::B, 1}, {Axis::N, 3}, {Axis::C, 2}};
  EXPECT_EQ(infer_error(readout_of({1, 2}, 2, weight, {}), {dense_spec(tokens)}),
            "in is f32 [T=1 B=1 N=3 C=2], wanted axes [T B Y X C]");
}

}  // namespace
}  // namespace volley::test
