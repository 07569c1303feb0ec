// From profile.proto to Profile; every price is checked.
#include "sim/io/profile_proto.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "profile.pb.h"
#include "sim/base/check.hpp"
#include "sim/io/message_proto.hpp"

namespace volley {
namespace {

constexpr unsigned profile_version = 1;
constexpr std::array<std::string_view, 3> price_kinds{"published", "derived", "unverified"};
constexpr std::array<std::string_view, 4> scopes{"compute", "memory", "network", "static"};

template <std::size_t n>
void check_word(const std::array<std::string_view, n>& words, const std::string& word,
                const std::string& who) {
  const bool known = std::find(words.begin(), words.end(), word) != words.end();
  VOLLEY_CHECK(known, Fault::model, "{} is '{}', wanted one of: {}", who, word, fmt::format("{}", [&] {
                 std::string all;
                 for (const std::string_view each : words) {
                   all += (all.empty() ? "" : ", ") + std::string(each);
                 }
                 return all;
               }()));
}

void check_amount(double value, const std::string& who) {
  VOLLEY_CHECK(std::isfinite(value) && value >= 0, Fault::model,
               "{} is {}, wanted a finite number, 0 or more", who, value);
}

Price price_from(const proto::Price& message, const std::string& who) {
  check_amount(message.value(), who + ": value");
  check_word(price_kinds, message.kind(), who + ": kind");
  VOLLEY_CHECK(!message.source().empty() || message.kind() == "unverified", Fault::model,
               "{} is {} but has no source", who, message.kind());
  return {message.value(), message.source(), message.kind()};
}

Profile profile_from(const proto::Profile& message, const std::string& what) {
  check_format_version(what, message.format_version(), profile_version);
  VOLLEY_CHECK(!message.id().empty(), Fault::model, "{}: id is missing", what);
  check_amount(message.process_nm(), what + ": process_nm");
  check_amount(message.voltage(), what + ": voltage");
  Profile profile;
  profile.id = message.id();
  profile.description = message.description();
  profile.process_nm = message.process_nm();
  profile.voltage = message.voltage();
  for (const std::string& scope : message.scope()) {
    check_word(scopes, scope, what + ": scope");
    profile.scope.push_back(scope);
  }
  for (const proto::Price& price : message.price()) {
    const std::string who = fmt::format("{}: price of '{}'", what, price.op());
    const bool known = std::any_of(cost_kinds.begin(), cost_kinds.end(),
                                   [&](const CostKind& kind) { return kind.name == price.op(); });
    VOLLEY_CHECK(known, Fault::model,
                 "{}: unknown op, wanted ac, mac, shift, compare, add, special or neuron", who);
    VOLLEY_CHECK(profile.prices.emplace(price.op(), price_from(price, who)).second, Fault::model,
                 "{} is there twice", who);
  }
  return profile;
}

}  // namespace

Profile read_profile(const std::string& path) {
  proto::Profile message;
  read_message(path, message);
  return profile_from(message, path);
}

Profile parse_profile_text(std::string_view text, const std::string& what) {
  proto::Profile message;
  parse_message_text(text, what, message);
  return profile_from(message, what);
}

}  // namespace volley
