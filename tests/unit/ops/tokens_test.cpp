// Tokens put together, taken, ordered by windows and hidden, number for number.
#include "sim/ops/tokens.hpp"

#include "tests/unit/ops/op_case.hpp"

namespace volley::test {
namespace {

Shape token_shape(Index t, Index b, Index n, Index c) {
  return {{Axis::T, t}, {Axis::B, b}, {Axis::N, n}, {Axis::C, c}};
}

// All forms of a value: numbers, and spikes of every code.
std::vector<Value> forms_of(const Shape& shape, std::uint64_t seed) {
  return {random_dense(shape, seed), random_spikes(shape, binary_code(), 0.4, seed),
          random_spikes(shape, bipolar_code(), 0.4, seed), random_spikes(shape, graded_code(3), 0.8, seed)};
}

// body(t b, token) -> index of the row of 'in' that the output's row shows.
template <class Row>
std::vector<float> moved(const Value& in, Index tokens_out, const Row& row_of) {
  const Shape shape = spec_of(in).shape;
  const auto numbers = numbers_of(in);
  const Index width = shape[Axis::C];
  std::vector<float> out;
  for (Index sample = 0; sample < shape[Axis::T] * shape[Axis::B]; ++sample) {
    for (Index n = 0; n < tokens_out; ++n) {
      const auto first = (sample * shape[Axis::N] + row_of(n)) * width;
      out.insert(out.end(), numbers.begin() + first, numbers.begin() + first + width);
    }
  }
  return out;
}

template <class Op>
void expect_moves(const Op& op, const std::vector<Value>& in, const Shape& shape,
                  const std::vector<float>& wanted) {
  SCOPED_TRACE(text(spec_of(in[0])));
  ValueSpec spec = spec_of(in[0]);
  spec.shape = shape;
  const Value got = reference_of(op, in);
  EXPECT_TRUE(holds_numbers(got, spec, wanted));
  EXPECT_EQ(cost_of(op, in, std::vector{got}), Cost());
  expect_parity(table_of<Op>(), op, in);
  expect_writes_all(op, in);
}

TEST(MergeTokens, PutsSequencesOneAfterAnother) {
  for (const Index width : {1, 63, 64, 65, 130}) {
    for (const auto& [t, b, first, second, third] :
         {std::array<Index, 5>{1, 1, 1, 1, 1}, {2, 3, 7, 1, 4}, {1, 2, 65, 9, 1}}) {
      const auto one = forms_of(token_shape(t, b, first, width), 1);
      const auto two = forms_of(token_shape(t, b, second, width), 2);
      const auto three = forms_of(token_shape(t, b, third, width), 3);
      for (std::size_t form = 0; form < one.size(); ++form) {
        const std::vector<Value> in{one[form], two[form], three[form]};
        std::vector<float> wanted;
        for (Index sample = 0; sample < t * b; ++sample) {
          for (const Value& part : in) {
            const auto numbers = numbers_of(part);
            const Index size = spec_of(part).shape[Axis::N] * width;
            wanted.insert(wanted.end(), numbers.begin() + sample * size,
                          numbers.begin() + (sample + 1) * size);
          }
        }
        expect_moves(MergeTokens(), in, token_shape(t, b, first + second + third, width), wanted);
      }
    }
  }
}

TEST(MergeTokens, WantsNumbersWhereCodesDiffer) {
  const Shape shape = token_shape(1, 1, 2, 3);
  const ValueSpec binary = spike_spec(shape, binary_code());
  const ValueSpec graded = spike_spec(shape, graded_code(2));
  const MergeTokens op;
  EXPECT_EQ(op.wanted_form(0, std::vector{binary, binary}), Form::spikes);
  EXPECT_EQ(op.wanted_form(0, std::vector{binary, graded}), Form::dense);
  EXPECT_EQ(op.wanted_form(0, std::vector{binary, dense_spec(shape)}), Form::dense);
}

TEST(MergeTokens, RefusesSequencesThatDoNotFit) {
  const MergeTokens op;
  const ValueSpec one = dense_spec(token_shape(1, 1, 2, 3));
  EXPECT_EQ(infer_error(op, {one, dense_spec(token_shape(1, 1, 2, 4))}),
            "input 1 is f32 [T=1 B=1 N=2 C=4], wanted [T=1 B=1 N=2 C=3] but for N, as input 0");
  EXPECT_EQ(infer_error(op, {one, dense_spec({{Axis::T, 1}, {Axis::B, 1}, {Axis::C, 3}})}),
            "input 1 is f32 [T=1 B=1 C=3], wanted axes [T B N C]");
  EXPECT_EQ(infer_error(op, {dense_spec(one.shape, Dtype::i32), one}),
            "input 0 is i32 [T=1 B=1 N=2 C=3], wanted f32 or spikes");
  EXPECT_EQ(infer_error(op, {one, spike_spec(one.shape, binary_code())}),
            "input 1 is binary [T=1 B=1 N=2 C=3], wanted f32");
}

TEST(TakeTokens, GivesNeighbouringTokens) {
  for (const auto& [n, first, count] : {std::array<Index, 3>{1, 0, 1}, {7, 0, 7}, {7, 6, 1}, {26, 16, 10}}) {
    const auto op = made<LayoutTakeTokens>(
        {{"first", static_cast<double>(first)}, {"count", static_cast<double>(count)}});
    for (const Value& in : forms_of(token_shape(2, 3, n, 65), 4)) {
      const Index from = first;
      expect_moves(op, {in}, token_shape(2, 3, count, 65),
                   moved(in, count, [from](Index token) { return from + token; }));
    }
  }
}

TEST(TakeTokens, RefusesTokensThatAreNotThere) {
  const std::vector<ValueSpec> in{dense_spec(token_shape(1, 1, 4, 2))};
  const auto error = [&](double first, double count) {
    return infer_error(made<LayoutTakeTokens>({{"first", first}, {"count", count}}), in);
  };
  EXPECT_EQ(error(0, 4), "");
  EXPECT_EQ(error(1, 4), "first is 1 and count 4, wanted 1 or more of the tokens 0 to 3 of in");
  EXPECT_NE(error(-1, 2), "");
  EXPECT_NE(error(0, 0), "");
  EXPECT_NE(error(4, 1), "");
  EXPECT_NE(error(1, 1e9), "");
}

Attributes window_attributes(Index height, Index width, Index window, Index shift) {
  return {{"height", static_cast<double>(height)},
          {"width", static_cast<double>(width)},
          {"window", static_cast<double>(window)},
          {"shift", static_cast<double>(shift)}};
}

// The grid rolled by the shift and cut into windows, walked window by window.
std::vector<Index> walked(Index height, Index width, Index window, Index shift) {
  std::vector<Index> places;
  for (Index top = 0; top < height; top += window) {
    for (Index left = 0; left < width; left += window) {
      for (Index y = top; y < top + window; ++y) {
        for (Index x = left; x < left + window; ++x) {
          places.push_back((y + shift) % height * width + (x + shift) % width);
        }
      }
    }
  }
  return places;
}

TEST(Windows, WalkTheGridWindowByWindowAndBack) {
  for (const auto& [height, width, window, shift] :
       {std::array<Index, 4>{1, 1, 1, 0}, {4, 4, 2, 0}, {4, 4, 2, 1}, {6, 9, 3, 2}, {4, 4, 4, 3}}) {
    const auto there = made<LayoutWindows>(window_attributes(height, width, window, shift));
    const auto back = made<LayoutFromWindows>(window_attributes(height, width, window, shift));
    const auto places = walked(height, width, window, shift);
    for (const Value& in : forms_of(token_shape(2, 2, height * width, 63), 5)) {
      const Shape shape = spec_of(in).shape;
      expect_moves(there, {in}, shape,
                   moved(in, height * width, [&](Index n) { return places[static_cast<std::size_t>(n)]; }));
      const Value ordered = reference_of(there, {in});
      expect_moves(back, {ordered}, shape, numbers_of(in));
    }
  }
}

TEST(Windows, RefuseGridsThatDoNotFit) {
  const std::vector<ValueSpec> in{dense_spec(token_shape(1, 1, 16, 2))};
  const auto error = [&](Index height, Index width, Index window, Index shift) {
    const auto attributes = window_attributes(height, width, window, shift);
    const std::string there = infer_error(made<LayoutWindows>(attributes), in);
    EXPECT_EQ(there, infer_error(made<LayoutFromWindows>(attributes), in));
    return there;
  };
  EXPECT_EQ(error(4, 4, 2, 1), "");
  EXPECT_EQ(error(4, 4, 3, 0), "grid is 4 by 4, wanted multiples of the window, 3");
  EXPECT_EQ(error(0, 4, 2, 0), "grid is 0 by 4 and window 2, wanted sides of 1 or more");
  EXPECT_EQ(error(4, 4, 0, 0), "grid is 4 by 4 and window 0, wanted sides of 1 or more");
  EXPECT_EQ(error(4, 4, 2, 2), "shift is 2, wanted 0 to 1, below the window");
  EXPECT_EQ(error(4, 4, 2, -1), "shift is -1, wanted 0 to 1, below the window");
  EXPECT_EQ(error(4, 8, 2, 0), "in is f32 [T=1 B=1 N=16 C=2], wanted N = 4 by 8");
}

MaskToken mask_token(Index width) {
  MaskToken op;
  op.set_weight("weight", {width}, random_numbers(width, 9));
  return op;
}

TEST(MaskToken, StandsWhereTheMaskIs) {
  for (const auto& [n, width] : {std::array<Index, 2>{1, 1}, {7, 65}, {16, 64}}) {
    const MaskToken op = mask_token(width);
    const auto token = random_numbers(width, 9);
    const Shape shape = token_shape(3, 2, n, width);
    const Tensor in = random_dense(shape, 10);
    for (const Index mask_steps : {3, 1}) {
      const Tensor mask = as_dense(random_spikes(token_shape(mask_steps, 2, n, 1), binary_code(), 0.5, 11));
      std::vector<float> wanted = numbers_of(in);
      const auto hidden = mask.as<float>();
      for (std::size_t i = 0; i < wanted.size(); ++i) {
        const std::size_t row = i / static_cast<std::size_t>(width);
        if (hidden[row % hidden.size()] != 0) {
          wanted[i] = token[i % static_cast<std::size_t>(width)];
        }
      }
      expect_moves(op, {in, mask}, shape, wanted);
    }
  }
}

TEST(MaskToken, RefusesWhatDoesNotFit) {
  const ValueSpec in = dense_spec(token_shape(2, 1, 3, 4));
  const ValueSpec mask = dense_spec(token_shape(2, 1, 3, 1));
  EXPECT_EQ(infer_error(MaskToken(), {in, mask}), "weight is missing");
  EXPECT_EQ(infer_error(mask_token(4), {in, mask}), "");
  EXPECT_EQ(infer_error(mask_token(5), {in, mask}), "C of in is 4, wanted 5 as in weight");
  EXPECT_EQ(infer_error(mask_token(4), {in, in}),
            "mask is f32 [T=2 B=1 N=3 C=4], wanted f32 [T=2 B=1 N=3 C=1], T maybe 1");
  EXPECT_EQ(infer_error(mask_token(4), {spike_spec(in.shape, binary_code()), mask}),
            "in is binary [T=2 B=1 N=3 C=4], wanted f32");
  EXPECT_THROW(MaskToken().set_weight("weight", {2, 2}, random_numbers(4, 1)), Error);
}

}  // namespace
}  // namespace volley::test
