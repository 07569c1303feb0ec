// volley profiles: what operations cost, and where each number comes from.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>

#include "cli/command.hpp"
#include "sim/base/check.hpp"
#include "sim/io/profile_proto.hpp"

namespace volley::cli {
namespace {

struct Options {
  std::string profile;  // ID or file
  Format format = Format::table;
};

std::string joined(const std::vector<std::string>& words) {
  std::string all;
  for (const std::string& word : words) {
    all += (all.empty() ? "" : ", ") + word;
  }
  return all;
}

Cell stated(double number) {
  return number > 0 ? Cell(number) : Cell();
}

void list_command(const Options& options) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(profile_folder())) {
    files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  Report report{"volley.profiles/1", {}, {}, {}};
  Table table{"profiles",
              {{"id", "id"}, {"process_nm", "nm", 0}, {"scope", "scope"}, {"description", "description"}},
              {}};
  for (const std::string& file : files) {
    const Profile profile = read_profile(file);
    table.rows.push_back(
        {profile.id, stated(profile.process_nm), joined(profile.scope), profile.description});
  }
  report.tables.push_back(std::move(table));
  print(report, options.format);
}

// The rows of one profile: name, value, unit, kind, source.
class ValueTable {
 public:
  void add(const std::string& name, double value, const std::string& unit, const Provenance& from) {
    table_.rows.push_back({name, value, unit, from.kind, from.source});
    unverified_ += from.kind == "unverified" ? 1 : 0;
  }
  void add(const std::string& name, const std::string& unit, const Price& price) {
    add(name, price.picojoules, unit, {price.source, price.kind});
  }
  void add_missing(const std::string& name, const std::string& kind, const std::string& source) {
    table_.rows.push_back({name, Cell(), Cell(), kind, source.empty() ? Cell() : Cell(source)});
  }
  Table table() const { return table_; }
  Index unverified() const { return unverified_; }

 private:
  Table table_{
      "values",
      {{"name", "name"}, {"value", "value", 5}, {"unit", "unit"}, {"kind", "kind"}, {"source", "source"}},
      {}};
  Index unverified_ = 0;
};

void add_memory(const Profile& profile, ValueTable& values) {
  if (profile.sram) {
    const auto unit = fmt::format("pJ per access of {} bits", profile.sram->width.count() * bits_per_byte);
    for (const SramPoint& point : profile.sram->points) {
      const auto name = fmt::format("sram of {} bytes", point.size.count());
      values.add(name + ", read", point.read.count(), unit, profile.sram->from);
      values.add(name + ", write", point.write.count(), unit, profile.sram->from);
    }
  }
  if (profile.dram) {
    values.add("dram", profile.dram->each.count() / bits_per_byte, "pJ per bit",
               {fmt::format("{} (stated as {})", profile.dram->from.source, profile.dram->stated),
                profile.dram->from.kind});
  }
}

ValueTable values_of(const Profile& profile) {
  ValueTable values;
  for (const CostKind& kind : cost_kinds) {
    if (const auto price = profile.prices.find(std::string(kind.name)); price != profile.prices.end()) {
      values.add(price->first, "pJ per operation", price->second);
    }
  }
  add_memory(profile, values);
  for (const auto& [op, price] : profile.network) {
    values.add(op, op == "hop" ? "pJ per spike and hop" : "pJ per spike", price);
  }
  for (const auto& [op, latency] : profile.latencies) {
    values.add("latency of " + op, latency.each.count(), "ns per operation", latency.from);
  }
  if (profile.static_power) {
    values.add("static power", profile.static_power->power.count(), "mW", profile.static_power->from);
  }
  for (const QuotedValue& quoted : profile.quoted) {
    const auto unit_at = quoted.name.find("_pj_per_bit_hop") != std::string::npos
                             ? quoted.name.size() - std::string("pj_per_bit_hop").size()
                             : quoted.name.rfind('_') + 1;
    static const std::map<std::string, std::string> units{
        {"pj", "pJ"}, {"pj_per_bit_hop", "pJ per bit and hop"}, {"ns", "ns"}, {"us", "us"}, {"mw", "mW"}};
    values.add(quoted.name, quoted.value, units.at(quoted.name.substr(unit_at)),
               {"quoted, no model reads it: " + quoted.from.source, quoted.from.kind});
  }
  for (const auto& [op, in] : profile.included) {
    values.add_missing(op, "included", "lies inside the price of " + in);
  }
  for (const std::string& name : unknown_of(profile)) {
    values.add_missing(name, "unknown", "");
  }
  return values;
}

void show_command(const Options& options) {
  const Profile profile = find_profile(options.profile);
  const ValueTable values = values_of(profile);
  Report report{"volley.profile/1", {}, {}, {}};
  report.facts = {{"id", profile.id},
                  {"description", profile.description},
                  {"process_nm", stated(profile.process_nm)},
                  {"voltage_v", stated(profile.voltage)},
                  {"scope", joined(profile.scope)}};
  report.tables.push_back(values.table());
  report.remarks.push_back("unknown is not zero: a report lists what occurred and has no price");
  if (values.unverified() > 0) {
    report.remarks.push_back(
        fmt::format("{} values are unverified: recalled or second-hand; check them before you publish",
                    values.unverified()));
  }
  print(report, options.format);
}

void check_command(const Options& options) {
  const Profile profile = read_profile(options.profile);
  Report report{"volley.profile_check/1", {}, {}, {}};
  report.facts = {{"file", options.profile},
                  {"id", profile.id},
                  {"valid", std::string("yes")},
                  {"scope", joined(profile.scope)},
                  {"unverified_values", values_of(profile).unverified()},
                  {"unknown", joined(unknown_of(profile))}};
  print(report, options.format);
}

using Command = void (*)(const Options&);

CLI::App* add(CLI::App& app, Run& chosen, const char* name, const char* text, const char* argument,
              Command command) {
  auto options = std::make_shared<Options>();
  CLI::App* added = app.add_subcommand(name, text);
  if (argument != nullptr) {
    added->add_option("profile", options->profile, argument)->required();
  }
  add_format_option(*added, options->format);
  added->callback([options, command, &chosen] { chosen = [options, command] { command(*options); }; });
  return added;
}

}  // namespace

void add_profiles(CLI::App& app, Run& chosen) {
  CLI::App* command = app.add_subcommand("profiles", "list, show and check hardware profiles");
  command->require_subcommand(1);
  add(*command, chosen, "list", "the profiles that come with volley", nullptr, list_command);
  add(*command, chosen, "show", "every value with unit, source and kind, and what is unknown",
      "ID of a profile or a profile file (.txtpb, .pb)", show_command);
  add(*command, chosen, "check", "read a profile file and say what is wrong", "FILE (.txtpb, .pb)",
      check_command);
  command->footer("Example: volley profiles show loihi-2018");
}

}  // namespace volley::cli
