// From profile.proto to Profile; every number is checked.
#include "sim/io/profile_proto.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "profile.pb.h"
#include "sim/base/check.hpp"
#include "sim/io/message_proto.hpp"

namespace volley {
namespace {

constexpr unsigned profile_version = 1;
constexpr std::array<std::string_view, 3> value_kinds{"published", "derived", "unverified"};
constexpr std::array<std::string_view, 4> scopes{"compute", "memory", "network", "static"};
constexpr std::array<std::string_view, 5> unit_endings{"_pj", "_pj_per_bit_hop", "_ns", "_us", "_mw"};
constexpr unsigned widest_access = 1U << 16;  // [bits]

using Words = std::vector<std::string_view>;

Words price_ops() {
  Words words;
  for (const CostKind& kind : cost_kinds) {
    words.push_back(kind.name);
  }
  return words;
}

Words latency_ops() {
  Words words = price_ops();
  words.insert(words.end(), network_ops.begin(), network_ops.end());
  return words;
}

void check_word(std::span<const std::string_view> words, const std::string& word, const std::string& who) {
  std::string all;
  for (const std::string_view each : words) {
    all += (all.empty() ? "" : ", ") + std::string(each);
  }
  VOLLEY_CHECK(std::find(words.begin(), words.end(), word) != words.end(), Fault::model,
               "{} is '{}', wanted one of: {}", who, word, all);
}

void check_amount(double value, const std::string& who) {
  VOLLEY_CHECK(std::isfinite(value) && value >= 0, Fault::model,
               "{} is {}, wanted a finite number, 0 or more", who, value);
}

template <class Message>
Provenance provenance_of(const Message& message, const std::string& who) {
  check_word(value_kinds, message.kind(), who + ": kind");
  VOLLEY_CHECK(!message.source().empty(), Fault::model, "{}: source is missing", who);
  return {message.source(), message.kind()};
}

template <class Messages>
std::map<std::string, Price> prices_from(const Messages& messages, const Words& ops,
                                         const std::string& what) {
  std::map<std::string, Price> prices;
  for (const proto::Price& message : messages) {
    const std::string who = fmt::format("{} of '{}'", what, message.op());
    check_word(ops, message.op(), what + ": op");
    check_amount(message.value_pj(), who + ": value_pj");
    const Provenance from = provenance_of(message, who);
    VOLLEY_CHECK(prices.emplace(message.op(), Price{message.value_pj(), from.source, from.kind}).second,
                 Fault::model, "{} is there twice", who);
  }
  return prices;
}

void check_width(unsigned bits, const std::string& who) {
  VOLLEY_CHECK(bits >= 1 && bits <= widest_access, Fault::model, "{}: width_bits is {}, wanted 1 to {}", who,
               bits, widest_access);
}

SramLine sram_from(const proto::Sram& message, const std::string& who) {
  check_width(message.width_bits(), who);
  VOLLEY_CHECK(message.point_size() >= 1, Fault::model, "{} has no point", who);
  SramLine line{bytes_of_bits(message.width_bits()) / Accesses(1), {}, provenance_of(message, who)};
  for (const proto::SramPoint& point : message.point()) {
    const double write = point.has_pj_per_write() ? point.pj_per_write() : point.pj_per_access();
    check_amount(point.bytes(), who + ": bytes");
    check_amount(point.pj_per_access(), who + ": pj_per_access");
    check_amount(write, who + ": pj_per_write");
    const Bytes size(point.bytes());
    VOLLEY_CHECK(line.points.empty() || line.points.back().size < size, Fault::model,
                 "{}: a point at {} bytes stands after one at {} bytes, wanted ascending sizes", who,
                 size.count(), line.points.back().size.count());
    line.points.push_back({size, PicojoulesPerAccess(point.pj_per_access()), PicojoulesPerAccess(write)});
  }
  return line;
}

DramPrice dram_from(const proto::Dram& message, const std::string& who) {
  VOLLEY_CHECK(message.price_case() != proto::Dram::PRICE_NOT_SET, Fault::model,
               "{}: wanted pj_per_access or pj_per_bit", who);
  const Provenance from = provenance_of(message, who);
  if (message.has_pj_per_bit()) {
    VOLLEY_CHECK(message.width_bits() == 0, Fault::model, "{}: width_bits goes with pj_per_access only", who);
    check_amount(message.pj_per_bit(), who + ": pj_per_bit");
    return {per_bit(message.pj_per_bit()), fmt::format("{} pJ per bit", message.pj_per_bit()), from};
  }
  check_width(message.width_bits(), who);
  check_amount(message.pj_per_access(), who + ": pj_per_access");
  return {Picojoules(message.pj_per_access()) / bytes_of_bits(message.width_bits()),
          fmt::format("{} pJ per access of {} bits", message.pj_per_access(), message.width_bits()), from};
}

void add_latencies(const proto::Profile& message, const std::string& what, Profile& profile) {
  const Words ops = latency_ops();
  for (const proto::Latency& latency : message.latency()) {
    const std::string who = fmt::format("{}: latency of '{}'", what, latency.op());
    check_word(ops, latency.op(), what + ": latency: op");
    check_amount(latency.value_ns(), who + ": value_ns");
    const LatencyEntry entry{NanosecondsPerOperation(latency.value_ns()), provenance_of(latency, who)};
    VOLLEY_CHECK(profile.latencies.emplace(latency.op(), entry).second, Fault::model, "{} is there twice",
                 who);
  }
}

void add_included(const proto::Profile& message, const std::string& what, Profile& profile) {
  Words ops = latency_ops();
  ops.insert(ops.end(), {"sram", "dram", "static power"});
  for (const proto::Included& included : message.included()) {
    const std::string& op = included.op();
    check_word(ops, op, what + ": included: op");
    VOLLEY_CHECK(profile.prices.contains(included.in()), Fault::model,
                 "{}: '{}' is included in '{}', which has no price", what, op, included.in());
    VOLLEY_CHECK(!profile.prices.contains(op) && !profile.network.contains(op), Fault::model,
                 "{}: '{}' is included in '{}' and has a price of its own", what, op, included.in());
    VOLLEY_CHECK(profile.included.emplace(op, included.in()).second, Fault::model,
                 "{}: '{}' is included twice", what, op);
  }
}

void add_quoted(const proto::Profile& message, const std::string& what, Profile& profile) {
  for (const proto::Quoted& quoted : message.quoted()) {
    const std::string who = fmt::format("{}: quoted '{}'", what, quoted.name());
    const bool has_unit = std::any_of(unit_endings.begin(), unit_endings.end(), [&](std::string_view unit) {
      return quoted.name().size() > unit.size() && quoted.name().ends_with(unit);
    });
    VOLLEY_CHECK(has_unit, Fault::model,
                 "{}: wanted a name that ends with its unit: _pj, _pj_per_bit_hop, _ns, _us or _mw", who);
    check_amount(quoted.value(), who + ": value");
    const bool is_new = std::none_of(profile.quoted.begin(), profile.quoted.end(),
                                     [&](const QuotedValue& other) { return other.name == quoted.name(); });
    VOLLEY_CHECK(is_new, Fault::model, "{} is there twice", who);
    profile.quoted.push_back({quoted.name(), quoted.value(), provenance_of(quoted, who)});
  }
}

void add_scope(const proto::Profile& message, const std::string& what, Profile& profile) {
  for (const std::string& scope : message.scope()) {
    check_word(scopes, scope, what + ": scope");
    VOLLEY_CHECK(std::find(profile.scope.begin(), profile.scope.end(), scope) == profile.scope.end(),
                 Fault::model, "{}: scope '{}' is there twice", what, scope);
    profile.scope.push_back(scope);
  }
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
  add_scope(message, what, profile);
  profile.prices = prices_from(message.price(), price_ops(), what + ": price");
  profile.network =
      prices_from(message.network(), {network_ops.begin(), network_ops.end()}, what + ": network");
  add_latencies(message, what, profile);
  if (message.has_sram()) {
    profile.sram = sram_from(message.sram(), what + ": sram");
  }
  if (message.has_dram()) {
    profile.dram = dram_from(message.dram(), what + ": dram");
  }
  if (message.has_static_power()) {
    const std::string who = what + ": static_power";
    check_amount(message.static_power().power_mw(), who + ": power_mw");
    profile.static_power = StaticPower{Milliwatts(message.static_power().power_mw()),
                                       provenance_of(message.static_power(), who)};
  }
  add_included(message, what, profile);
  add_quoted(message, what, profile);
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
