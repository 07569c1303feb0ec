// Samples from .npz and IDX files.
#include "sim/io/dataset.hpp"

#include <gtest/gtest.h>

#include "sim/io/npz.hpp"
#include "tests/unit/io/scratch.hpp"

namespace volley {
namespace {

using test::fixture;
using test::Scratch;
using Floats = std::vector<float>;

const std::string images = fixture("images.idx"), labels = fixture("labels.idx");

TEST(Dataset, ReadsArraysAndLabelsOfAnNpz) {
  const Dataset dataset = read_dataset(fixture("stored.npz"));
  ASSERT_EQ(dataset.arrays.size(), 1u);
  EXPECT_EQ(dataset.arrays.at("image").sizes, (std::vector<Index>{2, 3}));
  EXPECT_EQ(dataset.labels, (std::vector<Index>{1, 0}));
}

TEST(Dataset, ReadsOnlyTheInputsThatAreWanted) {
  const std::vector<std::string> wanted{"other"};
  EXPECT_REFUSED(read_dataset(fixture("not_finite.npz"), wanted), "array 'other' of");
  EXPECT_REFUSED(read_dataset(fixture("stored.npz"), wanted),
                 "has no array 'other', wanted one of: image, labels");
  const Scratch scratch;
  write_npz(scratch.path("a.npz"), {{"x", array_of({1}, Floats{1})}, {"y", array_of({1}, Floats{2})}});
  const std::vector<std::string> x{"x"};
  const Dataset dataset = read_dataset(scratch.path("a.npz"), x);
  EXPECT_EQ(dataset.arrays.size(), 1u);
  EXPECT_TRUE(dataset.labels.empty());
}

TEST(Dataset, NamesThePlaceOfNaN) {
  EXPECT_REFUSED(read_dataset(fixture("not_finite.npz")),
                 "array 'image' of " + fixture("not_finite.npz") + " holds NaN at index 2");
}

TEST(Dataset, RefusesLabelsThatAreNoClasses) {
  const Scratch scratch;
  const auto read = [&](const Array& wrong) {
    write_npz(scratch.path("a.npz"), {{"labels", wrong}});
    return read_dataset(scratch.path("a.npz"));
  };
  EXPECT_REFUSED(read(array_of({2, 1}, std::vector<Index>{1, 2})),
                 "labels have shape [2, 1], wanted one axis");
  EXPECT_REFUSED(read(array_of({1}, Floats{1})), "labels are f32, wanted integers");
  EXPECT_REFUSED(read(array_of({2}, std::vector<Index>{1, -1})), "label of sample 1 is -1");
}

TEST(Dataset, ReadsImagesOfIdxAsParts) {
  for (const std::string end : {"", ".gz"}) {
    const Dataset dataset = read_dataset("idx:" + images + end + "," + labels + end);
    ASSERT_EQ(dataset.arrays.size(), 1u);
    const Array& image = dataset.arrays.at("image");
    EXPECT_EQ(image.sizes, (std::vector<Index>{2, 1, 2, 3}));
    EXPECT_EQ(image.type, NumberType::f32);
    EXPECT_EQ(as_floats(image)[11], 220.0f / 256);
    EXPECT_EQ(dataset.labels, (std::vector<Index>{7, 2}));
  }
}

TEST(Dataset, RefusesIdxFilesThatDoNotBelongTogether) {
  EXPECT_REFUSED(read_dataset("idx:" + labels + "," + labels),
                 "has shape [2], wanted [samples, rows, columns]");
  EXPECT_REFUSED(read_dataset("idx:" + images + "," + images), "labels have shape [2, 2, 3]");
  const Scratch scratch;
  const std::string three = scratch.write("three", std::string("\0\0\x08\x01\0\0\0\x03", 8) + "abc");
  EXPECT_REFUSED(read_dataset("idx:" + images + "," + three),
                 three + ": has 3 labels, but " + images + " has 2 images");
  const std::vector<std::string> other{"other"};
  EXPECT_REFUSED(read_dataset("idx:" + images + "," + labels, other), "has no array 'other', only 'image'");
  for (const std::string& wrong : std::vector<std::string>{"idx:" + images, "idx:a,b,c"}) {
    EXPECT_NE(
        test::error_of([&] { (void)read_dataset(wrong); }, Fault::usage).find("wanted idx:IMAGES,LABELS"),
        std::string::npos);
  }
  EXPECT_REFUSED(read_dataset("/nowhere.npz"), "/nowhere.npz: can't open");
}

}  // namespace
}  // namespace volley
