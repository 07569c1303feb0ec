// Checkpoints come in: recognised, measured, filled.
#include "models/exchange/checkpoint_import.hpp"

#include <gtest/gtest.h>

#include <set>

#include "tests/unit/models/checkpoint_case.hpp"

namespace volley {
namespace {

using namespace test;

class Variants : public testing::TestWithParam<std::size_t> {};

TEST_P(Variants, ComeInAsTheyWereBuilt) {
  const Reduced& entry = reduced()[GetParam()];
  const BuiltModel built = build_family(entry.family, "", entry.settings, 3);
  const CheckpointImport imported = import_checkpoint(state_of(entry), known(), options_of(entry));
  EXPECT_EQ(imported.variant, entry.variant);
  EXPECT_EQ(imported.model.description, built.description);
  ASSERT_EQ(imported.model.weights.size(), built.weights.size());
  EXPECT_EQ(imported.tensors.size(), built.weights.size());
  for (const auto& [name, tensor] : built.weights) {
    EXPECT_EQ(imported.model.weights.at(name).sizes, tensor.sizes) << name;
    EXPECT_EQ(imported.model.weights.at(name).numbers, tensor.numbers) << name;
  }
  EXPECT_FALSE(imported.unused.empty());  // counters of batch norm
  for (const auto& [key, why] : imported.unused) {
    EXPECT_FALSE(why.empty()) << key;
  }
}

std::string name_of(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '-' || c == ' '; }, '_');
  return text;
}

INSTANTIATE_TEST_SUITE_P(Reduced, Variants, testing::Range(std::size_t{0}, reduced().size()),
                         [](const auto& entry) { return name_of(reduced()[entry.param].variant); });

TEST(CheckpointVariants, AreAllTriedHere) {
  std::set<std::string> there, tried;
  for (const CheckpointFamily& family : known()) {
    for (const CheckpointVariant& variant : family.variants) {
      there.insert(variant.name);
    }
  }
  for (const Reduced& entry : reduced()) {
    tried.insert(entry.variant);
  }
  EXPECT_EQ(tried, there);
}

// All that a file does not say is that of the size which the tensors tell.
TEST(CheckpointImport, NeedsNoConfigForPublishedSizes) {
  Index sizes = 0;
  for (const CheckpointFamily& family : known()) {
    for (const FamilySize& size : find_family(family.family).sizes) {
      SCOPED_TRACE(family.family + " " + size.name);
      Settings settings;
      for (const SettingDoc& doc : find_family(family.family).settings()) {
        settings[doc.key] = doc.standard;
      }
      settings = merged(size.settings, settings);
      const bool is_dvs = settings.contains("variant") && settings.at("variant") == "dvs";
      const BuiltModel built = build_family(family.family, size.name, {}, 0, Draw::sizes);
      const StateDict state =
          state_of(built, family.family, family.family + (is_dvs ? "-dvs" : ""), settings);
      const CheckpointImport imported = import_checkpoint(state, known(), {family.family, {}, false});
      EXPECT_EQ(imported.model.description, built.description);
      ++sizes;
    }
  }
  EXPECT_EQ(sizes, 47);
}

TEST(CheckpointImport, TakesOffPrefixesThatAllKeysHave) {
  const Reduced& entry = entry_of("spikformer-cifar");
  StateDict state;
  for (auto& [key, tensor] : state_of(entry).tensors) {
    state.tensors.emplace("_orig_mod.model." + key, tensor);
  }
  EXPECT_EQ(import_checkpoint(state, known(), options_of(entry)).variant, entry.variant);
}

TEST(CheckpointImport, SaysWhatTheFileDoesNot) {
  const Reduced& entry = entry_of("spikingformer-dvs");
  const CheckpointImport imported = import_checkpoint(state_of(entry), known(), options_of(entry));
  const auto has = [&](const std::string& text) {
    return std::any_of(imported.notes.begin(), imported.notes.end(),
                       [&](const std::string& note) { return note.find(text) != std::string::npos; });
  };
  EXPECT_TRUE(has("tau 1.5")) << "of every neuron";
  EXPECT_TRUE(has("of the family, not of the file"));
}

}  // namespace
}  // namespace volley
