// Settings of a builder: read from words, and documented.
#include "models/families/settings.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "sim/base/check.hpp"

namespace volley {
namespace {

constexpr Index largest = 1 << 20;

template <class List>
std::string joined(const List& list, const char* between) {
  std::string all;
  for (const auto& entry : list) {
    all += fmt::format("{}{}", all.empty() ? "" : between, entry);
  }
  return all;
}

}  // namespace

const std::string* SettingReader::taken(std::string_view name) {
  const auto at = settings_.find(std::string(name));
  return at == settings_.end() ? nullptr : &at->second;
}

void SettingReader::note(std::string_view name, std::string_view doc, std::string standard) {
  docs_.push_back({std::string(name), std::string(doc), std::move(standard)});
}

void SettingReader::refuse(std::string_view name, std::string_view value, std::string_view wanted) const {
  fail(Fault::usage, "{}: {} is '{}', wanted {}", who_, name, value, wanted);
}

Index SettingReader::read_integer(std::string_view name, std::string_view text) const {
  Index number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0 || number > largest) {
    refuse(name, text, fmt::format("an integer of 0 to {}", largest));
  }
  return number;
}

void SettingReader::real(std::string_view name, float& value, std::string_view doc, Need) {
  if (const std::string* got = taken(name)) {
    char* end = nullptr;
    value = std::strtof(got->c_str(), &end);
    if (end == got->c_str() || *end != '\0' || !std::isfinite(value)) {
      refuse(name, *got, "a number");
    }
  }
  note(name, doc, fmt::format("{}", value));
}

void SettingReader::integer(std::string_view name, Index& value, std::string_view doc, Need) {
  if (const std::string* got = taken(name)) {
    value = read_integer(name, *got);
  }
  note(name, doc, fmt::format("{}", value));
}

void SettingReader::flag(std::string_view name, bool& value, std::string_view doc, Need) {
  if (const std::string* got = taken(name)) {
    if (*got != "true" && *got != "false") {
      refuse(name, *got, "true or false");
    }
    value = *got == "true";
  }
  note(name, doc, value ? "true" : "false");
}

void SettingReader::text(std::string_view name, std::string& value, std::string_view doc, Need) {
  if (const std::string* got = taken(name)) {
    value = *got;
  }
  note(name, doc, value);
}

void SettingReader::integers(std::string_view name, std::vector<Index>& value, std::string_view doc, Need) {
  if (const std::string* got = taken(name)) {
    value.clear();
    std::string_view rest = *got;
    while (true) {
      const auto slash = rest.find('/');
      value.push_back(read_integer(name, rest.substr(0, slash)));
      if (slash == std::string_view::npos) {
        break;
      }
      rest.remove_prefix(slash + 1);
    }
  }
  note(name, doc, joined(value, "/"));
}

void SettingReader::choice(std::string_view name, int& index, std::span<const std::string_view> words,
                           std::string_view doc, Need) {
  const std::string all = joined(words, " | ");
  if (const std::string* got = taken(name)) {
    const auto at = std::find(words.begin(), words.end(), *got);
    if (at == words.end()) {
      refuse(name, *got, all);
    }
    index = static_cast<int>(at - words.begin());
  }
  note(name, fmt::format("{}: {}", doc, all), std::string(words[static_cast<std::size_t>(index)]));
}

void SettingReader::refuse_unknown() const {
  for (const auto& [key, value] : settings_) {
    const bool is_known =
        std::any_of(docs_.begin(), docs_.end(), [&](const SettingDoc& doc) { return doc.key == key; });
    std::string known;
    for (const SettingDoc& doc : docs_) {
      known += (known.empty() ? "" : ", ") + doc.key;
    }
    VOLLEY_CHECK(is_known, Fault::usage, "{}: '{}={}' sets nothing, the keys are: {}", who_, key, value,
                 known);
  }
}

std::pair<std::string, std::string> read_setting(const std::string& who, std::string_view text) {
  const auto equals = text.find('=');
  VOLLEY_CHECK(equals != std::string_view::npos && equals > 0, Fault::usage, "{}: '{}' is not KEY=VALUE", who,
               text);
  return {std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

}  // namespace volley
