// Checkpoints by PyTorch, and pickles by somebody who wants to be executed.
#include "sim/io/torch_checkpoint.hpp"

#include <gtest/gtest.h>

#include "tests/unit/io/scratch.hpp"
#include "tests/unit/io/zip_bytes.hpp"

namespace volley {
namespace {

using test::fixture;
using test::little;
using test::Scratch;
using test::zip_of;
using Floats = std::vector<float>;

const Floats grid{0, 0.25f, 0.5f, 0.75f, 1, 1.25f};

// A pickle by opcode: text, a storage of floats, a tensor of it.
std::string text(const std::string& words) {
  return "X" + little(words.size(), 4) + words;
}
std::string storage(const std::string& type, const std::string& key) {
  return "(" + text("storage") + "c" + type + "\n" + text(key) + text("cpu") + "K\x04tQ";
}
std::string numbers(const std::vector<std::int32_t>& values) {
  std::string out = "(";
  for (const std::int32_t value : values) {
    out += "J" + little(static_cast<std::uint32_t>(value), 4);
  }
  return out + "t";
}
std::string tensor(const std::string& storage, std::int32_t offset, const std::vector<std::int32_t>& sizes,
                   const std::vector<std::int32_t>& strides) {
  return "ctorch._utils\n_rebuild_tensor_v2\n(" + storage + "J" +
         little(static_cast<std::uint32_t>(offset), 4) + numbers(sizes) + numbers(strides) + "\x89}tR";
}
std::string dict(const std::string& key, const std::string& value) {
  return std::string("\x80\x02}", 3) + text(key) + value + "s.";
}

class Checkpoint {
 public:
  // The storage "0" has the 4 floats 0, 1, 2, 3.
  StateDict read(const std::string& pickle) const {
    const std::string four =
        little(0, 4) + little(0x3f800000, 4) + little(0x40000000, 4) + little(0x40400000, 4);
    return read_torch_checkpoint(
        scratch_.write("a.pt", zip_of({{"a/data.pkl", pickle}, {"a/data/0", four}})));
  }
  StateDict with_tensor(std::int32_t offset, const std::vector<std::int32_t>& sizes,
                        const std::vector<std::int32_t>& strides) const {
    return read(dict("w", tensor(storage("torch\nFloatStorage", "0"), offset, sizes, strides)));
  }

 private:
  Scratch scratch_;
};

TEST(TorchCheckpoint, ReadsEveryTypeViewAndParameter) {
  const StateDict state = read_torch_checkpoint(fixture("state.pt"));
  EXPECT_EQ(state.entry, "");
  EXPECT_TRUE(state.skipped.empty());
  for (const char* name : {"float", "double", "half", "bfloat16", "parameter"}) {
    EXPECT_EQ(state.tensors.at(name).numbers, grid) << name;
    EXPECT_EQ(state.tensors.at(name).sizes, (std::vector<Index>{2, 3})) << name;
  }
  EXPECT_EQ(state.tensors.at("long").numbers, Floats{7});
  EXPECT_TRUE(state.tensors.at("long").sizes.empty());
  EXPECT_EQ(state.tensors.at("bool").numbers, (Floats{1, 0}));
  EXPECT_EQ(state.tensors.at("view").numbers, (Floats{1, 1.25f}));
  EXPECT_EQ(state.tensors.at("transposed").numbers, (Floats{0, 0.75f, 0.25f, 1, 0.5f, 1.25f}));
  EXPECT_EQ(state.tensors.at("empty").sizes, (std::vector<Index>{0, 3}));
}

TEST(TorchCheckpoint, FindsTheStateDictAmongOtherThings) {
  const StateDict plain = read_torch_checkpoint(fixture("timm.pth.tar"));
  EXPECT_EQ(plain.entry, "state_dict");
  EXPECT_EQ(plain.tensors.size(), 10u);
  EXPECT_EQ(plain.skipped, std::vector<std::string>{"note"});
  const StateDict averaged = read_torch_checkpoint(fixture("timm.pth.tar"), WeightAverage::ema);
  EXPECT_EQ(averaged.entry, "state_dict_ema");
  EXPECT_EQ(averaged.tensors.at("float").numbers, (Floats{1, 1.25f, 1.5f, 1.75f, 2, 2.25f}));
  EXPECT_REFUSED(read_torch_checkpoint(fixture("state.pt"), WeightAverage::ema), "has no averaged weights");
}

TEST(TorchCheckpoint, RefusesByName) {
  EXPECT_REFUSED(read_torch_checkpoint(fixture("module.pt")),
                 "a whole Python object (torch.nn.modules.linear Linear)");
  EXPECT_REFUSED(read_torch_checkpoint(fixture("legacy.pt")), "format before PyTorch 1.6");
  EXPECT_REFUSED(read_torch_checkpoint(fixture("nan.pt")), "tensor 'weight' holds nan at index 1");
  EXPECT_REFUSED(read_torch_checkpoint(fixture("expanded.pt")), "more numbers than the 1 of its storage");
  EXPECT_REFUSED(read_torch_checkpoint(fixture("plain.npy")), "is no ZIP archive");
  EXPECT_REFUSED(read_torch_checkpoint(fixture("stored.npz")), "without NAME/data.pkl");
}

TEST(TorchCheckpoint, HoldsViewsToTheirStorage) {
  const Checkpoint checkpoint;
  EXPECT_EQ(checkpoint.with_tensor(1, {3}, {1}).tensors.at("w").numbers, (Floats{1, 2, 3}));
  EXPECT_REFUSED(checkpoint.with_tensor(2, {3}, {1}), "reaches beyond the 4 numbers");
  EXPECT_REFUSED(checkpoint.with_tensor(0, {2, 2}, {4, 1}), "reaches beyond the 4 numbers");
  EXPECT_REFUSED(checkpoint.with_tensor(4, {}, {}), "begins at 4 in a storage of 4");
  EXPECT_REFUSED(checkpoint.with_tensor(-1, {1}, {1}), "its offset is an integer -1");
  EXPECT_REFUSED(checkpoint.with_tensor(0, {-1}, {1}), "its size is an integer -1");
  EXPECT_REFUSED(checkpoint.with_tensor(0, {2}, {-1}), "its stride is an integer -1");
  EXPECT_REFUSED(checkpoint.with_tensor(0, {2, 2}, {1}), "has 2 sizes and 1 strides");
  EXPECT_REFUSED(checkpoint.with_tensor(0, {1 << 30, 1 << 30, 1 << 30, 0}, {1, 1, 1, 1}),
                 "more numbers than");
  EXPECT_TRUE(checkpoint.with_tensor(4, {0}, {1}).tensors.at("w").numbers.empty());
}

TEST(TorchCheckpoint, RefusesStoragesThatAreNone) {
  const Checkpoint checkpoint;
  const auto with = [&](const std::string& stored) {
    return checkpoint.read(dict("w", tensor(stored, 0, {1}, {1})));
  };
  EXPECT_REFUSED(with(storage("torch\nFloatStorage", "1")), "its storage 'a/data/1' is missing");
  EXPECT_REFUSED(with(storage("torch\nQuantStorage", "0")), "a storage of type 'torch QuantStorage'");
  EXPECT_REFUSED(with(text("0")), "has a text for a storage");
}

TEST(TorchCheckpoint, NeverExecutesWhatAPickleAsksFor) {
  const Checkpoint checkpoint;
  const std::string attack = "cposix\nsystem\n(" + text("touch /tmp/volley_was_here") + "tR";
  const StateDict state =
      checkpoint.read(std::string("\x80\x02}", 3) + text("evil") + attack + "s" + text("w") +
                      tensor(storage("torch\nFloatStorage", "0"), 0, {1}, {1}) + "s.");
  EXPECT_EQ(state.skipped, std::vector<std::string>{"evil"});
  EXPECT_EQ(state.tensors.size(), 1u);
  EXPECT_REFUSED(checkpoint.read(std::string("\x80\x02", 2) + attack + "."), "(posix system)");
}

TEST(TorchCheckpoint, RefusesPicklesThatMakeNoSense) {
  const Checkpoint checkpoint;
  EXPECT_REFUSED(checkpoint.read("."), "takes a value that isn't there");
  EXPECT_REFUSED(checkpoint.read("N"), "pickle ends at byte 1");
  EXPECT_REFUSED(checkpoint.read("N.N"), "1 bytes follow the end");
  EXPECT_REFUSED(checkpoint.read("(N(."), "takes a value that isn't there");
  EXPECT_REFUSED(checkpoint.read("t."), "has no mark");
  EXPECT_REFUSED(checkpoint.read("h\x05."), "recalls 5, which it did not remember");
  EXPECT_REFUSED(checkpoint.read("](Nu."), "adds items to a list");
  EXPECT_REFUSED(checkpoint.read("}(Nu."), "a key without value");
  EXPECT_REFUSED(checkpoint.read("\x80\x09N."), "has protocol 9");
  EXPECT_REFUSED(checkpoint.read("i."), "opcode 0x69 at byte 0");
  EXPECT_REFUSED(checkpoint.read("\x8a\x09" + std::string(9, '\1') + "."), "an integer of 9 bytes");
  EXPECT_REFUSED(checkpoint.read("N."), "its root is None with the keys: none");
  EXPECT_REFUSED(checkpoint.read("X" + little(0xffffffff, 4) + "."), "wanted 4294967295 more bytes");
}

TEST(TorchCheckpoint, SurvivesCircles) {
  const Checkpoint checkpoint;
  EXPECT_REFUSED(checkpoint.read(std::string("]q\0h\0a.", 7)), "its root is a list");
}

TEST(TorchCheckpoint, SurvivesTruncationAndFlippedBits) {
  for (const char* name : {"state.pt", "timm.pth.tar"}) {
    const std::string bytes = test::bytes_of(fixture(name));
    const auto read = [](const std::string& path) { read_torch_checkpoint(path); };
    test::expect_refuses_prefixes(name, bytes, read);
    test::expect_survives_flips(name, bytes, bytes.size(), read);
  }
}

}  // namespace
}  // namespace volley
