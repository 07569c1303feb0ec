// Concatenation against plain copies, bit for bit.
#include "sim/ops/concat.hpp"

#include <sstream>

#include "tests/unit/ops/op_case.hpp"

namespace volley::test {
namespace {

std::vector<std::string> words_of(const Case& entry, const std::string& field) {
  std::vector<std::string> words;
  std::istringstream text(entry.fields.at(field));
  for (std::string word; std::getline(text, word, ',');) {
    words.push_back(word);
  }
  return words;
}

Shape with_channels(const Shape& tokens, Index channels) {
  Shape shape = tokens;
  shape.extents.push_back({Axis::C, channels});
  return shape;
}

ValueSpec wanted_spec(const std::vector<std::string>& forms, const Shape& shape) {
  int levels = 1;
  bool has_bipolar = false;
  bool has_graded = false;
  for (const std::string& form : forms) {
    if (form == "dense") {
      return dense_spec(shape);
    }
    has_bipolar = has_bipolar || form == "bipolar";
    has_graded = has_graded || form.starts_with("graded");
    levels = std::max(levels, code_of(form).planes);
  }
  return spike_spec(shape, has_bipolar ? bipolar_code() : has_graded ? graded_code(levels) : binary_code());
}

TEST(MergeConcat, PutsRowsSideBySide) {
  const auto cases = read_cases("concat.txt");
  ASSERT_FALSE(cases.empty());
  for (const Case& entry : cases) {
    SCOPED_TRACE(entry.line);
    const Shape tokens = entry.shape("TBN");
    const auto forms = words_of(entry, "forms");
    const auto channels = words_of(entry, "channels");
    ASSERT_EQ(forms.size(), channels.size());
    std::vector<Value> in;
    std::vector<std::vector<float>> parts;
    Index total = 0;
    for (std::size_t slot = 0; slot < forms.size(); ++slot) {
      const Index width = std::stol(channels[slot]);
      in.push_back(input_of(entry, with_channels(tokens, width), forms[slot], 100 * slot));
      parts.push_back(numbers_of(in.back()));
      total += width;
    }
    std::vector<float> wanted;
    for (std::size_t row = 0; row < static_cast<std::size_t>(tokens.count()); ++row) {
      for (const auto& part : parts) {
        const std::size_t width = part.size() / static_cast<std::size_t>(tokens.count());
        for (std::size_t c = 0; c < width; ++c) {
          wanted.push_back(part[row * width + c]);
        }
      }
    }
    const MergeConcat op;
    const Value out = reference_of(op, in);
    EXPECT_TRUE(holds_numbers(out, wanted_spec(forms, with_channels(tokens, total)), wanted));
    EXPECT_EQ(cost_of(op, in, std::vector<Value>{out}), Cost());
    EXPECT_EQ(op.dense_mac(specs_of(in)), 0);
    expect_parity(table_of<MergeConcat>(), op, in);
    expect_writes_all(op, in);
  }
}

const Shape shape{{Axis::T, 2}, {Axis::B, 1}, {Axis::N, 4}, {Axis::C, 3}};

TEST(MergeConcat, WantsSpikesOnlyWhereOneCodeHoldsThemAll) {
  const MergeConcat op;
  const ValueSpec binary = spike_spec(shape, binary_code());
  const ValueSpec bipolar = spike_spec(shape, bipolar_code());
  const ValueSpec graded = spike_spec(shape, graded_code(2));
  const ValueSpec events{Form::events, Dtype::f32, binary_code(), shape};
  const auto wanted = [&](const std::vector<ValueSpec>& in) { return op.wanted_form(1, in); };
  EXPECT_EQ(wanted({binary, binary}), Form::spikes);
  EXPECT_EQ(wanted({graded, binary, graded}), Form::spikes);
  EXPECT_EQ(wanted({binary, bipolar}), Form::spikes);
  EXPECT_EQ(wanted({graded, bipolar}), Form::dense);
  EXPECT_EQ(wanted({bipolar, binary, graded}), Form::dense);
  EXPECT_EQ(wanted({binary, dense_spec(shape)}), Form::dense);
  EXPECT_EQ(wanted({binary, events}), Form::dense);
}

TEST(MergeConcat, RefusesOtherShapesAndForms) {
  const MergeConcat op;
  const ValueSpec dense = dense_spec(shape);
  EXPECT_EQ(op.arity().least, 2u);
  EXPECT_EQ(op.arity().most, 8u);
  EXPECT_EQ(infer_error(op, {dense, dense_spec(shape.with(Axis::C, 1))}), "");
  EXPECT_EQ(infer_error(op, {dense, dense_spec(shape.with(Axis::N, 5))}),
            "input 1 is f32 [T=2 B=1 N=5 C=3], wanted [T=2 B=1 N=4 C=3] but for C, as input 0");
  EXPECT_EQ(infer_error(op, {dense, dense_spec(shape.with(Axis::T, 1))}),
            "input 1 is f32 [T=1 B=1 N=4 C=3], wanted [T=2 B=1 N=4 C=3] but for C, as input 0");
  EXPECT_EQ(infer_error(op, {dense_spec(shape.without(Axis::C)), dense}),
            "input 0 is f32 [T=2 B=1 N=4], wanted C as the last axis");
  EXPECT_EQ(infer_error(op, {dense_spec({{Axis::C, 3}}), dense}),
            "input 0 is f32 [C=3], wanted axes [T B ...]");
  EXPECT_EQ(infer_error(op, {dense, spike_spec(shape, binary_code())}),
            "input 1 is binary [T=2 B=1 N=4 C=3], wanted f32");
  EXPECT_EQ(infer_error(op, {dense, dense_spec(shape, Dtype::i32)}),
            "input 1 is i32 [T=2 B=1 N=4 C=3], wanted f32");
}

}  // namespace
}  // namespace volley::test
