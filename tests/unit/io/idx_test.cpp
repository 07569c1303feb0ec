// IDX files, plain and gzip.
#include "sim/io/idx.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include "tests/unit/io/scratch.hpp"

namespace volley {
namespace {

using test::bytes_of;
using test::fixture;
using test::Scratch;

std::string big(std::uint32_t number) {
  return {static_cast<char>(number >> 24), static_cast<char>(number >> 16), static_cast<char>(number >> 8),
          static_cast<char>(number)};
}

std::string write_gzip(const Scratch& scratch, const std::string& name, const std::string& bytes) {
  const gzFile file = gzopen(scratch.path(name).c_str(), "wb9");
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
  return scratch.path(name);
}

TEST(Idx, ReadsPlainAndGzipAlike) {
  const Array images = read_idx(fixture("images.idx"));
  EXPECT_EQ(images.type, NumberType::u8);
  EXPECT_EQ(images.sizes, (std::vector<Index>{2, 2, 3}));
  EXPECT_EQ(as_integers(images), (std::vector<Index>{0, 20, 40, 60, 80, 100, 120, 140, 160, 180, 200, 220}));
  EXPECT_EQ(read_idx(fixture("images.idx.gz")), images);
  EXPECT_EQ(as_integers(read_idx(fixture("labels.idx"))), (std::vector<Index>{7, 2}));
  EXPECT_EQ(read_idx(fixture("labels.idx.gz")), read_idx(fixture("labels.idx")));
}

TEST(Idx, RefusesFilesByTheirMistake) {
  const Scratch scratch;
  const auto read = [&](const std::string& bytes) { return read_idx(scratch.write("a", bytes)); };
  EXPECT_EQ(read(big(0x0801) + big(0)).count(), 0);
  EXPECT_REFUSED(read("PK\x03\x04"), "a: is not IDX: it begins with bytes 50 4b");
  EXPECT_REFUSED(read(big(0x0901) + big(1) + "x"), "holds signed bytes (IDX type 0x09)");
  EXPECT_REFUSED(read(big(0x0B01) + big(1) + "x"), "holds 16-bit integers");
  EXPECT_REFUSED(read(big(0x0C01) + big(1) + "x"), "holds 32-bit integers");
  EXPECT_REFUSED(read(big(0x0D01) + big(1) + "x"), "holds floats");
  EXPECT_REFUSED(read(big(0x0E01) + big(1) + "x"), "holds doubles");
  EXPECT_REFUSED(read(big(0x0701) + big(1) + "x"), "holds no IDX type (IDX type 0x07)");
  EXPECT_REFUSED(read(big(0x0800)), "has 0 axes, wanted 1 to 3");
  EXPECT_REFUSED(read(big(0x0804) + big(1) + big(1) + big(1) + big(1) + "x"), "has 4 axes");
  EXPECT_REFUSED(read(big(0x0801) + big(2) + "x"), "ends early: got 1 bytes, wanted 2");
  EXPECT_REFUSED(read(big(0x0801) + big(1) + "xy"), "goes on after the 1 bytes of shape [1]");
  EXPECT_REFUSED(read_idx(scratch.path("none")), "can't open");
}

TEST(Idx, RefusesShapesThatTheFileCannotHold) {
  const Scratch scratch;
  const std::string most = big(~0u);
  EXPECT_REFUSED(read_idx(scratch.write("a", big(0x0801) + big(1u << 31))),
                 "more than a file of 8 bytes can hold");
  EXPECT_REFUSED(read_idx(scratch.write("a", big(0x0803) + most + most + most)),
                 "more than a file of 16 bytes");
  EXPECT_REFUSED(read_idx(write_gzip(scratch, "b", big(0x0803) + most + most + most)), "more than a file of");
  EXPECT_REFUSED(read_idx(write_gzip(scratch, "b", big(0x0801) + big(1u << 31))), "more than a file of");
  // A bomb: 4 MB of zeros in a few kB, of which the shape takes one.
  EXPECT_REFUSED(read_idx(write_gzip(scratch, "b", big(0x0801) + big(1) + std::string(4'000'000, '\0'))),
                 "goes on after the 1 bytes");
  EXPECT_REFUSED(read_idx(write_gzip(scratch, "b", big(0x0801) + big(20'000) + "x")),
                 "ends early: got 1 bytes");
}

TEST(Idx, SurvivesCutsAndFlips) {
  for (const char* name : {"images.idx", "images.idx.gz", "labels.idx"}) {
    const std::string bytes = bytes_of(fixture(name));
    test::expect_refuses_prefixes(name, bytes, [](const std::string& path) { read_idx(path); });
    test::expect_survives_flips(name, bytes, bytes.size(), [](const std::string& path) { read_idx(path); });
  }
}

}  // namespace
}  // namespace volley
