// Who wins: verdicts, break-even rates, conditions.
#include "models/comparison.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <map>

#include "sim/base/check.hpp"

namespace volley {
namespace {

constexpr double same_time = 0.02;  // wall times closer than this share are one time

std::string break_even_text(const Contender& one, const Contender& against, const Judgement& judgement) {
  if (!one.firing_rate) {
    return "";
  }
  if (judgement.break_even_rate > 1.0) {
    return fmt::format(
        "; the energies would be equal at {:.4f} spikes per neuron and step, more than one "
        "(measured {:.4f})",
        *judgement.break_even_rate, *one.firing_rate);
  }
  if (judgement.break_even_rate) {
    return fmt::format("; the energies would be equal at a mean firing rate of {:.4f} (measured {:.4f})",
                       *judgement.break_even_rate, *one.firing_rate);
  }
  return one.energy_uj && against.energy_uj && *one.energy_uj > *against.energy_uj
             ? "; it would need more energy even if no neuron fired"
             : "";
}

using Quantity = std::function<std::optional<double>(const Contender& one, const Contender& first)>;

struct Measure {
  Quantity of;
  const char* unit;
  const char* missing;  // why it may not be known
};

const std::map<std::string, Measure>& measures() {
  static const char* no_labels = "the data has no labels, or the model no row of numbers a sample";
  static const std::map<std::string, Measure> all{
      {"accuracy", {[](const auto& one, const auto&) { return one.accuracy_percent; }, "%", no_labels}},
      {"accuracy_loss",
       {[](const auto& one, const auto& first) -> std::optional<double> {
          if (!one.accuracy_percent || !first.accuracy_percent) {
            return std::nullopt;
          }
          return *first.accuracy_percent - *one.accuracy_percent;
        },
        "points", no_labels}},
      {"energy",
       {[](const auto& one, const auto&) { return one.energy_uj; }, "uJ",
        "the profile does not price its mac or ac"}},
      {"energy_with_memory",
       {[](const auto& one, const auto&) { return one.energy_with_memory_uj; }, "uJ",
        "no memory was modelled"}},
      {"latency", {[](const auto& one, const auto&) { return one.latency_ms; }, "ms", "no time was taken"}},
      {"memory",
       {[](const auto& one, const auto&) { return one.memory_bytes; }, "B", "no memory was planned"}},
      {"firing_rate",
       {[](const auto& one, const auto&) { return one.firing_rate; }, "spikes per neuron and step",
        "the model has no neurons"}}};
  return all;
}

bool holds(double value, const std::string& relation, double bound) {
  return relation == "<"    ? value < bound
         : relation == "<=" ? value <= bound
         : relation == ">"  ? value > bound
                            : value >= bound;
}

std::string without_spaces(std::string text) {
  std::erase_if(text, [](char c) { return c == ' ' || c == '\t'; });
  return text;
}

}  // namespace

std::string name(Outcome outcome) {
  return outcome == Outcome::wins ? "wins" : outcome == Outcome::loses ? "loses" : "ties";
}

Outcome outcome_of(double one, double against) {
  return one < against ? Outcome::wins : one > against ? Outcome::loses : Outcome::ties;
}

std::optional<double> Judgement::value(const std::string& respect) const {
  const auto at =
      std::find_if(respects.begin(), respects.end(), [&](const Respect& one) { return one.name == respect; });
  return at == respects.end() ? std::nullopt : std::optional(at->value);
}

std::optional<double> break_even_rate(const Contender& one, const Contender& against) {
  const bool is_known = one.firing_rate && one.energy_uj && against.energy_uj;
  if (!is_known || *one.firing_rate <= 0.0 || one.energy_of_events_uj <= 0.0) {
    return std::nullopt;
  }
  const double left = *against.energy_uj - (*one.energy_uj - one.energy_of_events_uj);
  return left > 0.0 ? std::optional(*one.firing_rate * left / one.energy_of_events_uj) : std::nullopt;
}

Judgement judge(const Contender& one, const Contender& against) {
  Judgement judgement{one.name, against.name, {}, break_even_rate(one, against), ""};
  const auto add = [&](const char* respect, std::optional<double> a, std::optional<double> b) {
    if (a && b && *b > 0.0) {
      judgement.respects.push_back({respect, *a / *b, outcome_of(*a, *b)});
    }
  };
  if (one.accuracy_percent && against.accuracy_percent) {
    judgement.respects.push_back({"accuracy", *one.accuracy_percent - *against.accuracy_percent,
                                  outcome_of(*against.accuracy_percent, *one.accuracy_percent)});
  }
  add("energy", one.energy_uj, against.energy_uj);
  add("energy with memory", one.energy_with_memory_uj, against.energy_with_memory_uj);
  add("time", one.latency_ms, against.latency_ms);
  add("memory", one.memory_bytes, against.memory_bytes);
  std::string words;
  for (Respect& respect : judgement.respects) {
    if (respect.name == "time" && std::abs(respect.value - 1.0) <= same_time) {
      respect.outcome = Outcome::ties;
    }
    const std::string how = respect.name == "accuracy" ? fmt::format("{:+.2f} points", respect.value)
                                                       : fmt::format("{:.3g}x", respect.value);
    words += fmt::format("{}{} {} ({})", words.empty() ? "" : ", ", name(respect.outcome), respect.name, how);
  }
  judgement.sentence = fmt::format("{} against {}: {}{}", one.name, against.name,
                                   words.empty() ? "nothing is known of both" : words,
                                   break_even_text(one, against, judgement));
  return judgement;
}

Condition parse_condition(const std::string& text) {
  const std::string compact = without_spaces(text);
  const std::size_t at = compact.find_first_of("<>");
  std::string names;
  for (const auto& [known, measure] : measures()) {
    names += (names.empty() ? "" : ", ") + known;
  }
  VOLLEY_CHECK(at != std::string::npos, Fault::usage, "--fail-if is '{}', wanted NAME<NUMBER or NAME>NUMBER",
               text);
  Condition condition{text, compact.substr(0, at), compact.substr(at, 1), 0};
  std::string number = compact.substr(at + 1);
  if (number.starts_with("=")) {
    condition.relation += "=";
    number.erase(0, 1);
  }
  VOLLEY_CHECK(measures().contains(condition.quantity), Fault::usage,
               "--fail-if is '{}': '{}' is none of: {}", text, condition.quantity, names);
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), condition.bound);
  VOLLEY_CHECK(error == std::errc() && end == number.data() + number.size() && std::isfinite(condition.bound),
               Fault::usage, "--fail-if is '{}': '{}' is not a number", text, number);
  return condition;
}

std::optional<std::string> broken(const Condition& condition, const Contender& one, const Contender& first) {
  const Measure& measure = measures().at(condition.quantity);
  const std::optional<double> value = measure.of(one, first);
  VOLLEY_CHECK(value.has_value(), Fault::usage, "--fail-if is '{}', but {} of {} is not known: {}",
               condition.text, condition.quantity, one.name, measure.missing);
  if (!holds(*value, condition.relation, condition.bound)) {
    return std::nullopt;
  }
  static const std::map<std::string, std::string> opposite{
      {"<", ">="}, {"<=", ">"}, {">", "<="}, {">=", "<"}};
  return fmt::format("{} of {} is {:.6g} {}, wanted {} {:.6g}", condition.quantity, one.name, *value,
                     measure.unit, opposite.at(condition.relation), condition.bound);
}

}  // namespace volley
