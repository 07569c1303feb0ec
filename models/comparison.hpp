// Who wins: rows of a comparison, verdicts, break-even rates, conditions.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace volley {

// A model as a comparison sees it, all per sample. Nothing: not known, so not compared.
struct Contender {
  std::string name;
  std::optional<double> accuracy_percent;
  std::optional<double> firing_rate;  // unit events for each neuron and step; nothing: not spiking
  std::optional<double> energy_uj;    // compute only
  double energy_of_events_uj = 0;     // the part that spikes cause: AC times its price
  std::optional<double> energy_with_memory_uj;
  std::optional<double> latency_ms;
  std::optional<double> memory_bytes;
};

enum class Outcome { wins, ties, loses };
std::string name(Outcome outcome);
// less is better; equal numbers tie.
Outcome outcome_of(double one, double against);

// One respect, such as the energy.
struct Respect {
  std::string name;
  double value = 0;  // accuracy: points of difference; else: ratio of one to the other
  Outcome outcome = Outcome::ties;
};

struct Judgement {
  std::string model, against;
  std::vector<Respect> respects;  // only of what is known of both
  std::optional<double> break_even_rate;
  std::string sentence;

  std::optional<double> value(const std::string& respect) const;
};

// The firing rate below which `one` needs less compute energy than `against`:
//   rate E_events / E_events = E_other has the solution  r* = r (E_against - (E_one - E_events)) / E_events
// with E_events in proportion to the rate r. Nothing: `one` does not spike, or fires never, or even silent
// needs more.
std::optional<double> break_even_rate(const Contender& one, const Contender& against);

// "ssa against dense: loses accuracy (-0.56 points), wins energy (0.15x), ...; it would ..."
Judgement judge(const Contender& one, const Contender& against);

// What must not be: "accuracy<97", "energy>1.0".
struct Condition {
  std::string text;  // as the user wrote it
  std::string quantity;
  std::string relation;  // "<", "<=", ">", ">="
  double bound = 0;
};

// NAME RELATION NUMBER, with a name of: accuracy [%], accuracy_loss [points, against the first],
// energy [uJ], energy_with_memory [uJ], latency [ms], memory [B], firing_rate [1]. Throws Error (usage).
Condition parse_condition(const std::string& text);

// The text of what was got and wanted, when the condition holds for `one`; else nothing. Throws Error (usage)
// when the quantity is not known.
std::optional<std::string> broken(const Condition& condition, const Contender& one, const Contender& first);

}  // namespace volley
