// What a page shows of a run: spikes, membranes and attention of one sample.
#include "sim/measure/activity_trace.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace volley {
namespace {

float number_at(const Value& value, Index place) {
  if (const auto* spikes = std::get_if<SpikeTensor>(&value)) {
    const Index columns = spikes->shape().row();
    return static_cast<float>(spikes->at(place / columns, place % columns));
  }
  const auto& dense = std::get<Tensor>(value);
  const auto at = static_cast<std::size_t>(place);
  return dense.dtype() == Dtype::i32 ? static_cast<float>(dense.as<std::int32_t>()[at])
                                     : dense.as<float>()[at];
}

// One map [queries keys] that begins at `first`, as means over blocks.
std::vector<float> shrunk(const Value& score, Index first, const AttentionMap& map) {
  std::vector<float> cells;
  for (Index r = 0; r < map.rows; ++r) {
    for (Index c = 0; c < map.columns; ++c) {
      double sum = 0;
      Index count = 0;
      for (Index n = r * map.queries / map.rows; n < (r + 1) * map.queries / map.rows; ++n) {
        for (Index m = c * map.keys / map.columns; m < (c + 1) * map.keys / map.columns; ++m, ++count) {
          sum += static_cast<double>(number_at(score, first + n * map.keys + m));
        }
      }
      cells.push_back(static_cast<float>(sum / static_cast<double>(count)));
    }
  }
  return cells;
}

}  // namespace

void ActivityTrace::watch(NodeId node, std::string name, std::vector<Index> neurons, std::size_t membrane) {
  VOLLEY_ASSERT(static_cast<Index>(neurons.size()) <= most_neurons);
  const std::size_t index = watched_.size();
  ports_[{node, 0}] = {Use::spikes, index, name};
  if (membrane > 0) {
    ports_[{node, membrane}] = {Use::membrane, index, name};
  }
  const std::size_t count = neurons.size();
  watched_.push_back({node, std::move(name), std::move(neurons), std::vector<std::vector<int>>(count),
                      std::vector<std::vector<float>>(membrane > 0 ? count : 0)});
}

void ActivityTrace::watch_attention(Port score, std::string name) {
  ports_[score] = {Use::score, maps_kept_.size(), std::move(name)};
  maps_kept_.push_back(0);
}

std::set<Port> ActivityTrace::ports() const {
  std::set<Port> all;
  for (const auto& [port, listener] : ports_) {
    all.insert(port);
  }
  return all;
}

void ActivityTrace::on_value(Port port, StepRange steps, Index first_sample, const Value& value) {
  const Shape shape = spec_of(value).shape;
  if (sample_ < first_sample || sample_ >= first_sample + shape[Axis::B]) {
    return;
  }
  const Listener& listener = ports_.at(port);
  for (Index t = 0; t < shape[Axis::T] && steps.first + t < most_steps; ++t) {
    const Value step = shape[Axis::T] == 1 ? value : steps_of(value, t, 1);
    const Value one = sample_of(step, sample_ - first_sample);
    if (listener.use == Use::score) {
      keep_maps(listener, steps.first + t, one);
    } else {
      keep_neurons(listener, steps.first + t, one);
    }
  }
}

void ActivityTrace::keep_neurons(const Listener& listener, Index step, const Value& one) {
  WatchedNeurons& watched = watched_[listener.index];
  for (std::size_t i = 0; i < watched.neurons.size(); ++i) {
    const float number = number_at(one, watched.neurons[i]);
    if (listener.use == Use::spikes) {
      watched.spikes[i].resize(static_cast<std::size_t>(step) + 1);
      watched.spikes[i].back() = static_cast<int>(number);
    } else {
      watched.membrane[i].resize(static_cast<std::size_t>(step) + 1);
      watched.membrane[i].back() = number;
    }
  }
}

void ActivityTrace::keep_maps(const Listener& listener, Index step, const Value& one) {
  const Shape shape = spec_of(one).shape;
  const auto axes = shape.extents.size();
  if (axes < 2 || shape.count() == 0) {
    return;
  }
  AttentionMap map{
      listener.name, step, 0, shape.extents[axes - 2].size, shape.extents[axes - 1].size, 0, 0, {}};
  map.rows = std::min(map.queries, map_side);
  map.columns = std::min(map.keys, map_side);
  const Index heads = shape.count() / (map.queries * map.keys);
  for (map.head = 0; map.head < heads; ++map.head) {
    if (maps_kept_[listener.index] >= most_maps / maps_kept_.size()) {
      ++maps_left_out_;
      continue;
    }
    map.cells = shrunk(one, map.head * map.queries * map.keys, map);
    maps_.push_back(map);
    ++maps_kept_[listener.index];
  }
}

}  // namespace volley
