// What one run remembers and where its values lie.
#include "sim/exec/simulation.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace volley {
namespace {

std::vector<std::span<std::byte>> bytes_of(const Value& value) {
  if (const auto* tensor = std::get_if<Tensor>(&value)) {
    return {{tensor->storage().data(), spec_of(value).bytes()}};
  }
  std::vector<std::span<std::byte>> all;
  const auto& spikes = std::get<SpikeTensor>(value);
  for (int p = 0; p < spikes.code().planes; ++p) {
    all.push_back(std::as_writable_bytes(spikes.plane_mutable(p)));
  }
  return all;
}

}  // namespace

DelayLine::DelayLine(const ValueSpec& step, Index delay) {
  for (Index i = 0; i < delay; ++i) {
    steps_.push_back(make_value(step));
  }
}

void DelayLine::reset() {
  for (const Value& step : steps_) {
    clear(step);
  }
}

void DelayLine::read(const Value& in, const Value& out) const {
  const Index count = spec_of(out).shape[Axis::T];
  const auto delay = static_cast<Index>(steps_.size());
  for (Index t = 0; t < count; ++t) {
    const Value from = t < delay ? steps_[static_cast<std::size_t>(t)] : steps_of(in, t - delay, 1);
    copy_into(from, steps_of(out, t, 1));
  }
}

void DelayLine::push(const Value& in) {
  for (Index t = 0; t < spec_of(in).shape[Axis::T]; ++t) {
    std::rotate(steps_.begin(), steps_.begin() + 1, steps_.end());
    copy_into(steps_of(in, t, 1), steps_.back());
  }
}

std::vector<std::span<std::byte>> DelayLine::bytes() {
  std::vector<std::span<std::byte>> all;
  for (const Value& step : steps_) {
    for (const auto part : bytes_of(step)) {
      all.push_back(part);
    }
  }
  return all;
}

Simulation::Simulation(const Plan& plan)
    : plan_(plan), arena_(plan.backend().memory().allocate(plan.arena_bytes())) {
  for (const PlannedNode& node : plan.nodes()) {
    states_[node.id] = node.op->make_state(node.in_specs);
    for (std::size_t output = 0; output < node.out.size(); ++output) {
      const PlannedValue& value = node.out[output];
      const bool is_own = value.present && node.kernel != nullptr;
      values_[{node.id, output}] = is_own ? make_value(value.spec, {arena_, value.offset}) : Value{};
    }
    for (std::size_t slot = 0; slot < node.in.size(); ++slot) {
      const ValueSpec& spec = node.in_specs[slot];
      if (node.in[slot].delay > 0) {
        ValueSpec step = spec;
        step.shape = spec.shape.with(Axis::T, 1);
        delayed_.insert({{node.id, slot}, {DelayLine(step, node.in[slot].delay), make_value(spec)}});
      }
    }
  }
}

void Simulation::reset() {
  for (const auto& [node, state] : states_) {
    if (state) {
      state->reset();
    }
  }
  for (auto& [key, edge] : delayed_) {
    edge.line.reset();
  }
}

std::vector<std::span<std::byte>> Simulation::all_state() {
  std::vector<std::span<std::byte>> all;
  for (const auto& [node, state] : states_) {
    if (state) {
      all.push_back(state->bytes());
    }
  }
  for (auto& [key, edge] : delayed_) {
    const auto parts = edge.line.bytes();
    all.insert(all.end(), parts.begin(), parts.end());
  }
  return all;
}

std::vector<std::byte> Simulation::save() {
  std::vector<std::byte> saved;
  for (const auto part : all_state()) {
    saved.insert(saved.end(), part.begin(), part.end());
  }
  return saved;
}

void Simulation::restore(std::span<const std::byte> saved) {
  for (const auto part : all_state()) {
    VOLLEY_ASSERT(saved.size() >= part.size());
    std::copy(saved.begin(), saved.begin() + static_cast<std::ptrdiff_t>(part.size()), part.begin());
    saved = saved.subspan(part.size());
  }
  VOLLEY_ASSERT(saved.empty());
}

}  // namespace volley
