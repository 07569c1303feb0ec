// Adds up costs, spikes and time by node and step.
#include "sim/measure/ledger.hpp"

namespace volley {

Cost NodeEntry::cost() const {
  Cost total;
  for (const StepEntry& step : steps) {
    total += step.cost;
  }
  return total;
}

Index NodeEntry::spikes_out() const {
  Index total = 0;
  for (const StepEntry& step : steps) {
    total += step.spikes_out;
  }
  return total;
}

Index NodeEntry::elements_out() const {
  Index total = 0;
  for (const StepEntry& step : steps) {
    total += step.elements_out;
  }
  return total;
}

double NodeEntry::firing_rate() const {
  const Index elements = elements_out();
  return out.is_spikes() && elements > 0 ? static_cast<double>(spikes_out()) / static_cast<double>(elements)
                                         : 0.0;
}

void Ledger::on_cost(NodeId node, Index step, const Cost& cost, std::span<const Activity> in,
                     std::span<const Activity> out) {
  NodeEntry& entry = nodes_[node];
  if (entry.steps.size() <= static_cast<std::size_t>(step)) {
    entry.steps.resize(static_cast<std::size_t>(step) + 1);
  }
  StepEntry& at = entry.steps[static_cast<std::size_t>(step)];
  at.cost += cost;
  at.spikes_out += out[0].spikes;
  at.elements_out += out[0].spec.shape.count();
  for (const Activity& activity : in) {
    at.spikes_in += activity.spikes;
    at.elements_in += activity.spec.shape.count();
  }
  entry.out = out[0].spec;
}

void Ledger::on_time(NodeId node, StepRange, std::int64_t nanoseconds) {
  nodes_[node].nanoseconds += nanoseconds;
}

Cost Ledger::total() const {
  Cost total;
  for (const auto& [node, entry] : nodes_) {
    total += entry.cost();
  }
  return total;
}

}  // namespace volley
