// Holds changes of layout to loops over named indices.
#include "sim/ops/layout.hpp"

#include <functional>

#include "tests/reference/layout_ref.hpp"
#include "tests/unit/ops/op_case.hpp"

namespace volley::test {
namespace {

// Shape of the output and, for a place in it, the place in the input.
struct Move {
  Shape out;
  std::function<Place(Place)> source;
};

Move patches(const Case& entry, const Shape& in) {
  const Index patch = entry.integer("attr.patch");
  const Index grid = in[Axis::X] / patch;
  return {{{Axis::T, in[Axis::T]},
           {Axis::B, in[Axis::B]},
           {Axis::N, in[Axis::Y] / patch * grid},
           {Axis::C, in[Axis::C] * patch * patch}},
          [=](Place to) {
            const Index y = to[Axis::N] / grid * patch + to[Axis::C] / patch % patch;
            const Index x = to[Axis::N] % grid * patch + to[Axis::C] % patch;
            return Place{{Axis::T, to[Axis::T]},
                         {Axis::B, to[Axis::B]},
                         {Axis::C, to[Axis::C] / (patch * patch)},
                         {Axis::Y, y},
                         {Axis::X, x}};
          }};
}

Move tokens(const Shape& in) {
  return {{{Axis::T, in[Axis::T]},
           {Axis::B, in[Axis::B]},
           {Axis::N, in[Axis::Y] * in[Axis::X]},
           {Axis::C, in[Axis::C]}},
          [=](Place to) {
            to[Axis::Y] = to[Axis::N] / in[Axis::X];
            to[Axis::X] = to[Axis::N] % in[Axis::X];
            return to;
          }};
}

Move image(const Case& entry, const Shape& in) {
  const Index width = entry.integer("attr.width");
  return {{{Axis::T, in[Axis::T]},
           {Axis::B, in[Axis::B]},
           {Axis::Y, entry.integer("attr.height")},
           {Axis::X, width},
           {Axis::C, in[Axis::C]}},
          [=](Place to) {
            to[Axis::N] = to[Axis::Y] * width + to[Axis::X];
            return to;
          }};
}

Move flatten(const Shape& in) {
  Shape sample = in;
  sample.extents.erase(sample.extents.begin(), sample.extents.begin() + 2);
  return {{{Axis::T, in[Axis::T]}, {Axis::B, in[Axis::B]}, {Axis::C, sample.count()}}, [=](const Place& to) {
            Place from = place_of(sample, to.at(Axis::C));
            from[Axis::T] = to.at(Axis::T);
            from[Axis::B] = to.at(Axis::B);
            return from;
          }};
}

template <class Op>
void check_case(const Case& entry, const Shape& shape, const Move& move) {
  const Op op = made<Op>(entry.attributes());
  const std::vector<Value> in{input_of(entry, shape, entry.word_or("form", "dense"))};
  ValueSpec wanted = spec_of(in[0]);
  wanted.shape = move.out;
  const std::vector<Value> out{reference_of(op, in)};
  EXPECT_TRUE(holds_numbers(out[0], wanted, moved(shape, move.out, numbers_of(in[0]), move.source)));
  EXPECT_EQ(cost_of(op, in, out), Cost{});
  expect_parity(table_of<Op>(), op, in);
  expect_writes_all(op, in);
}

TEST(Layout, MovesEachNumberToItsPlace) {
  for (const Case& entry : read_cases("layout.txt")) {
    SCOPED_TRACE(entry.line);
    const Shape shape = entry.shape(entry.fields.at("shape"));
    if (entry.kind == LayoutPatches::op_kind) {
      check_case<LayoutPatches>(entry, shape, patches(entry, shape));
    } else if (entry.kind == LayoutTokens::op_kind) {
      check_case<LayoutTokens>(entry, shape, tokens(shape));
    } else if (entry.kind == LayoutImage::op_kind) {
      check_case<LayoutImage>(entry, shape, image(entry, shape));
    } else if (entry.kind == LayoutTranspose::op_kind) {
      const Move move{entry.shape(entry.fields.at("attr.axes")), [](Place to) { return to; }};
      check_case<LayoutTranspose>(entry, shape, move);
    } else {
      ASSERT_EQ(entry.kind, LayoutFlatten::op_kind);
      check_case<LayoutFlatten>(entry, shape, flatten(shape));
    }
  }
}

const Shape tokens_shape{{Axis::T, 1}, {Axis::B, 2}, {Axis::N, 6}, {Axis::C, 5}};

TEST(LayoutPatches, ChannelsAreOrderedAsInAConvolution) {
  const Shape shape{{Axis::T, 1}, {Axis::B, 1}, {Axis::C, 2}, {Axis::Y, 2}, {Axis::X, 4}};
  const Value in =
      tensor_of(shape, std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17});
  EXPECT_EQ(numbers_of(reference_of(made<LayoutPatches>({{"patch", 2.0}}), {in})),
            (std::vector<float>{0, 1, 4, 5, 10, 11, 14, 15, 2, 3, 6, 7, 12, 13, 16, 17}));
}

TEST(LayoutImage, UndoesTokens) {
  const Value in = random_spikes({{Axis::T, 2}, {Axis::B, 2}, {Axis::Y, 3}, {Axis::X, 5}, {Axis::C, 65}},
                                 bipolar_code(), 0.4, 3);
  const LayoutImage image = made<LayoutImage>({{"height", 3.0}, {"width", 5.0}});
  EXPECT_TRUE(same(reference_of(image, {reference_of(LayoutTokens(), {in})}), in));
}

TEST(LayoutTranspose, TakesRowsOnlyWhereTheLastAxisStays) {
  const auto table = table_of<LayoutTranspose>();
  const std::vector<ValueSpec> spikes{spike_spec(tokens_shape, binary_code())};
  const std::vector<ValueSpec> dense{dense_spec(tokens_shape)};
  const LayoutTranspose stays = made<LayoutTranspose>({{"axes", "T B N C"}});
  const LayoutTranspose moves = made<LayoutTranspose>({{"axes", "T B C N"}});
  EXPECT_EQ(table.choose(stays, spikes, Device::cpu).kernel->name, "rows");
  EXPECT_EQ(table.choose(moves, spikes, Device::cpu).refusals[0], "rows: the last axis moves");
  EXPECT_EQ(table.choose(stays, dense, Device::cpu).refusals[0], "rows: the input is dense");
}

TEST(LayoutTranspose, RefusesWhatIsNoPermutation) {
  const ValueSpec in = dense_spec(tokens_shape);
  const auto error = [&](const std::string& axes) {
    return infer_error(made<LayoutTranspose>({{"axes", axes}}), {in});
  };
  EXPECT_EQ(error("T B C N"), "");
  EXPECT_EQ(error("B T C N"), "axes is 'B T C N', wanted T B first");
  EXPECT_EQ(error("T"), "axes is 'T', wanted T B first");
  EXPECT_EQ(error("T B C"), "axes is 'T B C', wanted each axis of [T=1 B=2 N=6 C=5] once");
  EXPECT_EQ(error("T B C C"), "axes is 'T B C C', wanted each axis of [T=1 B=2 N=6 C=5] once");
  EXPECT_EQ(error("T B C Y"), "axes is 'T B C Y', wanted each axis of [T=1 B=2 N=6 C=5] once");
  EXPECT_NE(error("T B q"), "");
  EXPECT_THROW(made<LayoutTranspose>(), Error);
  EXPECT_EQ(infer_error(made<LayoutTranspose>({{"axes", "T B C N"}}), {dense_spec(tokens_shape, Dtype::i32)}),
            "in is i32 [T=1 B=2 N=6 C=5], wanted f32 or spikes");
}

TEST(LayoutPatches, RefusesOtherShapes) {
  const Shape shape{{Axis::T, 1}, {Axis::B, 1}, {Axis::C, 2}, {Axis::Y, 4}, {Axis::X, 6}};
  EXPECT_THROW(made<LayoutPatches>(), Error);
  EXPECT_EQ(infer_error(made<LayoutPatches>({{"patch", 2.0}}), {dense_spec(shape)}), "");
  EXPECT_EQ(infer_error(made<LayoutPatches>({{"patch", 0.0}}), {dense_spec(shape)}),
            "patch is 0, wanted 1 or more");
  EXPECT_EQ(infer_error(made<LayoutPatches>({{"patch", 4.0}}), {dense_spec(shape)}),
            "in is f32 [T=1 B=1 C=2 Y=4 X=6], wanted Y and X to be multiples of the patch, 4");
  EXPECT_EQ(infer_error(made<LayoutPatches>({{"patch", 2.0}}), {spike_spec(shape, binary_code())}),
            "in is binary [T=1 B=1 C=2 Y=4 X=6], wanted f32");
  EXPECT_EQ(infer_error(made<LayoutPatches>({{"patch", 2.0}}), {dense_spec(tokens_shape)}),
            "in is f32 [T=1 B=2 N=6 C=5], wanted axes [T B C Y X]");
}

TEST(LayoutImage, RefusesOtherShapes) {
  const auto error = [](double height, double width, const Shape& shape) {
    return infer_error(made<LayoutImage>({{"height", height}, {"width", width}}), {dense_spec(shape)});
  };
  EXPECT_EQ(error(2, 3, tokens_shape), "");
  EXPECT_EQ(error(0, 3, tokens_shape), "the image is 0 by 3, wanted sides of 1 or more");
  EXPECT_EQ(error(2, 4, tokens_shape), "in is f32 [T=1 B=2 N=6 C=5], wanted N = 2 by 4 = 8");
  EXPECT_EQ(error(2, 3, tokens_shape.without(Axis::N)), "in is f32 [T=1 B=2 C=5], wanted axes [T B N C]");
}

TEST(LayoutTokens, RefusesOtherShapes) {
  EXPECT_EQ(infer_error(LayoutTokens(), {dense_spec(tokens_shape)}),
            "in is f32 [T=1 B=2 N=6 C=5], wanted axes [T B Y X C]");
}

TEST(LayoutFlatten, RefusesOtherShapes) {
  EXPECT_EQ(infer_error(LayoutFlatten(), {dense_spec({{Axis::T, 1}, {Axis::B, 2}})}),
            "in is f32 [T=1 B=2], wanted an axis after T B");
  EXPECT_EQ(infer_error(LayoutFlatten(), {dense_spec({{Axis::N, 1}, {Axis::C, 2}})}),
            "in is f32 [N=1 C=2], wanted axes [T B ...]");
}

TEST(Layout, WantsEventsDense) {
  const std::vector<ValueSpec> in{{Form::events, Dtype::f32, binary_code(), tokens_shape},
                                  spike_spec(tokens_shape, binary_code())};
  EXPECT_EQ(LayoutFlatten().wanted_form(0, in), Form::dense);
  EXPECT_EQ(LayoutFlatten().wanted_form(1, in), Form::spikes);
  EXPECT_EQ(LayoutPatches().wanted_form(1, in), Form::dense);
}

}  // namespace
}  // namespace volley::test
