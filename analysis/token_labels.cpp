// Reads groups of tokens.
#include "analysis/token_labels.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include "sim/base/check.hpp"

namespace volley {
namespace {

Index number_of(std::string_view word, const std::string& text) {
  Index number = -1;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  VOLLEY_CHECK(error == std::errc() && end == word.data() + word.size() && number >= 0, Fault::usage,
               "the groups are '{}', wanted NAME:FIRST-LAST,NAME:FIRST-LAST", text);
  return number;
}

std::pair<Index, Index> ends_of(std::string_view range, const std::string& text) {
  const auto dash = range.find('-');
  const Index first = number_of(range.substr(0, dash), text);
  return {first, dash == std::string_view::npos ? first : number_of(range.substr(dash + 1), text)};
}

// The part before the next comma; rest: what stands behind it.
std::string_view next_part(std::string_view& rest) {
  const auto comma = rest.find(',');
  const std::string_view part = rest.substr(0, comma);
  rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  return part;
}

void add_range(TokenLabels& labels, std::string_view range, const std::string& text) {
  const auto [first, last] = ends_of(range, text);
  const Index tokens = static_cast<Index>(labels.group.size());
  VOLLEY_CHECK(first <= last && last < tokens, Fault::usage, "tokens {}-{} are not there; the map has {}",
               first, last, tokens);
  for (Index token = first; token <= last; ++token) {
    VOLLEY_CHECK(labels.group[token] == TokenLabels::left_out, Fault::usage, "token {} is in two groups",
                 token);
    labels.group[token] = static_cast<Index>(labels.names.size()) - 1;
  }
}

}  // namespace

Index TokenLabels::size_of(Index which) const {
  return std::ranges::count(group, which);
}

TokenLabels read_token_labels(const std::string& text, Index tokens) {
  TokenLabels labels{{}, std::vector<Index>(static_cast<std::size_t>(tokens), TokenLabels::left_out)};
  std::string_view rest = text;
  while (!rest.empty()) {
    std::string_view part = next_part(rest);
    if (const auto colon = part.find(':'); colon != std::string_view::npos) {
      const std::string name(part.substr(0, colon));
      VOLLEY_CHECK(!name.empty() && std::ranges::find(labels.names, name) == labels.names.end(), Fault::usage,
                   "the groups are '{}': a name is missing or stands twice", text);
      labels.names.push_back(name);
      part = part.substr(colon + 1);
    }
    VOLLEY_CHECK(!labels.names.empty(), Fault::usage,
                 "the groups are '{}', wanted NAME:FIRST-LAST,NAME:FIRST-LAST", text);
    add_range(labels, part, text);
  }
  const auto missing = std::ranges::find(labels.group, TokenLabels::left_out);
  VOLLEY_CHECK(missing == labels.group.end(), Fault::usage, "token {} is in no group of '{}'",
               missing - labels.group.begin(), text);
  return labels;
}

Index tokens_named(const std::string& text) {
  Index tokens = 0;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view part = next_part(rest);
    const auto colon = part.find(':');
    tokens = std::max(
        tokens, ends_of(colon == std::string_view::npos ? part : part.substr(colon + 1), text).second + 1);
  }
  return tokens;
}

TokenLabels labels_of(std::span<const Index> numbers, Index tokens) {
  VOLLEY_CHECK(static_cast<Index>(numbers.size()) == tokens, Fault::model,
               "there are {} labels, wanted one for each of {} tokens", numbers.size(), tokens);
  std::map<Index, Index> groups;
  for (const Index number : numbers) {
    groups.emplace(number, 0);
  }
  TokenLabels labels;
  for (auto& [number, group] : groups) {
    group = static_cast<Index>(labels.names.size());
    labels.names.push_back(std::to_string(number));
  }
  for (const Index number : numbers) {
    labels.group.push_back(groups.at(number));
  }
  return labels;
}

TokenLabels without(TokenLabels labels, std::span<const Index> special) {
  const Index tokens = static_cast<Index>(labels.group.size());
  for (const Index token : special) {
    VOLLEY_CHECK(token >= 0 && token < tokens, Fault::usage, "special token {} isn't there; the map has {}",
                 token, tokens);
    labels.group[token] = TokenLabels::left_out;
  }
  return labels;
}

}  // namespace volley
