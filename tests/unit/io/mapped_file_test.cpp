// Mapped files: their bytes, what outlives them, and a file that is cut meanwhile.
#include "sim/io/mapped_file.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "sim/io/safetensors.hpp"
#include "sim/io/torch_checkpoint.hpp"
#include "sim/io/zip_archive.hpp"
#include "tests/unit/io/scratch.hpp"

namespace volley {
namespace {

using test::fixture;
using test::Scratch;
using Floats = std::vector<float>;

TEST(MappedFile, ShowsTheBytesOfTheFile) {
  const Scratch scratch;
  const MappedFile file(scratch.write("a", "abc"));
  ASSERT_EQ(file.bytes().size(), 3u);
  EXPECT_EQ(std::to_integer<char>(file.bytes()[2]), 'c');
  EXPECT_TRUE(MappedFile(scratch.write("empty", "")).bytes().empty());
  EXPECT_REFUSED(MappedFile(scratch.path("none")), "can't open");
  EXPECT_REFUSED(MappedFile(scratch.path("")), "not a regular file");
}

TEST(MappedFile, StaysAsItWasWhenAnotherTakesItsName) {
  const Scratch scratch;
  const std::string path = scratch.path("w.safetensors");
  write_safetensors(path, {{"w", {{3}, {1, 2, 3}}}});
  const Weights weights = read_safetensors(path);
  EXPECT_TRUE(weights.at("w").numbers.is_mapped());
  write_safetensors(path, {{"w", {{1}, {7}}}});  // as volley writes: a part file that is renamed
  EXPECT_EQ(weights.at("w").numbers, (Floats{1, 2, 3}));
  std::filesystem::remove(path);
  EXPECT_EQ(weights.at("w").numbers, (Floats{1, 2, 3}));
}

TEST(MappedFile, EndsTheProgramWithAMessageWhenItIsCut) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  const auto read_a_cut_file = [] {
    end_on_cut_file();
    const Scratch scratch;
    const MappedFile file(scratch.write("a", std::string(1 << 16, 'x')));
    ASSERT_EQ(::truncate(file.path().c_str(), 0), 0);
    const volatile std::byte gone = file.bytes()[1 << 15];
    (void)gone;
  };
  EXPECT_EXIT(read_a_cut_file(), testing::ExitedWithCode(3), "made shorter by another program");
}

TEST(MappedFile, LeavesFloat32WhereItIsAndConvertsTheRest) {
  const StateDict state = read_torch_checkpoint(fixture("state.pt"));
  for (const auto& [name, tensor] : state.tensors) {
    const bool stays = name == "float" || name == "parameter" || name == "view";
    EXPECT_EQ(tensor.numbers.is_mapped(), stays) << name;
  }
}

TEST(MappedFile, IsCopiedWhereNumbersDontBeginAtAMultipleOfFour) {
  const Scratch scratch;
  const std::string header = R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} )";
  ASSERT_NE(header.size() % 4, 0u);
  const std::string length{static_cast<char>(header.size()), 0, 0, 0, 0, 0, 0, 0};
  const Weights weights =
      read_safetensors(scratch.write("a", length + header + std::string("\0\0\x80\x3f", 4)));
  EXPECT_FALSE(weights.at("w").numbers.is_mapped());
  EXPECT_EQ(weights.at("w").numbers, Floats{1});
}

TEST(WeightNumbers, AreCopiedWhenSomebodyWritesAndOnlyThen) {
  const Scratch scratch;
  const std::string path = scratch.path("w.safetensors");
  write_safetensors(path, {{"w", {{2}, {1, 2}}}});
  const Weights weights = read_safetensors(path);
  WeightNumbers changed = weights.at("w").numbers;
  EXPECT_EQ(changed.data(), weights.at("w").numbers.data());  // a copy of the view
  changed.own()[0] = 5;
  EXPECT_FALSE(changed.is_mapped());
  EXPECT_EQ(changed, (Floats{5, 2}));
  EXPECT_EQ(weights.at("w").numbers, (Floats{1, 2}));
}

TEST(ZipArchive, TellsWhereStoredEntriesLie) {
  const ZipArchive archive(fixture("stored.npz"), "test");
  const ZipArchive deflated(fixture("deflated.npz"), "test");
  ASSERT_FALSE(archive.sizes().empty());
  for (const auto& [name, size] : archive.sizes()) {
    const auto bytes = archive.stored(name, name);
    ASSERT_TRUE(bytes.has_value()) << name;
    const auto wanted = archive.read(name, name);
    EXPECT_TRUE(std::equal(bytes->begin(), bytes->end(), wanted.begin(), wanted.end())) << name;
  }
  for (const auto& [name, size] : deflated.sizes()) {
    EXPECT_FALSE(deflated.stored(name, name).has_value()) << name;
  }
}

}  // namespace
}  // namespace volley
