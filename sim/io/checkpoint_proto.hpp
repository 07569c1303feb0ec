// How checkpoints of a family are recognised and read: models/exchange/checkpoints/*.txtpb.
#pragma once

#include <map>
#include <optional>
#include <regex>
#include <string>
#include <vector>

#include "sim/base/device_fn.hpp"

namespace volley {

// See proto/checkpoint.proto.
struct MeasuredSetting {
  std::string setting;
  std::vector<std::string> keys;
  std::size_t axis = 0;
  std::optional<std::regex> count;  // a pattern; nothing: sizes of keys
};

struct SizedKey {
  std::string key;
  std::size_t axis = 0;
  Index size = 0;
};

struct CheckpointVariant {
  std::string name;
  std::map<std::string, std::string> fixed;
  std::vector<std::string> has, lacks;
  std::vector<SizedKey> sized;
  std::vector<MeasuredSetting> measured;
};

struct PatternRule {
  std::regex pattern;
  std::string text;   // replacement, or why
  std::string quirk;  // name, or empty
};

struct CheckpointQuirk {
  std::string name, what;
  std::map<std::string, std::string> compat;  // settings that do as the authors' code does
};

struct CheckpointFamily {
  std::string family;
  std::vector<CheckpointVariant> variants;
  std::vector<PatternRule> renames, unread;
  std::vector<std::string> remarks;
  std::vector<CheckpointQuirk> quirks;
};

// Throws Error that names the file: fields that are missing, a pattern that is none.
CheckpointFamily read_checkpoint_family(const std::string& path);

}  // namespace volley
