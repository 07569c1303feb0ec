// Bytes that nodes move, from ledgers of made-up nodes.
#include <gtest/gtest.h>

#include "sim/measure/traffic.hpp"
#include "sim/op/foldable.hpp"

namespace volley {
namespace {

// An op with constants of this many floats each, and a state of 2 floats for each place of its input.
class Plain : public Operator {
 public:
  Plain(std::vector<Index> constants, bool has_state) : has_state_(has_state) {
    for (const Index count : constants) {
      constants_.push_back(make_value(dense_spec({{Axis::C, count}})));
    }
  }
  std::string_view kind() const override { return "plain"; }
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index) const override { return {in[0]}; }
  std::span<const Value> constants() const override { return constants_; }
  Cost cost(std::span<const Activity>, std::span<const Activity>) const override { return {}; }
  std::unique_ptr<State> make_state(std::span<const ValueSpec> in) const override {
    struct Cell {
      float v, current;
    };
    return has_state_ ? std::make_unique<CellState<Cell>>(in[0].shape.count(), Cell{}) : nullptr;
  }

 private:
  bool has_state_;
  std::vector<Value> constants_;
};

class LinearMap final : public Plain, public Foldable {
 public:
  using Plain::Plain;
  Index outputs() const override { return 0; }
  void scale_outputs(std::span<const float>, std::span<const float>) override {}
};

Shape shape(Index steps, Index samples, Index channels) {
  return {{Axis::T, steps}, {Axis::B, samples}, {Axis::C, channels}};
}

// What a ledger holds after these steps of a node; three samples in batches of two and one.
NodeEntry entry_of(Index steps, const Cost& cost, const ValueSpec& in, const ValueSpec& out,
                   Index spikes_out) {
  Ledger ledger;
  for (const Index samples : {2, 1}) {
    ValueSpec in_once = in;
    in_once.shape = in.shape.with(Axis::T, 1).with(Axis::B, samples);
    ValueSpec out_once = out;
    out_once.shape = out.shape.with(Axis::T, 1).with(Axis::B, samples);
    for (Index t = 0; t < steps; ++t) {
      const Activity from{in_once, 1, {}};
      const Activity to{out_once, spikes_out, {}};
      ledger.on_cost(0, t, cost, std::span(&from, 1), std::span(&to, 1));
    }
  }
  return ledger.nodes().at(0);
}

TEST(Traffic, LinearMapFetchesAWeightForEachAddition) {
  const ValueSpec in = spike_spec(shape(4, 2, 10), {Coding::graded, 3});
  const ValueSpec out = dense_spec(shape(4, 2, 6));
  const NodeEntry entry = entry_of(4, {.ac = 5, .mac = 2, .add = 3}, in, out, 9);
  const Traffic traffic = traffic_of(entry, LinearMap({60, 6}, false), std::span(&in, 1));
  EXPECT_EQ(traffic.weights_fetched.count(), 4 * (5 + 2 + 3) * 8);  // 4 steps, 2 batches
  EXPECT_EQ(traffic.weights_held.count(), 4 * 66);
  EXPECT_EQ(traffic.spikes_read.count(), 10 * 3 * 12 / 8.0);  // 4 steps, 3 samples
  EXPECT_EQ(traffic.numbers_read.count(), 0);
  EXPECT_EQ(traffic.numbers_written.count(), 4 * 6 * 12);
  EXPECT_EQ(traffic.values_held.count(), 30 / 8.0 + 24);
  EXPECT_EQ(traffic.state_read.count(), 0);
  EXPECT_EQ(traffic.spikes_sent, 0);  // dense numbers are no spikes
}

TEST(Traffic, NeuronsReadAndWriteTheirStateInEachStep) {
  const ValueSpec in = dense_spec(shape(4, 2, 10));
  const ValueSpec out = spike_spec(shape(4, 2, 10), {Coding::bipolar, 2});
  const NodeEntry entry = entry_of(4, {.neuron = 20}, in, out, 7);
  const Traffic traffic = traffic_of(entry, Plain({}, true), std::span(&in, 1));
  EXPECT_EQ(traffic.state_held.count(), 80);  // one sample
  EXPECT_EQ(traffic.state_read.count(), 80 * 12);
  EXPECT_EQ(traffic.state_written.count(), 80 * 12);
  EXPECT_EQ(traffic.numbers_read.count(), 40 * 12);
  EXPECT_EQ(traffic.spikes_written.count(), 20 * 12 / 8.0);
  EXPECT_EQ(traffic.spikes_sent, 7 * 8);
  EXPECT_EQ(traffic.weights_fetched.count(), 0);
}

TEST(Traffic, OtherConstantsAreTakenOnceForEachPlace) {
  const ValueSpec in = dense_spec(shape(1, 2, 10));
  const NodeEntry entry = entry_of(1, {.mac = 1000}, in, in, 0);
  const Traffic traffic = traffic_of(entry, Plain({10, 10}, false), std::span(&in, 1));
  EXPECT_EQ(traffic.weights_fetched.count(), 4 * 2 * 30);
}

TEST(Traffic, AddsUpAndBeginsWithNothing) {
  const ValueSpec in = dense_spec(shape(1, 2, 10));
  const NodeEntry entry = entry_of(1, {}, in, in, 0);
  const Traffic one = traffic_of(entry, Plain({10}, true), std::span(&in, 1));
  Traffic sum;
  sum += one;
  sum += one;
  EXPECT_EQ(sum.weights_fetched, one.weights_fetched * 2);
  EXPECT_EQ(sum.state_written, one.state_written * 2);
  EXPECT_EQ(sum.numbers_written, one.numbers_written * 2);
  EXPECT_EQ(sum.values_held, one.values_held * 2);
  EXPECT_EQ(traffic_of(NodeEntry(), Plain({}, false), {}).numbers_written.count(), 0);
}

}  // namespace
}  // namespace volley
