// The families of models that volley can build, their published sizes and their settings.
#pragma once

#include <functional>
#include <map>
#include <optional>

#include "models/families/blocks.hpp"

namespace volley {

using Settings = std::map<std::string, std::string>;  // "dim" -> "384"; lists with slashes, "64/192/384"

// A size as published. A row of spec in one line: what the authors' code holds, and what of it nothing reads.
struct FamilySize {
  std::string name;
  Settings settings;
  Index of_authors = 0;    // numbers in the authors' model; 0: not known
  Index unread = 0;        // of these, in modules that their forward never reads: not built here
  double published_m = 0;  // as papers print it, where this is all that is known [millions]; 0: it is not
};

struct SettingDoc {
  std::string key, doc, standard;
};

struct Family {
  std::string name;
  std::string about;
  std::vector<FamilySize> sizes;  // the first is the default
  std::function<BuiltModel(const Settings& settings, std::uint64_t seed, Draw draw)> build;
  std::function<std::vector<SettingDoc>()> settings;

  const FamilySize& size(const std::string& name) const;  // throws Error (usage) that lists the sizes
};

const std::vector<Family>& families();
// Throws Error (usage) that lists the families.
const Family& find_family(std::string_view name);
bool is_family(std::string_view name);

// size: empty for the default. settings change those of the size. Throws Error (usage).
BuiltModel build_family(const std::string& name, const std::string& size, const Settings& settings,
                        std::uint64_t seed, Draw draw = Draw::numbers);

// "FAMILY" or "FAMILY:size=SIZE,seed=N,key=value,...": a model where a file is expected.
bool is_family_spec(const std::string& spec);
BuiltModel build_family_spec(const std::string& spec);

}  // namespace volley
