// .npy files by numpy, by us, and by nobody's friend.
#include "sim/io/npy.hpp"

#include <gtest/gtest.h>

#include "tests/unit/io/scratch.hpp"

namespace volley {
namespace {

using test::bytes_of;
using test::fixture;
using test::Scratch;
using Sizes = std::vector<Index>;
using Floats = std::vector<float>;

const Floats grid{0, 0.25f, 0.5f, 0.75f, 1, 1.25f};

Array parsed(const std::string& bytes) {
  return parse_npy(std::as_bytes(std::span(bytes)), "a.npy");
}

std::string with_header(std::string header, const std::string& numbers) {
  std::string out("\x93NUMPY\x01\x00", 8);
  out += static_cast<char>(header.size() & 255);
  out += static_cast<char>(header.size() >> 8);
  return out + header + numbers;
}

TEST(Npy, ReadsWhatNumpyWrote) {
  for (const char* name : {"plain.npy", "version2.npy", "version3.npy"}) {
    const Array array = read_npy(fixture(name));
    EXPECT_EQ(array.sizes, (Sizes{2, 3})) << name;
    EXPECT_EQ(array.type, NumberType::f32) << name;
    EXPECT_EQ(as_floats(array), grid) << name;
  }
  const Array scalar = read_npy(fixture("scalar.npy"));
  EXPECT_EQ(scalar.sizes, Sizes{});
  EXPECT_EQ(as_floats(scalar), Floats{2.5f});
  const Array empty = read_npy(fixture("empty.npy"));
  EXPECT_EQ(empty.sizes, (Sizes{0, 3}));
  EXPECT_EQ(empty.count(), 0);
  EXPECT_EQ(as_floats(read_npy(fixture("half.npy"))), (Floats{1, -0.5f, 65504, 0x1p-24f, 0}));
  EXPECT_EQ(as_integers(read_npy(fixture("bool.npy"))), (std::vector<Index>{1, 0, 1}));
}

TEST(Npy, TurnsFortranOrderIntoRows) {
  const Array array = read_npy(fixture("fortran.npy"));
  EXPECT_EQ(array.sizes, (Sizes{2, 3, 4}));
  Floats rising(24);
  for (std::size_t i = 0; i < rising.size(); ++i) {
    rising[i] = static_cast<float>(i);
  }
  EXPECT_EQ(as_floats(array), rising);
}

TEST(Npy, SwapsBigEndianNumbers) {
  EXPECT_EQ(as_integers(read_npy(fixture("big_endian.npy"))), (std::vector<Index>{-2, -1, 0, 1, 2}));
  EXPECT_EQ(as_floats(read_npy(fixture("big_endian_fortran.npy"))), (Floats{0, 1, 2, 3, 4, 5}));
}

TEST(Npy, RefusesTypesByName) {
  EXPECT_REFUSED(read_npy(fixture("objects.npy")), "is a pickled array, re-save without objects");
  EXPECT_REFUSED(read_npy(fixture("structured.npy")), "has a structured type");
  EXPECT_REFUSED(read_npy(fixture("complex.npy")), "number type '<c8'");
  EXPECT_REFUSED(read_npy(fixture("text.npy")), "number type '<U2'");
}

TEST(Npy, RefusesHeadersByTheirMistake) {
  const std::string numbers(8, '\0');
  const auto read = [&](const std::string& header) { return parsed(with_header(header, numbers)); };
  EXPECT_EQ(read("{'shape':(2,),'fortran_order':False,'descr':'<f4'}").sizes, Sizes{2});
  EXPECT_EQ(read("{ \"descr\": 'f4', 'fortran_order': True, 'shape': (2L, 1L) , }\n").sizes, (Sizes{2, 1}));
  EXPECT_REFUSED(read(""), "no '{' at its byte 0");
  EXPECT_REFUSED(read("{'descr': '<f4', 'shape': (2,)}"), "lacks one of descr");
  EXPECT_REFUSED(read("{'descr': '<f4', 'descr': '<f4'}"), "key 'descr' twice");
  EXPECT_REFUSED(read("{'other': 1}"), "key 'other' twice or unknown");
  EXPECT_REFUSED(read("{'descr': 4}"), "no text in quotes");
  EXPECT_REFUSED(read("{'descr': '<f4}"), "without an end");
  EXPECT_REFUSED(read("{'descr': '<f4' 'shape'"), "no '}'");
  EXPECT_REFUSED(read("{'fortran_order': 1}"), "neither True nor False");
  EXPECT_REFUSED(read("{'shape': (-2,)}"), "no size at byte 11");
  EXPECT_REFUSED(read("{'shape': (99999999999999999999,)}"), "no size at byte 11");
  EXPECT_REFUSED(read("{'shape': (2}"), "no ')'");
  EXPECT_REFUSED(read("{'shape': 2}"), "no '('");
  EXPECT_REFUSED(read("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} x"), "goes on after");
  EXPECT_REFUSED(read("{'descr': '', 'fortran_order': False, 'shape': (2,)}"), "number type ''");
  EXPECT_REFUSED(read("{'descr': '>', 'fortran_order': False, 'shape': (2,)}"), "number type '>'");
  EXPECT_REFUSED(read("{'descr': '\x1b[m', 'fortran_order': False, 'shape': (2,)}"), "number type '?[m'");
}

TEST(Npy, RefusesSizesThatTheFileDoesNotHold) {
  const auto read = [&](const std::string& shape) {
    return parsed(
        with_header("{'descr': '<f4', 'fortran_order': True, 'shape': " + shape + "}", std::string(8, '\0')));
  };
  EXPECT_REFUSED(read("(3,)"), "has 8 bytes of numbers, wanted 12 for shape [3] of f32");
  EXPECT_REFUSED(read("(1,)"), "wanted 4");
  EXPECT_REFUSED(read("(4611686018427387904,)"), "is too large");
  EXPECT_REFUSED(read("(4294967296, 4294967296, 0)"), "is too large");
  EXPECT_REFUSED(read("(1099511627776,)"), "wanted 4398046511104");
  EXPECT_REFUSED(read("(0, 4611686018427387904)"), "is too large");
  std::string many = "(";
  for (int i = 0; i < 33; ++i) {
    many += "1,";
  }
  EXPECT_REFUSED(read(many + ")"), "is too large");
}

TEST(Npy, RefusesWhatDoesNotBeginAsNpy) {
  const std::string plain = bytes_of(fixture("plain.npy"));
  std::string wrong = plain;
  wrong[1] = 'X';
  EXPECT_REFUSED(parsed(wrong), "a.npy: is not .npy");
  wrong = plain;
  wrong[6] = 4;
  EXPECT_REFUSED(parsed(wrong), "version 4, wanted 1 to 3");
  wrong = plain;
  wrong[6] = 2;  // now the length has four bytes, two of them of the dictionary
  EXPECT_REFUSED(parsed(wrong), "has a header of");
  EXPECT_REFUSED(parsed("\x93NUMPY"), "is 6 bytes, too short");
  EXPECT_REFUSED(read_npy("/nowhere/a.npy"), "can't open");
}

TEST(Npy, WritesWhatItReadsForEveryType) {
  const Scratch scratch;
  for (int type = 0; type <= static_cast<int>(NumberType::f64); ++type) {
    for (const Sizes& sizes : {Sizes{}, Sizes{5}, Sizes{0}, Sizes{2, 3}, Sizes{1, 2, 3, 4}}) {
      Array array{sizes, static_cast<NumberType>(type), {}};
      array.bytes.resize(static_cast<std::size_t>(*checked_bytes(sizes, size_of(array.type))));
      for (std::size_t i = 0; i < array.bytes.size(); ++i) {
        array.bytes[i] = static_cast<std::byte>(i * 7);
      }
      write_npy(scratch.path("a.npy"), array);
      EXPECT_EQ(read_npy(scratch.path("a.npy")), array);
    }
  }
  EXPECT_EQ(scratch.files(), 1u);
}

TEST(Npy, WritesTheBytesOfNumpy) {
  const Scratch scratch;
  write_npy(scratch.path("a.npy"), array_of({2, 3}, grid));
  EXPECT_EQ(bytes_of(scratch.path("a.npy")), bytes_of(fixture("plain.npy")));
}

TEST(Npy, SurvivesCutsAndFlips) {
  for (const char* name : {"plain.npy", "version2.npy", "big_endian_fortran.npy"}) {
    const std::string bytes = bytes_of(fixture(name));
    test::expect_refuses_prefixes(name, bytes, [](const std::string& path) { read_npy(path); });
    test::expect_survives_flips(name, bytes, 128, [](const std::string& path) { read_npy(path); });
  }
}

}  // namespace
}  // namespace volley
