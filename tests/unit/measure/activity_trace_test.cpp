// A trace keeps one sample of the chosen neurons and shrinks what is large.
#include "sim/measure/activity_trace.hpp"

#include <gtest/gtest.h>

#include "sim/measure/firing_counts.hpp"

namespace volley {
namespace {

// [T=2 B=2 N=2 C=65]; a spike where (t + b + n + c) is a multiple of 3.
SpikeTensor spikes(Index steps = 2) {
  Tensor dense(Dtype::f32, {{Axis::T, steps}, {Axis::B, 2}, {Axis::N, 2}, {Axis::C, 65}});
  const auto numbers = dense.as_mutable<float>();
  std::size_t i = 0;
  for (Index t = 0; t < steps; ++t) {
    for (Index b = 0; b < 2; ++b) {
      for (Index n = 0; n < 2; ++n) {
        for (Index c = 0; c < 65; ++c) {
          numbers[i++] = (t + b + n + c) % 3 == 0 ? 1.0f : 0.0f;
        }
      }
    }
  }
  return pack(dense, binary_code());
}

TEST(ActivityTrace, KeepsTheWatchedNeuronsOfOneSample) {
  ActivityTrace trace(5);
  trace.watch(3, "lif", {0, 64, 65, 129}, 1);
  EXPECT_EQ(trace.ports(), (std::set<Port>{{3, 0}, {3, 1}}));
  EXPECT_TRUE(trace.wants_value({3, 1}));
  EXPECT_FALSE(trace.wants_value({2, 0}));
  trace.on_value({3, 0}, {0, 2, 4}, 4, spikes());  // samples 4 and 5
  trace.on_value({3, 0}, {2, 2, 4}, 4, spikes());
  trace.on_value({3, 0}, {0, 2, 4}, 6, spikes());  // samples 6 and 7: not wanted
  const auto& rows = trace.watched().at(0).spikes;
  // b = 1 of the first batch; neuron 64 is n 0 c 64, 65 is n 1 c 0, 129 is n 1 c 64.
  EXPECT_EQ(rows[0], (std::vector<int>{0, 0, 0, 0}));
  EXPECT_EQ(rows[1], (std::vector<int>{0, 1, 0, 1}));
  EXPECT_EQ(rows[2], (std::vector<int>{0, 1, 0, 1}));
  EXPECT_EQ(rows[3], (std::vector<int>{1, 0, 1, 0}));
}

TEST(ActivityTrace, KeepsMembranesStepByStep) {
  ActivityTrace trace(0);
  trace.watch(1, "lif", {2}, 1);
  for (Index t = 0; t < 3; ++t) {
    const std::vector<float> v{0, 0, static_cast<float>(t) + 0.5f};
    trace.on_value({1, 1}, {t, 1, 3}, 0, tensor_of({{Axis::T, 1}, {Axis::B, 1}, {Axis::C, 3}}, v));
  }
  EXPECT_EQ(trace.watched().at(0).membrane.at(0), (std::vector<float>{0.5f, 1.5f, 2.5f}));
}

TEST(ActivityTrace, StopsAtItsGreatestNumberOfSteps) {
  ActivityTrace trace(0);
  trace.watch(1, "lif", {0}, 0);
  const Index last = ActivityTrace::most_steps - 1;
  trace.on_value({1, 0}, {last, 2, last + 2}, 0, spikes());
  EXPECT_EQ(trace.watched().at(0).spikes.at(0).size(), static_cast<std::size_t>(last) + 1);
}

Tensor score(Index heads, Index side) {
  Tensor tensor(Dtype::f32, {{Axis::T, 1}, {Axis::B, 1}, {Axis::H, heads}, {Axis::N, side}, {Axis::M, side}});
  const auto numbers = tensor.as_mutable<float>();
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = static_cast<float>(i % static_cast<std::size_t>(side));  // the key
  }
  return tensor;
}

TEST(ActivityTrace, LargeScoresBecomeMeansOverBlocks) {
  ActivityTrace trace(0);
  trace.watch_attention({7, 1}, "attn");
  trace.on_value({7, 1}, {0, 1, 1}, 0, score(2, 128));
  ASSERT_EQ(trace.maps().size(), 2u);
  const AttentionMap& map = trace.maps()[1];
  EXPECT_EQ(map.head, 1);
  EXPECT_EQ(map.rows, 64);
  EXPECT_EQ(map.keys, 128);
  EXPECT_EQ(map.cells.at(0), 0.5f);  // of keys 0 and 1
  EXPECT_EQ(map.cells.at(63), 126.5f);
  trace.on_value({7, 1}, {0, 1, 1}, 0, score(1, 3));
  EXPECT_EQ(trace.maps().back().cells, (std::vector<float>{0, 1, 2, 0, 1, 2, 0, 1, 2}));
}

TEST(ActivityTrace, SaysHowManyMapsAreLeftOut) {
  ActivityTrace trace(0);
  trace.watch_attention({7, 1}, "attn");
  trace.on_value({7, 1}, {0, 1, 1}, 0, score(static_cast<Index>(ActivityTrace::most_maps) + 3, 2));
  EXPECT_EQ(trace.maps().size(), ActivityTrace::most_maps);
  EXPECT_EQ(trace.maps_left_out(), 3u);
}

TEST(ActivityTrace, NoAttentionTakesTheRoomOfAnother) {
  ActivityTrace trace(0);
  trace.watch_attention({7, 1}, "first");
  trace.watch_attention({8, 1}, "second");
  trace.on_value({7, 1}, {0, 1, 1}, 0, score(static_cast<Index>(ActivityTrace::most_maps), 2));
  trace.on_value({8, 1}, {0, 1, 1}, 0, score(2, 2));
  EXPECT_EQ(trace.maps().size(), ActivityTrace::most_maps / 2 + 2);
  EXPECT_EQ(trace.maps().back().name, "second");
}

TEST(FiringCounts, FindsTheDeadAndTheSaturated) {
  FiringCounts counts(std::set<Port>{{3, 0}});
  EXPECT_FALSE(counts.wants_value({3, 1}));
  counts.on_value({3, 0}, {0, 2, 2}, 0, spikes());
  const FiringEntry& entry = counts.entries().at({3, 0});
  EXPECT_EQ(entry.chances, 4);
  ASSERT_EQ(entry.fired.size(), 130u);
  // t + b is 0, 1, 1, 2: n + c = 0 fires once (sum 0), 1 once (sum 3), 2 twice (sums 3, 3).
  EXPECT_EQ(entry.fired[0], 1);
  EXPECT_EQ(entry.fired[1], 1);
  EXPECT_EQ(entry.fired[2], 2);
  EXPECT_EQ(entry.fired[65 + 1], 2);
  EXPECT_EQ(entry.dead(), 0);
  EXPECT_EQ(entry.saturated(), 0);
  EXPECT_EQ(entry.saturated(0.4), std::count(entry.fired.begin(), entry.fired.end(), 2));
}

TEST(FiringCounts, ASpikeOfAnySizeAndSignIsOne) {
  FiringCounts counts(std::set<Port>{{0, 0}});
  const std::vector<float> graded{0, 1, 3};
  const std::vector<float> bipolar{-1, 0, 1};
  const Shape shape{{Axis::T, 1}, {Axis::B, 1}, {Axis::C, 3}};
  counts.on_value({0, 0}, {0, 1, 2}, 0, pack(tensor_of(shape, graded), graded_code(3)));
  counts.on_value({0, 0}, {1, 1, 2}, 0, pack(tensor_of(shape, bipolar), bipolar_code()));
  const FiringEntry& entry = counts.entries().at({0, 0});
  EXPECT_EQ(entry.fired, (std::vector<Index>{1, 1, 2}));
  EXPECT_EQ(entry.saturated(), 1);
  counts.on_value({0, 0}, {0, 1, 1}, 1, tensor_of(shape, graded));  // dense: not counted
  EXPECT_EQ(entry.chances, 2);
}

}  // namespace
}  // namespace volley
