// Archives by numpy, by us, and by somebody who wants our memory.
#include "sim/io/npz.hpp"

#include <gtest/gtest.h>

#include "sim/io/npy.hpp"
#include "tests/unit/io/scratch.hpp"
#include "tests/unit/io/zip_bytes.hpp"

namespace volley {
namespace {

using test::bytes_of;
using test::crc_of;
using test::deflated;
using test::fixture;
using test::Scratch;
using test::zip_of;
using test::ZipEntry;
using Floats = std::vector<float>;

std::string npy_bytes(const Array& array) {
  return npy_header(array) +
         std::string(reinterpret_cast<const char*>(array.bytes.data()), array.bytes.size());
}

Array rising(Index count) {
  Floats numbers;
  for (Index i = 0; i < count; ++i) {
    numbers.push_back(static_cast<float>(i));
  }
  return array_of({count}, numbers);
}

TEST(Npz, ReadsWhatNumpyStoredAndDeflated) {
  const Arrays stored = read_npz(fixture("stored.npz"));
  ASSERT_EQ(stored.size(), 2u);
  EXPECT_EQ(as_floats(stored.at("image")), (Floats{0, 0.25f, 0.5f, 0.75f, 1, 1.25f}));
  EXPECT_EQ(as_integers(stored.at("labels")), (std::vector<Index>{1, 0}));
  const Arrays packed = read_npz(fixture("deflated.npz"));
  EXPECT_EQ(packed.at("image").sizes, (std::vector<Index>{2, 100}));
  EXPECT_EQ(as_floats(packed.at("image")), Floats(200, 0));
}

TEST(Npz, ReadsOneArrayAndLeavesTheOthers) {
  const Scratch scratch;
  const std::string good = npy_bytes(rising(3));
  const NpzFile file(scratch.write("a.npz", zip_of({{"good.npy", good}, {"bad.npy", "no array"}})));
  EXPECT_EQ(file.names(), (std::vector<std::string>{"bad", "good"}));
  EXPECT_TRUE(file.has("good"));
  EXPECT_FALSE(file.has("good.npy"));
  EXPECT_EQ(file.read("good"), rising(3));
  EXPECT_REFUSED(file.read("bad"), "a.npz: array 'bad': is 8 bytes, too short");
  EXPECT_REFUSED(file.read("other"), "has no array 'other', wanted one of: bad, good");
}

TEST(Npz, WritesWhatItReads) {
  const Scratch scratch;
  const Arrays arrays{
      {"a", rising(1000)}, {"empty", rising(0)}, {"scalar", array_of({}, Floats{3})}, {"z/ä", rising(2)}};
  write_npz(scratch.path("a.npz"), arrays);
  EXPECT_EQ(read_npz(scratch.path("a.npz")), arrays);
  write_npz(scratch.path("b.npz"), arrays);
  EXPECT_EQ(bytes_of(scratch.path("a.npz")), bytes_of(scratch.path("b.npz")));
  EXPECT_LT(bytes_of(scratch.path("a.npz")).size(), 4000u);
  EXPECT_EQ(scratch.files(), 2u);
}

TEST(Npz, ReplacesAnOldFileAndLeavesNoPartOnFailure) {
  const Scratch scratch;
  const std::string path = scratch.write("a.npz", "old");
  const std::string why = test::error_of([&] { write_npz(path, {}); }, Fault::run);
  EXPECT_NE(why.find("there are no arrays"), std::string::npos) << why;
  const std::string nowhere = scratch.path("none/a.npz");
  EXPECT_NE(test::error_of(
                [&] {
                  write_npz(nowhere, {{"a", rising(1)}});
                },
                Fault::run)
                .find(nowhere + ": can't write"),
            std::string::npos);
  const std::string bad_name = test::error_of(
      [&] {
        write_npz(path, {{"\xff\xfe", rising(1)}});
      },
      Fault::run);
  EXPECT_NE(bad_name.find("can't write entry"), std::string::npos) << bad_name;
  EXPECT_EQ(bytes_of(path), "old");
  EXPECT_EQ(scratch.files(), 1u);
  write_npz(path, {{"a", rising(1)}});
  EXPECT_EQ(read_npz(path).at("a"), rising(1));
}

TEST(Npz, RefusesArchivesByTheirMistake) {
  const Scratch scratch;
  const std::string good = npy_bytes(rising(3));
  const auto read = [&](const std::vector<ZipEntry>& entries) {
    return read_npz(scratch.write("a.npz", zip_of(entries)));
  };
  EXPECT_EQ(read({{"a.npy", good}}).at("a"), rising(3));
  EXPECT_REFUSED(read({{"a.npy", good}, {"a.npy", good}}),
                 "a.npz: not a .npz archive: an entry is there twice");
  // The same name in two encodings.
  EXPECT_REFUSED(read({{"\x84.npy", good}, {"ä.npy", good, 0, 0, 0x800}}), "is there twice");
  EXPECT_REFUSED(read({{"a.txt", good}}), "entry 'a.txt' is not a .npy");
  EXPECT_REFUSED(read({{"a.npy", good, 12, 100}}), "method 12");
  EXPECT_REFUSED(read({{"a.npy", good, 0, 0, 1}}), "is encrypted");
  EXPECT_REFUSED(read({{"a.npy", good, 0, 0, 0, 5}}), "CRC");
  EXPECT_REFUSED(read_npz(scratch.write("b.npz", "no archive at all")), "not a .npz archive");
  EXPECT_REFUSED(read_npz(scratch.path("none.npz")), "can't open");
}

TEST(Npz, RefusesEntriesThatDeclareMoreThanTheyCanHold) {
  const Scratch scratch;
  const std::string content = npy_bytes(array_of({1}, Floats{1}));
  const std::string packed = deflated(content);
  const auto read = [&](const std::vector<ZipEntry>& entries, bool overlap = false) {
    return read_npz(scratch.write("a.npz", zip_of(entries, overlap)));
  };
  EXPECT_REFUSED(read({{"a.npy", packed, 8, 4'000'000'000u, 0, crc_of(content)}}),
                 "can't hold the 4000000000 bytes");
  EXPECT_REFUSED(read({{"a.npy", content, 0, 4'000'000'000u}}), "a.npz");
  // Within the ratio, but the stream ends before or after what the entry declares.
  const std::string head =
      npy_header(rising(12'468));  // 128 bytes and 49 872 of numbers, which are not there
  EXPECT_REFUSED(read({{"a.npy", deflated(head), 8, 50'000, 0, crc_of(head)}}), "a.npz: array 'a': ");
  const std::string full = npy_bytes(rising(3));
  EXPECT_REFUSED(
      read({{"a.npy", deflated(full + "more"), 8, static_cast<std::uint32_t>(full.size()), 0, crc_of(full)}}),
      "a.npz: array 'a'");
  // Entries that share their bytes: a small file that would inflate many times.
  EXPECT_REFUSED(read({{"a.npy", full}, {"b.npy", full}, {"c.npy", full}}, true), "a.npz");
}

TEST(Npz, RefusesAnArrayThatIsLargerThanItsEntry) {
  const Scratch scratch;
  std::string bomb("\x93NUMPY\x01\x00", 8);
  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1073741824,)}\n";
  bomb += test::little(header.size(), 2) + header;
  const std::string path = scratch.write(
      "a.npz",
      zip_of({{"a.npy", deflated(bomb), 8, static_cast<std::uint32_t>(bomb.size()), 0, crc_of(bomb)}}));
  EXPECT_REFUSED(read_npz(path), "a.npz: array 'a': has 0 bytes of numbers, wanted 4294967296");
}

TEST(Npz, SurvivesCutsAndFlips) {
  for (const char* name : {"stored.npz", "deflated.npz"}) {
    const std::string bytes = bytes_of(fixture(name));
    test::expect_refuses_prefixes(name, bytes, [](const std::string& path) { read_npz(path); });
    test::expect_survives_flips(name, bytes, bytes.size(), [](const std::string& path) { read_npz(path); });
  }
}

}  // namespace
}  // namespace volley
