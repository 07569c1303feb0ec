// Settings of a builder: read from words, and documented.
#pragma once

#include "models/families/families.hpp"
#include "sim/op/params.hpp"

namespace volley {

// Sets the parameters that the settings name. Throws Error (usage): a key that is none, a value that can't be
// read; who: the family, for the message.
class SettingReader final : public ParamVisitor {
 public:
  SettingReader(std::string who, const Settings& settings) : who_(std::move(who)), settings_(settings) {}

  void real(std::string_view name, float& value, std::string_view doc, Need need) override;
  void integer(std::string_view name, Index& value, std::string_view doc, Need need) override;
  void flag(std::string_view name, bool& value, std::string_view doc, Need need) override;
  void text(std::string_view name, std::string& value, std::string_view doc, Need need) override;
  void integers(std::string_view name, std::vector<Index>& value, std::string_view doc, Need need) override;
  void choice(std::string_view name, int& index, std::span<const std::string_view> words,
              std::string_view doc, Need need) override;

  void refuse_unknown() const;
  // All parameters, with the values that they have now.
  std::vector<SettingDoc> docs() const { return docs_; }

 private:
  const std::string* taken(std::string_view name);
  void note(std::string_view name, std::string_view doc, std::string standard);
  [[noreturn]] void refuse(std::string_view name, std::string_view value, std::string_view wanted) const;
  Index read_integer(std::string_view name, std::string_view text) const;

  std::string who_;
  const Settings& settings_;
  std::vector<SettingDoc> docs_;
};

// "key=value"; throws Error (usage) when it is none.
std::pair<std::string, std::string> read_setting(const std::string& who, std::string_view text);

}  // namespace volley
