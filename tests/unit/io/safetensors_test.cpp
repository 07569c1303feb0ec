// Weights survive the round trip; wrong headers are refused by name.
#include "sim/io/safetensors.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/io/scratch.hpp"
#include "tests/unit/io/zip_bytes.hpp"

namespace volley {
namespace {

using test::bytes_of;
using test::little;
using test::Scratch;
using Floats = std::vector<float>;

// u64 length, header, numbers.
std::string file_of(const std::string& header, const std::string& numbers = "") {
  return little(header.size(), 8) + header + numbers;
}

bool same(const Weights& a, const Weights& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& one, const auto& two) {
    return one.first == two.first && one.second.sizes == two.second.sizes &&
           one.second.numbers == two.second.numbers;
  });
}

TEST(Safetensors, WritesWhatItReads) {
  const Scratch scratch;
  Floats many(300'000);  // more than one chunk of the reader
  for (std::size_t i = 0; i < many.size(); ++i) {
    many[i] = static_cast<float>(i) * 0.37f;
  }
  const Weights weights{{"fc.weight", {{2, 3}, {1, 2, 3, 4, 5, 6.5f}}},
                        {"empty", {{0, 7}, {}}},
                        {"scalar", {{}, {-1}}},
                        {"a \"quoted\" ä", {{300, 1000}, many}}};
  const std::map<std::string, std::string> metadata{{"time_steps", "4"}, {"note", "line\nline"}};
  write_safetensors(scratch.path("a"), weights, metadata);
  EXPECT_TRUE(same(read_safetensors(scratch.path("a")), weights));
  EXPECT_EQ(read_safetensors_metadata(scratch.path("a")), metadata);
  EXPECT_EQ(scratch.files(), 1u);
  write_safetensors(scratch.path("b"), {});
  EXPECT_TRUE(read_safetensors(scratch.path("b")).empty());
  EXPECT_TRUE(read_safetensors_metadata(scratch.path("b")).empty());
}

TEST(Safetensors, WritesTheBytesOfTheFormat) {
  const Scratch scratch;
  write_safetensors(scratch.path("a"), {{"w", {{1}, {1}}}}, {{"k", "v"}});
  const std::string header =
      R"({"__metadata__":{"k":"v"},"w":{"data_offsets":[0,4],"dtype":"F32","shape":[1]}})";
  const std::string padded = header + std::string((8 - header.size() % 8) % 8, ' ');
  EXPECT_EQ(bytes_of(scratch.path("a")), file_of(padded, std::string("\0\0\x80\x3f", 4)));
}

TEST(Safetensors, ReadsEveryTypeAsFloat32) {
  const Scratch scratch;
  const auto read = [&](const std::string& dtype, std::size_t count, const std::string& numbers) {
    const std::string header = R"({"w":{"dtype":")" + dtype + R"(","shape":[)" + std::to_string(count) +
                               R"(],"data_offsets":[0,)" + std::to_string(numbers.size()) + "]}}   ";
    return read_safetensors(scratch.write("a", file_of(header, numbers))).at("w").numbers;
  };
  EXPECT_EQ(read("F32", 1, little(0xC0200000, 4)), Floats{-2.5f});
  EXPECT_EQ(read("F16", 2, little(0x3C00, 2) + little(0xC100, 2)), (Floats{1, -2.5f}));
  EXPECT_EQ(read("BF16", 2, little(0x3F80, 2) + little(0xC020, 2)), (Floats{1, -2.5f}));
  EXPECT_EQ(read("F64", 1, little(0xC004000000000000, 8)), Floats{-2.5f});
  EXPECT_EQ(read("I8", 2, little(0x80FF, 2)), (Floats{-1, -128}));
  EXPECT_EQ(read("I16", 1, little(0xFFFE, 2)), Floats{-2});
  EXPECT_EQ(read("I32", 1, little(0xFFFFFFFD, 4)), Floats{-3});
  EXPECT_EQ(read("I64", 1, little(5, 8)), Floats{5});
  EXPECT_EQ(read("U8", 2, little(0xFF01, 2)), (Floats{1, 255}));
  EXPECT_EQ(read("BOOL", 2, little(0x0100, 2)), (Floats{0, 1}));
  EXPECT_REFUSED(read("F8_E4M3", 1, "x"), "tensor 'w' has dtype 'F8_E4M3', wanted F64");
  EXPECT_REFUSED(read("U64", 1, "12345678"), "dtype 'U64'");
  EXPECT_REFUSED(read("F32", 2, little(0x7FC00000'3F800000, 8)), "tensor 'w' holds nan at index 1");
  EXPECT_REFUSED(read("F32", 1, little(0xFF800000, 4)), "tensor 'w' holds -inf at index 0");
  EXPECT_REFUSED(read("F64", 1, little(0x7E37E43C8800759C, 8)), "holds inf at index 0");
}

struct Mistake {
  std::string header;
  std::size_t bytes;  // behind the header
  std::string words;  // in the error
};

TEST(Safetensors, RefusesHeadersByTheirMistake) {
  const std::string one = R"("shape":[1],"dtype":"F32")";
  const std::vector<Mistake> mistakes{
      {"", 0, "doesn't begin with '{'"},
      {" {}", 0, "doesn't begin with '{'"},
      {"{", 0, "isn't JSON at its byte"},
      {"{}x", 0, "isn't JSON at its byte"},
      {"{\"\xff\":1}", 0, "isn't JSON"},
      {R"({"w":[1]})", 0, "has an array in 'w'"},
      {R"({"w":1})", 0, "has 1 in 'w'"},
      {R"({"w":"x"})", 0, "has a text in 'w'"},
      {R"({"w":null})", 0, "has null in 'w'"},
      {R"({"w":true})", 0, "has a truth value"},
      {R"({"w":{"shape":{}}})", 0, "has an object in 'w' at 'shape'"},
      {R"({"w":{"shape":[[1]]}})", 0, "has an array in 'w' at 'shape'"},
      {R"({"w":{"shape":[-1]}})", 0, "has a negative number in 'w' at 'shape'"},
      {R"({"w":{"shape":[1.5]}})", 0, "no integer"},
      {R"({"w":{"shape":[1e400]}})", 0, "isn't JSON"},
      {R"({"w":{"shape":[18446744073709551615]}})", 0, "has 18446744073709551615"},
      {R"({"w":{"shape":["1"]}})", 0, "has a text in 'w' at 'shape'"},
      {R"({"w":{"shape":3}})", 0, "has 3 in 'w' at 'shape'"},
      {R"({"w":{"dtype":[1]}})", 0, "has an array in 'w' at 'dtype'"},
      {R"({"w":{"other":1}})", 0, "key 'other' twice or unknown"},
      {R"({"w":{"shape":[],"shape":[]}})", 0, "key 'shape' twice"},
      {R"({"w":{)" + one + "}}", 0, "lacks one of dtype, shape, data_offsets"},
      {R"({"w":{)" + one + R"(,"data_offsets":[0]}})", 4, "data_offsets [0], wanted [begin, end]"},
      {R"({"w":{)" + one + R"(,"data_offsets":[4,0]}})", 4, "data_offsets [4, 0]"},
      {R"({"w":{)" + one + R"(,"data_offsets":[0,8]}})", 8, "has 8 bytes, wanted 4 for shape [1] of F32"},
      {R"({"w":{)" + one + R"(,"data_offsets":[0,4]}})", 0, "the tensors take 4 bytes, but 0 follow"},
      {R"({"w":{)" + one + R"(,"data_offsets":[0,4]}})", 5, "the tensors take 4 bytes, but 5 follow"},
      {R"({"w":{)" + one + R"(,"data_offsets":[4,8]}})", 8,
       "begins at byte 4 of the buffer, wanted 0 (there is a hole)"},
      {R"({"w":{)" + one + R"(,"data_offsets":[0,4]},"v":{)" + one + R"(,"data_offsets":[0,4]}})", 4,
       "wanted 4 (it overlaps another)"},
      {R"({"w":{)" + one + R"(,"data_offsets":[0,4]},"w":{)" + one + R"(,"data_offsets":[4,8]}})", 8,
       "'w' is there twice"},
      {R"({"w":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,4]}})", 4, "too large"},
      {R"({"w":{"dtype":"U8","shape":[4611686018427387904,2],"data_offsets":[0,4]}})", 4, "too large"},
      {R"({"w":{"dtype":"U8","shape":[4294967296,4294967296,0],"data_offsets":[0,0]}})", 0, "too large"},
      {R"({"w":{"dtype":"U8","shape":[4611686018427387904],"data_offsets":[0,4611686018427387904]}})", 4,
       "the tensors take 4611686018427387904 bytes, but 4 follow"},
      {R"({"__metadata__":{"a":"x","a":"y"}})", 0, "metadata 'a' is there twice"},
      {R"({"__metadata__":{"a":1}})", 0, "has 1 in '__metadata__' at 'a'"},
      {R"({"__metadata__":{"a":{}}})", 0, "has an object in '__metadata__'"},
      {R"({"__metadata__":{},"__metadata__":{}})", 0, "'__metadata__' is there twice"},
      {R"({"w":{"shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}})", 0,
       "more than 32 numbers in 'shape'"},
      {std::string(1000, '{'), 0, "isn't JSON"},
      {R"({"w":)" + std::string(100'000, '['), 0, "has an array in 'w'"},
  };
  const Scratch scratch;
  for (const Mistake& mistake : mistakes) {
    const std::string path = scratch.write("a", file_of(mistake.header, std::string(mistake.bytes, '\0')));
    const std::string why = test::error_of([&] { read_safetensors(path); });
    EXPECT_NE(why.find(mistake.words), std::string::npos) << mistake.header.substr(0, 200) << "\n" << why;
    EXPECT_EQ(why.find(path), 0u) << why;
  }
}

TEST(Safetensors, RefusesHeaderLengthsBeyondTheFile) {
  const Scratch scratch;
  EXPECT_REFUSED(read_safetensors(scratch.write("a", "1234567")), "is 7 bytes, too short");
  EXPECT_REFUSED(read_safetensors(scratch.write("a", little(3, 8) + "{}")),
                 "header of 3 bytes, wanted at most 2");
  EXPECT_REFUSED(read_safetensors(scratch.write("a", little(~0ull, 8) + "{}")),
                 "header of 18446744073709551615 bytes");
  EXPECT_REFUSED(read_safetensors(scratch.path("none")), "can't open");
  scratch.write("sparse", little(200'000'000, 8));
  std::filesystem::resize_file(scratch.path("sparse"), 300'000'000);
  EXPECT_REFUSED(read_safetensors(scratch.path("sparse")), "wanted at most 100000000");
}

TEST(Safetensors, DoesNotWriteWhatItWouldRefuse) {
  const Scratch scratch;
  const auto why = [&](const Weights& weights, const std::map<std::string, std::string>& metadata = {}) {
    return test::error_of([&] { write_safetensors(scratch.path("a"), weights, metadata); }, Fault::run);
  };
  EXPECT_NE(why({{"w", {{1}, {NAN}}}}).find("tensor 'w' holds nan at index 0"), std::string::npos);
  EXPECT_NE(why({{"__metadata__", {{1}, {1}}}}).find("may not be named '__metadata__'"), std::string::npos);
  EXPECT_NE(why({{"\xff", {{1}, {1}}}}).find("isn't UTF-8"), std::string::npos);
  EXPECT_NE(why({}, {{"k", "\xff"}}).find("isn't UTF-8"), std::string::npos);
  EXPECT_EQ(scratch.files(), 0u);
}

TEST(Safetensors, SurvivesCutsAndFlips) {
  const Scratch scratch;
  write_safetensors(scratch.path("a"), {{"w", {{2, 1}, {1, 2}}}, {"v", {{1}, {3}}}}, {{"k", "v"}});
  const std::string bytes = bytes_of(scratch.path("a"));
  const auto read = [](const std::string& path) { read_safetensors(path); };
  test::expect_refuses_prefixes("a", bytes, read);
  test::expect_survives_flips("a", bytes, bytes.size(), read);
}

}  // namespace
}  // namespace volley
