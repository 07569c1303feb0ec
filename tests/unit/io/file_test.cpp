// Files appear whole or not at all.
#include "sim/io/file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/unit/io/scratch.hpp"

namespace volley {
namespace {

using test::bytes_of;
using test::Scratch;

TEST(InputFile, NamesWhatItCannotOpen) {
  const Scratch scratch;
  EXPECT_REFUSED(InputFile(scratch.path("none")), scratch.path("none") + ": can't open: No such file");
  EXPECT_REFUSED(InputFile(scratch.path("")), "not a regular file");
  ASSERT_EQ(::mkfifo(scratch.path("pipe").c_str(), 0600), 0);
  EXPECT_REFUSED(InputFile(scratch.path("pipe")), "not a regular file");
}

TEST(InputFile, ReadsAtAnOffsetAndRefusesToReadPastTheEnd) {
  const Scratch scratch;
  const InputFile file(scratch.write("a", "012345"));
  std::string out(3, ' ');
  file.read(2, std::as_writable_bytes(std::span(out)));
  EXPECT_EQ(out, "234");
  EXPECT_REFUSED(file.read(4, std::as_writable_bytes(std::span(out))), "ends at byte 6, wanted 1 more");
  EXPECT_REFUSED(read_text(file.path(), 5), "is 6 bytes, wanted at most 5");
  EXPECT_EQ(read_text(file.path(), 6), "012345");
}

TEST(WriteWhole, LeavesTheOldFileAndNoPartWhenTheWriterFails) {
  const Scratch scratch;
  const std::string path = scratch.write("a", "old");
  EXPECT_THROW(write_whole(path,
                           [&](const std::string& part) {
                             std::ofstream(part) << "half";
                             fail(Fault::run, "no");
                           }),
               Error);
  EXPECT_EQ(bytes_of(path), "old");
  EXPECT_EQ(scratch.files(), 1u);
}

TEST(WritePieces, JoinsThemAndReplacesTheFile) {
  const Scratch scratch;
  const std::string path = scratch.write("a", "a longer old text");
  const std::string one = "one", two = "two";
  const std::span<const std::byte> pieces[] = {std::as_bytes(std::span(one)), std::as_bytes(std::span(two))};
  write_pieces(path, pieces);
  EXPECT_EQ(bytes_of(path), "onetwo");
  EXPECT_EQ(scratch.files(), 1u);
}

TEST(WritePieces, NamesTheFolderThatIsNotThere) {
  const Scratch scratch;
  const std::string path = scratch.path("none/a");
  const std::string why = test::error_of([&] { write_pieces(path, {}); }, Fault::run);
  EXPECT_NE(why.find(path + ": can't write: No such file"), std::string::npos) << why;
}

TEST(WritePieces, LeavesNoPartWhenTheNameIsAFolder) {
  const Scratch scratch;
  std::filesystem::create_directory(scratch.path("a"));
  const std::string why = test::error_of([&] { write_pieces(scratch.path("a"), {}); }, Fault::run);
  EXPECT_NE(why.find("can't write"), std::string::npos) << why;
  EXPECT_EQ(scratch.files(), 1u);
}

}  // namespace
}  // namespace volley
