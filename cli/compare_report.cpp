// The prices, tables and verdicts of compare.
#include "cli/compare_report.hpp"

#include "sim/base/check.hpp"

namespace volley::cli {
namespace {

constexpr double pj_per_uj = 1e6;
constexpr double full_width = 8;  // [bit], of the products that the integer profile prices

double per_sample_uj(double picojoules, const Measured& one) {
  return picojoules / static_cast<double>(one.summary.samples) / pj_per_uj;
}

double price_of(const Profile& profile, const std::string& kind) {
  const auto price = profile.prices.find(kind);
  VOLLEY_CHECK(price != profile.prices.end(), Fault::model, "profile '{}' has no price for {}", profile.id,
               kind);
  return price->second.picojoules;
}

// A multiply-accumulate of bits x 8 bits: the multiplier shrinks with the bits, the adder stays.
double mac_price(const Profile& integer, Index bits) {
  const double add = price_of(integer, "ac");
  return add + (price_of(integer, "mac") - add) * static_cast<double>(bits) / full_width;
}

Priced priced_by(const Measured& one, const Profile& profile, std::string text) {
  const Energy energy = energy_of(one.cost, profile);
  const auto ac = profile.prices.find("ac");
  const double event = ac == profile.prices.end() ? 0.0 : ac->second.picojoules;
  return {std::move(text),
          per_sample_uj(energy.picojoules, one),
          per_sample_uj(static_cast<double>(one.cost.ac) * event, one),
          {energy.unpriced.begin(), energy.unpriced.end()}};
}

Priced priced_twin(const Measured& one, const Prices& prices) {
  Profile integer = prices.integer;
  const double mac = mac_price(integer, *one.bits);
  const std::string how =
      *one.bits == Index{8}
          ? fmt::format("mac of products {:.4g} pJ of {}", mac, integer.id)
          : fmt::format("mac of products {:.4g} pJ, derived: add {:.4g} + multiply {:.4g} x {}/8 of {}", mac,
                        price_of(integer, "ac"), price_of(integer, "mac") - price_of(integer, "ac"),
                        *one.bits, integer.id);
  integer.prices["mac"].picojoules = mac;
  Cost rest = one.cost;
  for (const CostKind& kind : cost_kinds) {
    rest.*kind.count -= one.integer_cost.*kind.count;
  }
  const Energy products = energy_of(one.integer_cost, integer);
  const Energy others = energy_of(rest, prices.profile);
  Priced result{how + ", the rest " + prices.profile.id,
                per_sample_uj(products.picojoules + others.picojoules, one),
                0.0,
                {products.unpriced.begin(), products.unpriced.end()}};
  result.unpriced.insert(others.unpriced.begin(), others.unpriced.end());
  return result;
}

// "X-int8" for "X-fp32", else the one of 45 nm.
Profile integer_profile(const std::string& id) {
  constexpr std::string_view wide = "-fp32";
  constexpr const char* fallback = "horowitz45-int8";
  if (!id.ends_with(wide)) {
    return find_profile(fallback);
  }
  try {
    return find_profile(id.substr(0, id.size() - wide.size()) + "-int8");
  } catch (const Error&) {
    return find_profile(fallback);
  }
}

Cell cell_of(const std::optional<double>& number, double factor = 1.0) {
  return number ? Cell(*number * factor) : Cell();
}

std::vector<const Measured*> all_of(const Comparison& comparison) {
  std::vector<const Measured*> all;
  for (const auto* list : {&comparison.given, &comparison.twins}) {
    for (const Measured& one : *list) {
      all.push_back(&one);
    }
  }
  return all;
}

// The energy, unless a product or a synaptic addition that was done has no price.
std::optional<double> known_energy(const Priced& energy) {
  const bool is_known = !energy.unpriced.contains("mac") && !energy.unpriced.contains("ac");
  return is_known ? std::optional(energy.energy_uj) : std::nullopt;
}

Table models_table(const Comparison& comparison) {
  Table table{"models",
              {{"model", "model"},
               {"parameters", "parameters"},
               {"steps", "T"},
               {"accuracy_percent", "accuracy %", 2},
               {"firing_rate", "firing rate", 4},
               {"mac_per_sample", "MAC", 0},
               {"ac_per_sample", "AC", 0},
               {"shift_per_sample", "shifts", 0},
               {"energy_uj_per_sample", "energy uJ", 4},
               {"energy_with_memory_uj_per_sample", "with memory uJ", 3},
               {"latency_ms", "latency ms", 3},
               {"activation_bytes", "activations B"},
               {"state_bytes", "membranes B"}},
              {}};
  for (const Measured* one : all_of(comparison)) {
    const auto samples = static_cast<double>(one->summary.samples);
    const Contender row = comparison.contender(*one, comparison.prices.front());
    const auto bytes = [&](std::size_t count) {
      return one->is_twin() ? Cell() : Cell(static_cast<Index>(count));
    };
    table.rows.push_back({one->name, one->parameters, one->summary.steps, cell_of(one->accuracy, 100),
                          cell_of(one->firing_rate), static_cast<double>(one->cost.mac) / samples,
                          static_cast<double>(one->cost.ac) / samples,
                          static_cast<double>(one->cost.shift) / samples, cell_of(row.energy_uj),
                          cell_of(row.energy_with_memory_uj), cell_of(one->latency_ms),
                          bytes(one->alone.activation_bytes), bytes(one->alone.state_bytes)});
  }
  return table;
}

Table energies_table(const Comparison& comparison) {
  Table table{"energies",
              {{"model", "model"},
               {"profile", "profile"},
               {"energy_uj_per_sample", "energy uJ", 4},
               {"prices", "prices"}},
              {}};
  for (const Prices& prices : comparison.prices) {
    for (const Measured* one : all_of(comparison)) {
      const Priced energy = priced(*one, prices);
      table.rows.push_back({one->name, prices.profile.id, cell_of(known_energy(energy)), energy.prices});
      if (one->firing_rate && !comparison.twins.empty()) {
        const Priced narrow = priced_as_int8(*one, prices);
        table.rows.push_back({one->name, prices.profile.id, cell_of(known_energy(narrow)), narrow.prices});
      }
    }
  }
  return table;
}

struct Pair {
  const Measured* one;
  const Measured* base;
};

// Every given model against the first and its twins; the twins against the first when nobody else is there.
std::vector<Pair> pairs_of(const Comparison& comparison) {
  std::vector<Pair> pairs;
  const Measured& first = comparison.given.front();
  for (std::size_t i = 1; i < comparison.given.size(); ++i) {
    pairs.push_back({&comparison.given[i], &first});
    for (const Measured& twin : comparison.twins) {
      pairs.push_back({&comparison.given[i], &twin});
    }
  }
  for (const Measured& twin : comparison.twins) {
    if (comparison.given.size() == 1) {
      pairs.push_back(first.firing_rate ? Pair{&first, &twin} : Pair{&twin, &first});
    }
  }
  return pairs;
}

std::optional<double> ratio_as_int8(const Pair& pair, const Prices& prices) {
  const auto narrow = known_energy(priced_as_int8(*pair.one, prices));
  const auto base = known_energy(priced(*pair.base, prices));
  const bool is_asked = pair.one->firing_rate && pair.base->is_twin();
  return is_asked && narrow && base && *base > 0.0 ? std::optional(*narrow / *base) : std::nullopt;
}

Table verdicts_table(const Comparison& comparison) {
  Table table{"verdicts",
              {{"model", "model"},
               {"against", "against"},
               {"profile", "profile"},
               {"accuracy_points", "accuracy points", 2},
               {"energy_ratio", "energy x", 3},
               {"energy_ratio_if_int8", "if int8 x", 3},
               {"energy_with_memory_ratio", "with memory x", 3},
               {"time_ratio", "time x", 3},
               {"memory_ratio", "memory x", 3},
               {"firing_rate", "firing rate", 4},
               {"break_even_rate", "break-even rate", 4}},
              {}};
  for (const Prices& prices : comparison.prices) {
    for (const Pair& pair : pairs_of(comparison)) {
      const Judgement judgement =
          judge(comparison.contender(*pair.one, prices), comparison.contender(*pair.base, prices));
      table.rows.push_back({judgement.model, judgement.against, prices.profile.id,
                            cell_of(judgement.value("accuracy")), cell_of(judgement.value("energy")),
                            cell_of(ratio_as_int8(pair, prices)),
                            cell_of(judgement.value("energy with memory")), cell_of(judgement.value("time")),
                            cell_of(judgement.value("memory")), cell_of(pair.one->firing_rate),
                            cell_of(judgement.break_even_rate)});
    }
  }
  return table;
}

Table steps_table(const Comparison& comparison) {
  Table table{"over_steps",
              {{"model", "model"},
               {"steps", "T'"},
               {"accuracy_percent", "accuracy %", 2},
               {"energy_uj_per_sample", "energy uJ", 4},
               {"firing_rate", "firing rate", 4},
               {"ac_per_sample", "AC", 0}},
              {}};
  for (const Measured& one : comparison.given) {
    for (std::size_t i = 0; i < one.shorter.size(); ++i) {
      const ShorterRun& run = one.shorter[i];
      const Energy energy = energy_of(run.cost, comparison.prices.front().profile);
      table.rows.push_back({one.name, run.steps,
                            one.shorter_accuracy.empty() ? Cell() : Cell(one.shorter_accuracy[i] * 100),
                            per_sample_uj(energy.picojoules, one), run.rate(),
                            static_cast<double>(run.cost.ac) / static_cast<double>(one.summary.samples)});
    }
  }
  return table;
}

void add_remarks(const Comparison& comparison, Report& report) {
  const Prices& prices = comparison.prices.front();
  for (const Pair& pair : pairs_of(comparison)) {
    std::string sentence =
        judge(comparison.contender(*pair.one, prices), comparison.contender(*pair.base, prices)).sentence;
    if (const auto ratio = ratio_as_int8(pair, prices)) {
      sentence +=
          fmt::format("; were its own numbers 8-bit integers (priced, not run), energy {:.3g}x", *ratio);
    }
    report.remarks.push_back(sentence);
  }
  for (const Prices& each : comparison.prices) {
    std::set<std::string> unpriced;
    for (const Measured* one : all_of(comparison)) {
      unpriced.merge(priced(*one, each).unpriced);
    }
    std::string kinds;
    for (const std::string& kind : unpriced) {
      kinds += (kinds.empty() ? "" : ", ") + kind;
    }
    if (!kinds.empty()) {
      report.remarks.push_back(
          fmt::format("not in the energy, as {} has no price for it: {}", each.profile.id, kinds));
    }
    if (!comparison.twins.empty() && each.profile.process_nm != each.integer.process_nm) {
      report.remarks.push_back(
          fmt::format("prices of {} ({} nm) stand against prices of {} ({} nm): ratios mix technologies",
                      each.profile.id, each.profile.process_nm, each.integer.id, each.integer.process_nm));
    }
  }
  if (!comparison.twins.empty()) {
    report.remarks.emplace_back(
        "the quantised twins are rounded after training and run in float32, so their time and memory are not "
        "compared");
  }
}

}  // namespace

Prices prices_of(const Profile& profile, Twins twins) {
  Prices prices{profile, profile};
  if (twins == Twins::none || profile.id.ends_with("-int8")) {
    return prices;
  }
  prices.integer = integer_profile(profile.id);
  std::erase_if(prices.integer.prices, [&](const auto& entry) {
    return entry.first != "ac" && entry.first != "mac" && !profile.prices.contains(entry.first);
  });
  prices.integer.prices.insert(profile.prices.begin(), profile.prices.end());
  return prices;
}

Priced priced(const Measured& one, const Prices& prices) {
  return one.is_twin() ? priced_twin(one, prices) : priced_by(one, prices.profile, prices.profile.id);
}

Priced priced_as_int8(const Measured& one, const Prices& prices) {
  return priced_by(one, prices.integer, prices.integer.id + " for all, not run so");
}

Contender Comparison::contender(const Measured& one, const Prices& by) const {
  const Priced energy = priced(one, by);
  Contender contender;
  contender.name = one.name;
  contender.accuracy_percent = one.accuracy ? std::optional(*one.accuracy * 100) : std::nullopt;
  contender.firing_rate = one.firing_rate;
  contender.energy_uj = known_energy(energy);
  contender.energy_of_events_uj = energy.of_events_uj;
  contender.energy_with_memory_uj = priced(one, memory).energy_uj + per_sample_uj(one.memory_picojoules, one);
  contender.latency_ms = one.latency_ms;
  if (!one.is_twin()) {
    contender.memory_bytes = static_cast<double>(one.alone.activation_bytes + one.alone.state_bytes);
  }
  return contender;
}

Report report_of(const Comparison& comparison) {
  Report report{"volley.compare/1", {}, {}, {}};
  report.tables = {models_table(comparison)};
  if (comparison.prices.size() > 1 || !comparison.twins.empty()) {
    report.tables.push_back(energies_table(comparison));
  }
  if (comparison.given.size() + comparison.twins.size() > 1) {
    report.tables.push_back(verdicts_table(comparison));
  }
  if (Table steps = steps_table(comparison); !steps.rows.empty()) {
    report.tables.push_back(std::move(steps));
  }
  add_remarks(comparison, report);
  return report;
}

}  // namespace volley::cli
