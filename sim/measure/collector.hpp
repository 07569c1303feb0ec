// Keeps the values of some ports, all samples and steps of them.
#pragma once

#include <map>
#include <set>

#include "sim/measure/recorder.hpp"

namespace volley {

// Batches may come in any order; each must lie in the samples [first, first + samples).
class Collector final : public Recorder {
 public:
  Collector(std::set<Port> ports, Index first, Index samples)
      : ports_(std::move(ports)), first_(first), samples_(samples) {}

  bool wants_value(Port port) const override { return ports_.contains(port); }
  void on_value(Port port, StepRange steps, Index first_sample, const Value& value) override;

  // Dense numbers [T S ...], S samples; T = 1 of a value without steps. Spikes come as i8.
  const std::map<Port, Tensor>& values() const { return values_; }

 private:
  std::set<Port> ports_;
  Index first_;
  Index samples_;
  std::map<Port, Tensor> values_;
};

// Several recorders as one.
class Recorders final : public Recorder {
 public:
  explicit Recorders(std::vector<Recorder*> all) : all_(std::move(all)) {}
  bool wants_cost() const override;
  bool wants_value(Port port) const override;
  bool wants_time() const override;
  bool wants_products() const override;
  void on_cost(NodeId node, Index step, const Cost& cost, std::span<const Activity> in,
               std::span<const Activity> out) override;
  void on_value(Port port, StepRange steps, Index first_sample, const Value& value) override;
  void on_time(NodeId node, StepRange steps, std::int64_t nanoseconds) override;
  void on_products(NodeId node, Index step, Index sample, std::span<const Product> products) override;

 private:
  std::vector<Recorder*> all_;
};

}  // namespace volley
