// From checkpoint.proto to CheckpointFamily.
#include "sim/io/checkpoint_proto.hpp"

#include "checkpoint.pb.h"
#include "sim/base/check.hpp"
#include "sim/io/message_proto.hpp"

namespace volley {
namespace {

constexpr int most_axes = 8;

std::regex checked_pattern(const std::string& pattern, const std::string& path) {
  try {
    return std::regex(pattern);
  } catch (const std::regex_error& error) {
    fail(Fault::model, "{}: pattern '{}' is no regular expression: {}", path, pattern, error.what());
  }
}

std::size_t checked_axis(int axis, const std::string& path) {
  VOLLEY_CHECK(axis >= 0 && axis < most_axes, Fault::model, "{}: axis is {}, wanted 0 to {}", path, axis,
               most_axes - 1);
  return static_cast<std::size_t>(axis);
}

CheckpointVariant variant_from(const proto::CheckpointVariant& message, const std::string& path) {
  VOLLEY_CHECK(!message.name().empty(), Fault::model, "{}: a variant has no name", path);
  CheckpointVariant variant;
  variant.name = message.name();
  variant.has.assign(message.has().begin(), message.has().end());
  variant.lacks.assign(message.lacks().begin(), message.lacks().end());
  VOLLEY_CHECK(!variant.has.empty(), Fault::model, "{}: variant '{}' has no key in 'has'", path,
               variant.name);
  for (const auto& fixed : message.fixed()) {
    variant.fixed[fixed.setting()] = fixed.value();
  }
  for (const auto& sized : message.sized()) {
    variant.sized.push_back({sized.key(), checked_axis(sized.axis(), path), sized.size()});
  }
  for (const auto& measured : message.measured()) {
    const bool one_way = measured.count().empty() != (measured.key_size() == 0);
    VOLLEY_CHECK(!measured.setting().empty() && one_way, Fault::model,
                 "{}: variant '{}': a measured setting wants a name and either keys or count", path,
                 variant.name);
    variant.measured.push_back({measured.setting(),
                                {measured.key().begin(), measured.key().end()},
                                checked_axis(measured.axis(), path),
                                {}});
    if (!measured.count().empty()) {
      variant.measured.back().count = checked_pattern(measured.count(), path);
    }
  }
  return variant;
}

}  // namespace

CheckpointFamily read_checkpoint_family(const std::string& path) {
  proto::CheckpointFamily message;
  read_message(path, message);
  VOLLEY_CHECK(!message.family().empty() && message.variant_size() > 0, Fault::model,
               "{}: wanted a family and at least one variant", path);
  CheckpointFamily family;
  family.family = message.family();
  for (const auto& variant : message.variant()) {
    family.variants.push_back(variant_from(variant, path));
  }
  for (const auto& rename : message.rename()) {
    family.renames.push_back({checked_pattern(rename.pattern(), path), rename.to(), ""});
  }
  for (const auto& unread : message.unread()) {
    family.unread.push_back({checked_pattern(unread.pattern(), path), unread.why(), unread.quirk()});
  }
  family.remarks.assign(message.remark().begin(), message.remark().end());
  for (const auto& quirk : message.quirk()) {
    VOLLEY_CHECK(!quirk.name().empty() && !quirk.what().empty() && quirk.compat_size() > 0, Fault::model,
                 "{}: quirk '{}' wants a name, what it is, and compat", path, quirk.name());
    family.quirks.push_back({quirk.name(), quirk.what(), {}});
    for (const auto& setting : quirk.compat()) {
      family.quirks.back().compat[setting.setting()] = setting.value();
    }
  }
  return family;
}

}  // namespace volley
