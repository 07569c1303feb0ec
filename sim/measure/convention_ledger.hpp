// Adds up what each convention counts, by node, head, step and sample.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include "sim/measure/conventions.hpp"
#include "sim/measure/recorder.hpp"

namespace volley {

// A sum of counts. A convention that has no count for any of the products has counted == 0: the sum is not
// known.
struct Tally {
  Index ac = 0, mac = 0;
  double ac_by_rate = 0;
  Index counted = 0, missed = 0;  // products with a count, and without

  // Throws Error (run) when a sum leaves 64 bits.
  Tally& operator+=(const Tally& other);
  double all_ac() const { return static_cast<double>(ac) + ac_by_rate; }
  double all_mac() const { return static_cast<double>(mac); }
};

// Mean and standard deviation over samples (of the population; 0 of one sample).
struct Spread {
  double mean = 0, deviation = 0;
};
Spread spread_of(std::span<const double> values);

class ConventionLedger final : public Recorder {
 public:
  // activations: ports of neurons, whose sparsity is wanted.
  explicit ConventionLedger(std::vector<const Convention*> conventions, std::set<Port> activations = {})
      : conventions_(std::move(conventions)), activations_(std::move(activations)) {}

  bool wants_cost() const override { return true; }
  bool wants_products() const override { return true; }
  bool wants_value(Port port) const override { return activations_.contains(port); }
  void on_cost(NodeId node, Index step, const Cost& cost, std::span<const Activity> in,
               std::span<const Activity> out) override;
  void on_products(NodeId node, Index step, Index sample, std::span<const Product> products) override;
  void on_value(Port port, StepRange steps, Index first_sample, const Value& value) override;

  const std::vector<const Convention*>& conventions() const { return conventions_; }

  // Totals over all samples and one sample's totals; a tally for each convention. Where a node has no
  // products but ac or mac of its own (layer_norm), they stand under "executed" alone, head -1; its samples
  // have equal parts.
  struct Row {
    NodeId node = 0;
    Index head = -1;  // -1: not by heads
    Index step = 0;
    std::vector<Tally> counts;
  };
  struct SampleRow {
    Index sample = 0;
    NodeId node = 0;
    std::vector<Tally> counts;
  };
  std::vector<Row> rows() const;
  std::vector<SampleRow> samples() const;

  // As NeuroBench has them. Of weights that products showed; of the outputs of `activations`.
  std::optional<double> connection_sparsity() const;  // rounded to 4 digits behind the point
  std::optional<double> activation_sparsity() const;

 private:
  struct Sum {
    Tally tally;
    double ac_by_rate_of_v = 0;
  };
  using Sums = std::vector<Sum>;
  void add(Sums& sums, const Product& product) const;
  // Which sums of a node are smaller, those with the rate of k (false) or of v (true), for each convention.
  std::map<NodeId, std::vector<bool>> sides() const;
  std::vector<Tally> resolved(const Sums& sums, const std::vector<bool>& side) const;
  std::vector<Tally> without_products(Index ac, Index mac) const;
  bool has_products(NodeId node) const;

  std::vector<const Convention*> conventions_;
  std::set<Port> activations_;
  std::map<std::tuple<NodeId, Index, Index>, Sums> rows_;  // node, head, step
  std::map<std::pair<Index, NodeId>, Sums> samples_;
  std::map<std::pair<NodeId, Index>, Cost> costs_;  // node, step
  std::map<NodeId, Operand> weights_;
  Index activation_places_ = 0, active_places_ = 0;
};

}  // namespace volley
