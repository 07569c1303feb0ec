// What a page shows of a run: spikes, membranes and attention of one sample.
#pragma once

#include <map>
#include <set>

#include "sim/measure/ledger.hpp"

namespace volley {

// Neurons of one node, in one sample.
struct WatchedNeurons {
  NodeId node = 0;
  std::string name;
  std::vector<Index> neurons;                // row-major places in one sample and step, ascending or not
  std::vector<std::vector<int>> spikes;      // [neuron][step]
  std::vector<std::vector<float>> membrane;  // [neuron][step]; empty when the node has no membrane
};

// A score matrix of one head and step, made smaller by means over blocks where it is large.
struct AttentionMap {
  std::string name;
  Index step = 0, head = 0;
  Index queries = 0, keys = 0;  // of the score itself
  Index rows = 0, columns = 0;  // of what is kept
  std::vector<float> cells;     // [rows][columns]
};

// Adds up costs and spikes of all samples, as a Ledger does, and keeps the values of one sample. Memory is
// bounded: by the neurons that are watched, by most_steps and by most_maps.
class ActivityTrace final : public Recorder {
 public:
  static constexpr Index most_steps = 4096;      // of rasters and membranes
  static constexpr Index most_neurons = 256;     // of one node
  static constexpr std::size_t most_maps = 128;  // over all attentions, an equal share each
  static constexpr Index map_side = 64;          // larger scores become means over blocks

  explicit ActivityTrace(Index sample) : sample_(sample) {}
  // Before the run. membrane: output of the node that holds it, 0 for none. At most most_neurons neurons.
  void watch(NodeId node, std::string name, std::vector<Index> neurons, std::size_t membrane);
  void watch_attention(Port score, std::string name);
  std::set<Port> ports() const;  // values that must be there

  bool wants_cost() const override { return true; }
  bool wants_time() const override { return true; }
  bool wants_value(Port port) const override { return ports_.contains(port); }
  void on_cost(NodeId node, Index step, const Cost& cost, std::span<const Activity> in,
               std::span<const Activity> out) override {
    ledger_.on_cost(node, step, cost, in, out);
  }
  void on_time(NodeId node, StepRange steps, std::int64_t nanoseconds) override {
    ledger_.on_time(node, steps, nanoseconds);
  }
  void on_value(Port port, StepRange steps, Index first_sample, const Value& value) override;

  Index sample() const { return sample_; }
  const Ledger& ledger() const { return ledger_; }  // of all samples
  const std::vector<WatchedNeurons>& watched() const { return watched_; }
  const std::vector<AttentionMap>& maps() const { return maps_; }
  std::size_t maps_left_out() const { return maps_left_out_; }

 private:
  enum class Use : std::uint8_t { spikes, membrane, score };
  struct Listener {
    Use use;
    std::size_t index;  // in watched_, or in maps_kept_
    std::string name;
  };
  void keep_neurons(const Listener& listener, Index step, const Value& one);
  void keep_maps(const Listener& listener, Index step, const Value& one);

  Index sample_;
  Ledger ledger_;
  std::map<Port, Listener> ports_;
  std::vector<WatchedNeurons> watched_;
  std::vector<AttentionMap> maps_;
  std::vector<std::size_t> maps_kept_;  // of each attention
  std::size_t maps_left_out_ = 0;
};

}  // namespace volley
