// Checkpoints of each variant at a small size, made in memory.
#pragma once

#include <algorithm>
#include <filesystem>

#include "models/exchange/checkpoint_import.hpp"

namespace volley::test {

// A variant of models/exchange/checkpoints at a small size.
struct Reduced {
  std::string variant, family;
  Settings settings;
  Settings config;     // of these, what no file says
  bool named = false;  // auto can't tell it from another family
};

inline Settings merged(Settings more, const Settings& base) {
  more.insert(base.begin(), base.end());
  return more;
}

inline const std::vector<Reduced>& reduced() {
  static const Settings sizes{{"dim", "32"}, {"depth", "2"}, {"classes", "3"}, {"heads", "4"}};
  static const Settings said{{"heads", "4"}, {"image", "16"}};
  static const Settings image{{"image", "16"}};
  static const Settings small = merged(image, sizes);
  static const Settings frames{{"variant", "dvs"}, {"channels", "2"}};
  static const Settings wide{{"variant", "imagenet"}};
  static const Settings meta{{"dims", "8/16/32/48"}, {"blocks3", "2"}, {"blocks4", "1"}, {"classes", "3"}};
  static const Settings meta_said{{"heads", "4"}, {"image", "32"}};
  static const Settings resformer{{"dims", "16/32/48"}, {"heads", "1/2/3"}, {"classes", "3"}};
  static const Settings resformer_said{{"pairs", "1/1/2"}, {"group", "16"}, {"image", "16"}};
  static const Settings large_said = merged({{"image", "64"}}, resformer_said);
  static const auto qk = [](const char* variant, const char* depth) {
    return merged({{"variant", variant}, {"depth", depth}, {"dim", "64"}}, small);
  };
  static const std::vector<Reduced> all{
      {"spikformer-cifar", "spikformer", small, said},
      {"spikformer-imagenet", "spikformer", merged(wide, small), said},
      {"spikformer-dvs", "spikformer", merged(frames, small), said},
      {"spikingformer-cifar", "spikingformer", small, said},
      {"spikingformer-imagenet", "spikingformer", merged(wide, small), said},
      {"spikingformer-dvs", "spikingformer", merged(frames, small), said},
      {"qkformer-cifar", "qkformer", qk("cifar", "3"), said},
      {"qkformer-imagenet", "qkformer", qk("imagenet", "4"), said},
      {"qkformer-dvs", "qkformer", merged(frames, qk("dvs", "2")), said},
      {"sdt-v1-lif", "sdt-v1", small, image, true},
      {"sdt-v1-plif", "sdt-v1", merged({{"plif", "true"}}, small), image},
      {"statten", "statten", small, image, true},
      {"sdt-v2", "sdt-v2", merged(meta_said, meta), meta_said},
      {"sdt-v3", "sdt-v3", merged(meta_said, meta), meta_said},
      {"spikingresformer-imagenet", "spikingresformer", merged(large_said, resformer), large_said},
      {"spikingresformer-cifar", "spikingresformer",
       merged({{"variant", "cifar"}}, merged(resformer_said, resformer)), resformer_said},
      {"spikingresformer-dvsg", "spikingresformer",
       merged({{"variant", "dvsg"}}, merged(resformer_said, resformer)), resformer_said},
  };
  return all;
}

inline const std::vector<CheckpointFamily>& known() {
  static const std::vector<CheckpointFamily> all = [] {
    std::vector<CheckpointFamily> families;
    const std::string folder = std::string(VOLLEY_SOURCE_DIR) + "/models/exchange/checkpoints";
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      families.push_back(read_checkpoint_family(entry.path().string()));
    }
    std::sort(families.begin(), families.end(),
              [](const auto& a, const auto& b) { return a.family < b.family; });
    return families;
  }();
  return all;
}

// What the authors' modules hold beside what their forward reads.
inline void add_unread(Weights& keys, const std::string& family, const std::string& variant,
                       const Settings& settings) {
  const auto add = [&](const std::string& key, std::vector<Index> sizes) {
    keys.emplace(key, WeightTensor{std::move(sizes), {}});
  };
  const auto setting = [&](const char* key) { return std::stoll(settings.at(key)); };
  std::vector<std::string> norms;
  for (const auto& [key, tensor] : keys) {
    if (key.ends_with("running_mean")) {
      norms.push_back(key.substr(0, key.rfind('.')));
    }
  }
  for (const std::string& norm : norms) {
    add(norm + ".num_batches_tracked", {});
  }
  const bool is_v1 = family == "sdt-v1" || family == "statten";
  const bool has_norms = family == "spikformer" || family == "spikingformer";
  for (Index i = 0; (is_v1 || has_norms) && i < setting("depth"); ++i) {
    const std::string block = "block." + std::to_string(i) + ".";
    if (has_norms) {
      add(block + "norm1.weight", {setting("dim")});
      add(block + "norm2.bias", {setting("dim")});
    } else {
      add(block + "attn.talking_heads.weight", {setting("heads"), setting("heads"), 1});
    }
    if (variant == "sdt-v1-plif") {
      add(block + "attn.attn_lif.w", {});
    }
  }
  if (variant == "sdt-v1-plif") {
    add("patch_embed.rpe_lif.w", {});
  }
  if (variant == "spikformer-dvs") {
    add("pos_embed", {1, 1, setting("dim")});
    add("norm.weight", {setting("dim")});
  }
}

// Axes of size 1 come and go, in turn.
inline std::vector<Index> reshaped(std::vector<Index> sizes, std::size_t turn) {
  if (sizes.size() == 2 || sizes.empty()) {
    sizes.insert(sizes.end(), turn % 3, 1);
  }
  return sizes;
}

inline StateDict state_of(const BuiltModel& built, const std::string& family, const std::string& variant,
                          const Settings& settings) {
  Weights keys = built.weights;
  std::size_t turn = 0;
  for (auto& [key, tensor] : keys) {
    tensor.sizes = reshaped(tensor.sizes, turn++);
  }
  add_unread(keys, family, variant, settings);
  StateDict state;
  for (auto& [key, tensor] : keys) {
    state.tensors.emplace("module." + key, std::move(tensor));
  }
  return state;
}

inline const Reduced& entry_of(const std::string& variant) {
  return *std::find_if(reduced().begin(), reduced().end(),
                       [&](const Reduced& entry) { return entry.variant == variant; });
}

inline StateDict state_of(const Reduced& entry) {
  return state_of(build_family(entry.family, "", entry.settings, 3), entry.family, entry.variant,
                  entry.settings);
}

inline CheckpointOptions options_of(const Reduced& entry) {
  return {entry.named ? entry.family : "auto", entry.config, false};
}

}  // namespace volley::test
