// The check sum of a file is the one that everybody computes.
#include "sim/io/crc32.hpp"

#include <gtest/gtest.h>

#include "tests/unit/io/scratch.hpp"

namespace volley {
namespace {

TEST(Crc32, IsTheOneOfTheStandard) {
  const test::Scratch scratch;
  EXPECT_EQ(crc32_of_file(scratch.write("check", "123456789")),
            "cbf43926");  // the check value of CRC-32/ISO-HDLC
  EXPECT_EQ(crc32_of_file(scratch.write("empty", "")), "00000000");
}

TEST(Crc32, DoesNotDependOnBlocks) {
  const test::Scratch scratch;
  const std::string zeros((std::size_t{1} << 20) * 2, '\0');
  // crc32 of 2 MiB of zeros, from zlib's crc32 in Python.
  EXPECT_EQ(crc32_of_file(scratch.write("zeros", zeros)), "8d89877e");
}

TEST(Crc32, NamesAFileThatIsNotThere) {
  EXPECT_REFUSED(crc32_of_file("/nowhere/at/all"), "/nowhere/at/all: can't open");
}

}  // namespace
}  // namespace volley
