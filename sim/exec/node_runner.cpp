// Runs one node of a simulation and tells the recorder.
#include "sim/exec/node_runner.hpp"

#include <algorithm>
#include <chrono>

#include "sim/base/check.hpp"

namespace volley {
namespace {

bool has_steps(const PlannedNode& node) {
  return node.domain == Domain::steps;
}

// Where step t stands in a value: a value of one step is the same in all.
Index place_of(const Value& value, Index t) {
  return !is_present(value) || spec_of(value).shape[Axis::T] == 1 ? 0 : t;
}

// Step t of a value, or the value itself when it has one step only.
Value at_step(const Value& value, Index t) {
  return !is_present(value) || spec_of(value).shape[Axis::T] == 1 ? value : steps_of(value, t, 1);
}

// One sample in all its steps: a copy, since they lie apart.
Value steps_of_sample(const Value& value, Index sample) {
  ValueSpec spec = spec_of(value);
  spec.shape = spec.shape.with(Axis::B, 1);
  Value out = make_value(spec);
  for (Index t = 0; t < spec.shape[Axis::T]; ++t) {
    copy_into(sample_of(steps_of(value, t, 1), sample), steps_of(out, t, 1));
  }
  return out;
}

}  // namespace

NodeRunner::NodeRunner(Simulation& simulation, const RunInput& input, Recorder& recorder)
    : simulation_(simulation), input_(input), recorder_(recorder) {}

Value NodeRunner::input_of(const PlannedNode& node, StepRange steps) const {
  const Value& all = input_.values.at(node.id);
  return has_steps(node) ? steps_of(all, steps.first, steps.count) : all;
}

std::vector<Value> NodeRunner::values_in(const PlannedNode& node) {
  std::vector<Value> in;
  for (std::size_t slot = 0; slot < node.in.size(); ++slot) {
    const InEdge& edge = node.in[slot];
    if (edge.delay == 0) {
      in.push_back(simulation_.value(edge.from));
      continue;
    }
    Simulation::DelayedEdge& delayed = simulation_.delayed().at({node.id, slot});
    if (simulation_.plan().options().chunk > 1) {
      delayed.line.read(simulation_.value(edge.from), delayed.out);
    }
    in.push_back(delayed.out);
  }
  return in;
}

void NodeRunner::begin_steps() {
  if (simulation_.plan().options().chunk == 1) {
    for (auto& [key, edge] : simulation_.delayed()) {
      edge.line.read({}, edge.out);
    }
  }
}

void NodeRunner::end_steps() {
  for (auto& [key, edge] : simulation_.delayed()) {
    const InEdge& in = simulation_.plan().node(key.first).in[key.second];
    edge.line.push(simulation_.value(in.from));
  }
}

void NodeRunner::run(const PlannedNode& node, StepRange steps) {
  if (node.kernel == nullptr) {
    simulation_.value({node.id, 0}) = input_of(node, steps);
    record(node, steps, std::span(&simulation_.value({node.id, 0}), 1));
    return;
  }
  const std::vector<Value> in = values_in(node);
  std::vector<Value> out;
  for (std::size_t output = 0; output < node.out.size(); ++output) {
    out.push_back(simulation_.value({node.id, output}));
  }
  if (node.value_check != nullptr) {
    with_node_name(*node.op, simulation_.plan().graph().node_name(node.id),
                   [&] { node.value_check->check_values(in); });
  }
  const auto begin = std::chrono::steady_clock::now();
  node.kernel->run({*node.op, in, out, node.op->constants(), simulation_.state(node.id), steps,
                    simulation_.plan().backend(), input_.seed, node.key, input_.first_sample});
  if (recorder_.wants_time()) {
    simulation_.plan().backend().finish();
    const auto spent = std::chrono::steady_clock::now() - begin;
    recorder_.on_time(node.id, steps, std::chrono::duration_cast<std::chrono::nanoseconds>(spent).count());
  }
  record(node, steps, out);
  if (recorder_.wants_cost()) {
    count(node, steps, in, out);
  }
  if (recorder_.wants_products()) {
    count_products(node, steps, in);
  }
}

void NodeRunner::record(const PlannedNode& node, StepRange steps, std::span<const Value> out) {
  const bool is_there = node.domain == node.runs || steps.is_last();
  for (std::size_t output = 0; output < out.size(); ++output) {
    const Port port{node.id, output};
    if (is_there && is_present(out[output]) && recorder_.wants_value(port)) {
      recorder_.on_value(port, has_steps(node) ? steps : StepRange{0, 1, 1}, input_.first_sample,
                         out[output]);
    }
  }
}

void NodeRunner::count_products(const PlannedNode& node, StepRange steps, std::span<const Value> in) {
  const Index first = node.runs == Domain::steps ? steps.first : 0;
  const Index calls = node.runs == Domain::steps ? steps.count : 1;
  const bool all_at_once = node.op->time_use() == TimeUse::window;  // told with the first step
  for (Index t = 0; t < (all_at_once ? 1 : calls); ++t) {
    for (Index sample = 0; sample < simulation_.plan().options().batch; ++sample) {
      std::vector<Value> one;
      for (const Value& value : in) {
        one.push_back(all_at_once ? steps_of_sample(value, sample) : sample_of(at_step(value, t), sample));
      }
      const std::vector<Product> products = node.op->products(one);
      if (!products.empty()) {
        recorder_.on_products(node.id, first + t, input_.first_sample + sample, products);
      }
    }
  }
}

void NodeRunner::keep_activity(Port port, Index place, const Activity& activity) {
  std::vector<Activity>& kept = counted_[port];
  kept.resize(std::max(kept.size(), static_cast<std::size_t>(place) + 1));
  kept[static_cast<std::size_t>(place)] = activity;
}

Activity NodeRunner::activity_in(const PlannedNode& node, std::size_t slot, const Value& value,
                                 Index t) const {
  const auto axes = node.op->activity_axes(slot);
  const auto place = static_cast<std::size_t>(place_of(value, t));
  const auto at = counted_.find(node.in[slot].from);
  const bool is_counted = at != counted_.end() && place < at->second.size() && axes.empty();
  return is_counted && node.in[slot].delay == 0 ? at->second[place] : activity_of(at_step(value, t), axes);
}

void NodeRunner::count(const PlannedNode& node, StepRange steps, std::span<const Value> in,
                       std::span<const Value> out) {
  const Index first = node.runs == Domain::steps ? steps.first : 0;
  const Index calls = node.runs == Domain::steps ? steps.count : 1;
  for (Index t = 0; t < calls; ++t) {
    std::vector<Activity> in_activity;
    std::vector<Activity> out_activity;
    for (std::size_t slot = 0; slot < in.size(); ++slot) {
      in_activity.push_back(activity_in(node, slot, in[slot], t));
    }
    const bool is_there = node.domain == node.runs || first + t + 1 == steps.total;
    for (std::size_t output = 0; output < out.size(); ++output) {
      const bool seen = is_there && is_present(out[output]);
      out_activity.push_back(seen ? activity_of(at_step(out[output], t), {})
                                  : Activity{node.out[output].spec, 0, {}});
      if (seen) {
        keep_activity({node.id, output}, place_of(out[output], t), out_activity.back());
      }
    }
    recorder_.on_cost(node.id, first + t, node.op->cost(in_activity, out_activity), in_activity,
                      out_activity);
  }
}

}  // namespace volley
