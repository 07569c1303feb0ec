// Checkpoints and files of families that are refused, by text; and a family of a user.
#include <gtest/gtest.h>

#include <fstream>

#include "sim/base/check.hpp"
#include "tests/unit/models/checkpoint_case.hpp"

namespace volley {
namespace {

using namespace test;

std::string error_of(const StateDict& state, const CheckpointOptions& options, Fault fault = Fault::model,
                     const std::vector<CheckpointFamily>& families = known()) {
  try {
    (void)import_checkpoint(state, families, options);
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), fault) << error.what();
    return error.what();
  }
  return "";
}

void expect_in(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

TEST(CheckpointRefusals, NamesBothFamiliesWhoseKeysAreTheSame) {
  for (const char* variant : {"sdt-v1-lif", "statten"}) {
    const Reduced& entry = entry_of(variant);
    EXPECT_EQ(
        error_of(state_of(entry), {"auto", entry.config, false}),
        "the keys are those of sdt-v1-lif, statten alike, and the file does not say which; give --family");
  }
}

TEST(CheckpointRefusals, RefusesUnknownFamilies) {
  const StateDict state = state_of(entry_of("spikformer-cifar"));
  expect_in(error_of(state, {"resnet", {}, false}, Fault::usage),
            "unknown family 'resnet', wanted auto or one of: qkformer-cifar, qkformer-imagenet");
  EXPECT_EQ(error_of(state, {"sdt-v2", {}, false}),
            "the keys are those of none of: sdt-v2; the first key is 'block.0.attn.k_bn.bias'");
  expect_in(error_of({}, {}), "the first key is ''");
}

TEST(CheckpointRefusals, WantsHeadsWhereNoPublishedSizeTellsThem) {
  EXPECT_EQ(
      error_of(state_of(entry_of("spikformer-cifar")), {"auto", {{"image", "16"}}, false}),
      "no published size of spikformer has these widths, and the file does not say heads; give --config "
      "heads=...");
}

TEST(CheckpointRefusals, RefusesSettingsThatTheFamilyLacks) {
  const Reduced& entry = entry_of("spikformer-cifar");
  expect_in(error_of(state_of(entry), {"auto", merged({{"chunk", "2"}}, entry.config), false}, Fault::usage),
            "'chunk=2' sets nothing");
}

TEST(CheckpointRefusals, RefusesMissingTensorsUnlessAllowed) {
  const Reduced& entry = entry_of("spikformer-cifar");
  StateDict state = state_of(entry);
  state.tensors.erase("module.block.1.mlp.fc1_linear.weight");
  EXPECT_EQ(
      error_of(state, options_of(entry)),
      "1 tensors are missing: block.1.mlp.fc1_linear.weight; --allow-missing takes those of a new model");
  CheckpointOptions options = options_of(entry);
  options.allow_missing = true;
  const CheckpointImport imported = import_checkpoint(state, known(), options);
  EXPECT_EQ(imported.model.weights.at("block.1.mlp.fc1_linear.weight").numbers.size(), 4 * 32 * 32u);
  EXPECT_EQ(std::count(imported.notes.begin(), imported.notes.end(),
                       "1 tensors are missing and stay as in a new model"),
            1);
  const auto missing = std::count_if(imported.tensors.begin(), imported.tensors.end(),
                                     [](const KeyUse& use) { return use.key.empty(); });
  EXPECT_EQ(missing, 1);
}

TEST(CheckpointRefusals, RefusesTensorsOfAnotherSize) {
  const Reduced& entry = entry_of("spikformer-cifar");
  StateDict state = state_of(entry);
  state.tensors.at("module.block.0.attn.q_bn.weight").sizes = {31};
  EXPECT_EQ(error_of(state, options_of(entry)),
            "tensor 'block.0.attn.q_bn.weight' is [31], wanted [32] for 'block.0.attn.q_bn.weight'");
  state.tensors.at("module.head.weight").sizes = {96};
  EXPECT_EQ(error_of(state, options_of(entry)),
            "tensor 'head.weight' is missing or has no axis 1, wanted for the setting dim");
}

TEST(CheckpointRefusals, RefusesKeysThatNobodyKnows) {
  const Reduced& entry = entry_of("spikformer-cifar");
  StateDict state = state_of(entry);
  state.tensors["module.block.0.attn.gate.weight"] = {{4}, std::vector<float>(4)};
  EXPECT_EQ(error_of(state, options_of(entry)),
            "1 keys are read by nothing and known to no rule, so the model may be another one: "
            "block.0.attn.gate.weight");
}

TEST(CheckpointQuirks, AreNamedAndFollowedWhenAsked) {
  const Reduced& entry = entry_of("qkformer-cifar");
  CheckpointOptions options = options_of(entry);
  const CheckpointImport plain = import_checkpoint(state_of(entry), known(), options);
  ASSERT_EQ(plain.quirks.size(), 1u);
  EXPECT_EQ(plain.quirks[0].name, "proj-lif-over-batch");
  EXPECT_EQ(plain.quirks[0].state, QuirkState::not_followed);
  options.compat = {"proj-lif-over-batch"};
  const CheckpointImport followed = import_checkpoint(state_of(entry), known(), options);
  EXPECT_EQ(followed.quirks.at(0).state, QuirkState::followed);
  const auto over_batch = [](const BuiltModel& model) {
    return std::count_if(model.description.nodes.begin(), model.description.nodes.end(),
                         [](const NodeDescription& node) { return node.op == "neuron.lif_over_batch"; });
  };
  EXPECT_EQ(over_batch(plain.model), 0);
  EXPECT_GT(over_batch(followed.model), 0);
  options.compat = {"proj-lif"};
  EXPECT_EQ(error_of(state_of(entry), options, Fault::usage),
            "--compat proj-lif: unknown for qkformer, wanted proj-lif-over-batch");
}

TEST(CheckpointQuirks, ThatHaveNoEffectAreNamedButNotFollowed) {
  const Reduced& entry = entry_of("spikformer-cifar");
  CheckpointOptions options = options_of(entry);
  const CheckpointImport imported = import_checkpoint(state_of(entry), known(), options);
  ASSERT_EQ(imported.quirks.size(), 1u);
  EXPECT_EQ(imported.quirks[0].name, "unused-norms");
  EXPECT_EQ(imported.quirks[0].state, QuirkState::no_effect);
  options.compat = {"unused-norms"};
  EXPECT_EQ(error_of(state_of(entry), options, Fault::usage),
            "--compat unused-norms: this module is never called, so there is nothing to follow");
  options.compat = {"gate"};
  EXPECT_EQ(error_of(state_of(entry), options, Fault::usage),
            "--compat gate: unknown for spikformer, wanted none");
}

TEST(CheckpointQuirks, AgreeWithTheConfiguration) {
  const Reduced& entry = entry_of("qkformer-cifar");
  CheckpointOptions options = options_of(entry);
  options.compat = {"proj-lif-over-batch"};
  options.config["proj_lif"] = "per_sample";
  EXPECT_EQ(error_of(state_of(entry), options, Fault::usage),
            "--compat proj-lif-over-batch means proj_lif=over_batch, but --config says proj_lif=per_sample");
}

std::string written(const std::string& text) {
  const std::string path = testing::TempDir() + "family.txtpb";
  std::ofstream(path) << text;
  return path;
}

TEST(CheckpointFamilyFile, OfAUserRenamesKeys) {
  const Reduced& entry = entry_of("spikformer-cifar");
  StateDict state;
  for (auto& [key, tensor] : state_of(entry).tensors) {
    state.tensors.emplace(
        key.starts_with("module.head") ? "net.last" + key.substr(11) : "net." + key.substr(7), tensor);
  }
  const CheckpointFamily mine = read_checkpoint_family(written(
      "family: \"spikformer\" variant { name: \"mine\" has: \"net.last.weight\"\n"
      "  fixed { setting: \"dim\" value: \"32\" } measured { setting: \"classes\" key: \"net.last.bias\" }\n"
      "  measured { setting: \"depth\" count: \"net\\\\.block\\\\.(\\\\d+)\\\\..*\" } }\n"
      "rename { pattern: \"net\\\\.last\\\\.(.*)\" to: \"head.$1\" } rename { pattern: \"net\\\\.(.*)\" to: "
      "\"$1\" }\n"
      "unread { pattern: \".*(tracked|norm[12].*)\" why: \"of training\" } remark: \"mine\""));
  const CheckpointImport imported = import_checkpoint(state, {mine}, {"mine", entry.config, false});
  const BuiltModel built = build_family("spikformer", "", entry.settings, 3);
  EXPECT_EQ(imported.model.description, built.description);
  EXPECT_EQ(imported.model.weights.at("head.weight").numbers, built.weights.at("head.weight").numbers);
  EXPECT_EQ(imported.notes.back(), "mine");
}

TEST(CheckpointFamilyFile, ThatIsBrokenIsNamed) {
  const auto error = [](const std::string& text) {
    const std::string path = written(text);
    try {
      (void)read_checkpoint_family(path);
    } catch (const Error& caught) {
      EXPECT_NE(std::string(caught.what()).find(path), std::string::npos) << caught.what();
      return std::string(caught.what());
    }
    return std::string("no error");
  };
  const std::string variant = "family: \"f\" variant { name: \"v\" has: \"k\" ";
  expect_in(error("family: spikformer {"), "family.txtpb");
  expect_in(error("famly: \"f\""), "famly");
  expect_in(error("family: \"f\""), "wanted a family and at least one variant");
  expect_in(error(variant + "} quirk { name: \"q\" what: \"w\" }"),
            "quirk 'q' wants a name, what it is, and compat");
  expect_in(error("family: \"f\" variant { has: \"k\" }"), "a variant has no name");
  expect_in(error("family: \"f\" variant { name: \"v\" }"), "variant 'v' has no key in 'has'");
  expect_in(error(variant + "sized { key: \"k\" axis: 9 size: 3 } }"), "axis is 9, wanted 0 to 7");
  expect_in(error(variant + "measured { setting: \"dim\" } }"), "either keys or count");
  expect_in(error(variant + "measured { setting: \"d\" key: \"k\" count: \".\" } }"), "either keys or count");
  expect_in(error(variant + "} unread { pattern: \"(\" why: \"w\" }"),
            "pattern '(' is no regular expression");
  try {
    (void)read_checkpoint_family("/no/such/family.txtpb");
    ADD_FAILURE();
  } catch (const Error& caught) {
    expect_in(caught.what(), "/no/such/family.txtpb");
  }
}

}  // namespace
}  // namespace volley
