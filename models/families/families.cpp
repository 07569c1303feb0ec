// The families of models that volley can build, with their published sizes.
#include "models/families/families.hpp"

#include <algorithm>

#include "models/families/linear_attention.hpp"
#include "models/families/qkformer.hpp"
#include "models/families/sdt_v1.hpp"
#include "models/families/sdt_v2.hpp"
#include "models/families/sdt_v3.hpp"
#include "models/families/settings.hpp"
#include "models/families/spikformer.hpp"
#include "models/families/spikingformer.hpp"
#include "models/families/spikingresformer.hpp"
#include "models/families/statten.hpp"
#include "sim/base/check.hpp"

namespace volley {
namespace {

template <class Options>
Family family(std::string name, std::string about, BuiltModel (*build)(const Options&),
              std::vector<FamilySize> sizes) {
  Family made{name, std::move(about), std::move(sizes), {}, {}};
  const Settings standard = made.sizes.front().settings;
  made.build = [name, build](const Settings& settings, std::uint64_t seed, Draw draw) {
    Options options;
    SettingReader reader(name, settings);
    options.visit(reader);
    reader.refuse_unknown();
    options.seed = seed;
    options.draw = draw;
    return build(options);
  };
  made.settings = [name, standard] {
    Options options;
    SettingReader reader(name, standard);
    options.visit(reader);
    return reader.docs();
  };
  return made;
}

Settings with(Settings settings, const Settings& more) {
  for (const auto& [key, value] : more) {
    settings[key] = value;
  }
  return settings;
}

Settings sizes(const char* dim, const char* heads, const char* depth, const char* classes) {
  return {{"dim", dim}, {"heads", heads}, {"depth", depth}, {"classes", classes}};
}

Settings imagenet(const char* dim, const char* heads, const char* depth) {
  return with(sizes(dim, heads, depth, "1000"), {{"variant", "imagenet"}, {"image", "224"}});
}

Settings events(const char* dim, const char* heads, const char* depth, const char* classes) {
  return with(sizes(dim, heads, depth, classes), {{"variant", "dvs"}, {"image", "128"}, {"channels", "2"}});
}

Settings pooled(const char* pooling, const char* image, const Settings& settings) {
  return with(settings, {{"pooling", pooling}, {"image", image}});
}

Settings pooled_frames(const char* pooling, const char* image, const Settings& settings) {
  return with(pooled(pooling, image, settings),
              {{"picture", "frames"}, {"channels", "2"}, {"dvs_mode", "true"}});
}

// Unread: two LayerNorms a block; of dvs the position, a LayerNorm and so on.
Family spikformer() {
  return family<SpikformerOptions>("spikformer", "SSA, integer residuals", build_spikformer,
                                   {{"cifar10-4-384", sizes("384", "12", "4", "10"), 9'330'874, 6'144},
                                    {"cifar100-4-384", sizes("384", "12", "4", "100")},
                                    {"imagenet-8-384", imagenet("384", "8", "8"), 16'828'312, 12'288},
                                    {"imagenet-8-512", imagenet("512", "8", "8"), 29'705'768, 16'384},
                                    {"imagenet-10-512", imagenet("512", "8", "10"), 0, 0, 36.01},
                                    {"imagenet-8-768", imagenet("768", "12", "8"), 66'363'208, 24'576},
                                    {"cifar10dvs-2-256", events("256", "16", "2", "10"), 2'585'610, 18'944},
                                    {"gesture-2-256", events("256", "16", "2", "11")}});
}

Family spikingformer() {
  return family<SpikingformerOptions>("spikingformer", "SSA, membrane shortcuts: spikes into every layer",
                                      build_spikingformer,
                                      {{"cifar10-4-384", sizes("384", "12", "4", "10"), 9'326'266, 6'144},
                                       {"cifar100-4-384", sizes("384", "12", "4", "100")},
                                       {"imagenet-8-384", imagenet("384", "8", "8"), 0, 0, 16.81},
                                       {"imagenet-8-512", imagenet("512", "8", "8"), 29'705'768, 16'384},
                                       {"imagenet-8-768", imagenet("768", "12", "8"), 66'363'208, 24'576},
                                       {"cifar10dvs-2-256", events("256", "16", "2", "10")},
                                       {"gesture-2-256", events("256", "16", "2", "11")}});
}

Family qkformer() {
  return family<QkformerOptions>(
      "qkformer", "Q-K attention, then SSA, stages of growing width", build_qkformer,
      {{"cifar10-4-384", sizes("384", "8", "4", "10"), 6'706'234},
       {"cifar100-4-384", sizes("384", "8", "4", "100"), 6'740'884},
       {"imagenet-10-384", imagenet("384", "6", "10"), 16'473'688},
       {"imagenet-10-512", imagenet("512", "8", "10"), 29'079'336},
       {"imagenet-10-768", imagenet("768", "12", "10"), 64'962'760},
       {"cifar10dvs-2-256", with(events("256", "16", "2", "10"), {{"mlp_ratio", "1"}}), 1'504'138},
       {"gesture-2-256", events("256", "16", "2", "11"), 1'999'371}});
}

// Unread: talking_heads, heads^2 numbers a block.
Family sdt_v1() {
  return family<SdtV1Options>(
      "sdt-v1", "SDSA-1: masks and column sums", build_sdt_v1,
      {{"cifar10-2-512", pooled("0011", "32", sizes("512", "8", "2", "10")), 10'233'546, 128},
       {"cifar100-2-512", pooled("0011", "32", sizes("512", "8", "2", "100")), 0, 0, 10.28},
       {"imagenet-8-384", pooled("1111", "224", sizes("384", "8", "8", "1000")), 16'816'536, 512},
       {"imagenet-8-512", pooled("1111", "224", sizes("512", "8", "8", "1000")), 29'689'896, 512},
       {"imagenet-8-768", pooled("1111", "224", sizes("768", "8", "8", "1000")), 66'339'144, 512},
       {"cifar10dvs-2-256", pooled_frames("0011", "64", sizes("256", "8", "2", "10"))},
       {"gesture-2-256", pooled_frames("0111", "128", sizes("256", "8", "2", "11"))}});
}

Family sdt_v2() {
  return family<SdtV2Options>("sdt-v2", "convolution blocks, then SDSA-3 with RepConv", build_sdt_v2,
                              {{"imagenet-8-512", {{"dims", "128/256/512/640"}}, 0, 0, 55.35},
                               {"imagenet-8-384", {{"dims", "96/192/384/480"}}, 0, 0, 31.33},
                               {"imagenet-8-768", {{"dims", "192/384/768/960"}}, 0, 0, 123.7}});
}

Family sdt_v3() {
  return family<SdtV3Options>("sdt-v3", "integer spikes, linear attention, no time axis", build_sdt_v3,
                              {{"imagenet-s", {{"dims", "32/64/128/192"}}, 0, 0, 5.11},
                               {"imagenet-t", {{"dims", "24/48/96/128"}}, 0, 0, 2.70},
                               {"imagenet-m", {{"dims", "48/96/192/240"}}, 0, 0, 10.02},
                               {"imagenet-l", {{"dims", "64/128/256/360"}}, 0, 0, 18.99}});
}

Family spikingresformer() {
  const auto planes = [](const char* dims, const char* heads) {
    return Settings{{"dims", dims}, {"heads", heads}};
  };
  return family<SpikingresformerOptions>(
      "spikingresformer", "DSSA: dual spike attention, group-wise networks", build_spikingresformer,
      {{"imagenet-ti", planes("64/192/384", "1/3/6"), 11'180'992},
       {"imagenet-s", planes("64/256/512", "1/4/8"), 17'813'824},
       {"imagenet-m", planes("64/384/768", "1/6/12"), 35'601'472},
       {"imagenet-l", planes("128/512/1024", "2/8/16"), 60'375'680},
       {"cifar10",
        with(planes("64/192/384", "1/3/6"), {{"variant", "cifar"}, {"image", "32"}, {"classes", "10"}}),
        10'793'152},
       {"gesture", with(planes("32/96/192", "1/3/6"),
                        {{"variant", "dvsg"}, {"image", "64"}, {"classes", "11"}, {"group", "32"}})}});
}

Family statten() {
  const Settings small = sizes("256", "8", "2", "10");
  const Settings wide = sizes("512", "8", "2", "10");
  return family<StattenOptions>(
      "statten", "attention over chunks of steps, in the network of sdt-v1", build_statten,
      {{"cifar10-2-512", pooled("0011", "32", wide), 10'233'546, 128},
       {"cifar10-2-256", pooled("0011", "32", small)},
       {"imagenet-8-512", pooled("1111", "224", sizes("512", "8", "8", "1000")), 29'689'896, 512},
       {"imagenet-8-768", pooled("1111", "224", sizes("768", "8", "8", "1000")), 66'339'144, 512},
       {"cifar10dvs-2-256", with(pooled_frames("0011", "64", small), {{"chunk", "4"}})}});
}

Family linear_attention() {
  return family<LinearAttentionOptions>("linear-attention", "(q k^T) v and nothing else, for theory",
                                        build_linear_attention, {{"4-64", {}}});
}

std::string names(const auto& list) {
  std::string all;
  for (const auto& entry : list) {
    all += (all.empty() ? "" : ", ") + entry.name;
  }
  return all;
}

std::string_view family_of(std::string_view spec) {
  return spec.substr(0, spec.find(':'));
}

}  // namespace

const FamilySize& Family::size(const std::string& wanted) const {
  const auto at =
      std::find_if(sizes.begin(), sizes.end(), [&](const FamilySize& one) { return one.name == wanted; });
  VOLLEY_CHECK(at != sizes.end(), Fault::usage, "{}: size is '{}', wanted one of: {}", name, wanted,
               names(sizes));
  return *at;
}

const std::vector<Family>& families() {
  static const std::vector<Family> all{spikformer(),       spikingformer(), qkformer(),
                                       sdt_v1(),           sdt_v2(),        sdt_v3(),
                                       spikingresformer(), statten(),       linear_attention()};
  return all;
}

bool is_family(std::string_view name) {
  return std::any_of(families().begin(), families().end(),
                     [&](const Family& one) { return one.name == name; });
}

const Family& find_family(std::string_view name) {
  const auto& all = families();
  const auto at = std::find_if(all.begin(), all.end(), [&](const Family& one) { return one.name == name; });
  VOLLEY_CHECK(at != all.end(), Fault::usage, "no family is named '{}', wanted one of: {}", name, names(all));
  return *at;
}

BuiltModel build_family(const std::string& name, const std::string& size, const Settings& settings,
                        std::uint64_t seed, Draw draw) {
  const Family& found = find_family(name);
  const FamilySize& standard = size.empty() ? found.sizes.front() : found.size(size);
  return found.build(with(standard.settings, settings), seed, draw);
}

bool is_family_spec(const std::string& spec) {
  return is_family(family_of(spec));
}

BuiltModel build_family_spec(const std::string& spec) {
  const std::string name(family_of(spec));
  Settings settings;
  std::string_view rest = std::string_view(spec).substr(name.size());
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const std::string_view entry = rest.substr(0, rest.find(','));
    rest.remove_prefix(entry.size());
    if (!entry.empty()) {
      settings.insert(read_setting(name, entry));
    }
  }
  const auto take = [&](const char* key) {
    const auto found = settings.extract(key);
    return found.empty() ? std::string() : found.mapped();
  };
  const std::string size = take("size");
  const Settings seed_only{{"seed", take("seed")}};
  Index seed = 0;
  if (!seed_only.at("seed").empty()) {
    SettingReader(name, seed_only).integer("seed", seed, "", Need::optional);
  }
  return build_family(name, size, settings, static_cast<std::uint64_t>(seed));
}

}  // namespace volley
