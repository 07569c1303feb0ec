// How often each neuron fired: who never does, who nearly always does.
#pragma once

#include <map>
#include <set>

#include "sim/measure/recorder.hpp"

namespace volley {

// Of one spiking output. A neuron is one place of one sample and step.
struct FiringEntry {
  std::vector<Index> fired;  // [neuron]: samples x steps in which it sent a spike of any size
  Index chances = 0;         // samples x steps that were seen

  Index dead() const;                        // neurons that never fired
  Index saturated(double rate = 0.9) const;  // neurons that fired in more than this share of the chances
};

// Bounded: one number a neuron. Dense values are not counted.
class FiringCounts final : public Recorder {
 public:
  explicit FiringCounts(std::set<Port> ports) : ports_(std::move(ports)) {}
  bool wants_value(Port port) const override { return ports_.contains(port); }
  void on_value(Port port, StepRange steps, Index first_sample, const Value& value) override;
  const std::map<Port, FiringEntry>& entries() const { return entries_; }

 private:
  std::set<Port> ports_;
  std::map<Port, FiringEntry> entries_;
};

}  // namespace volley
