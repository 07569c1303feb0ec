// Runs one node of a simulation and tells the recorder.
#include "sim/exec/node_runner.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>

#include "sim/base/check.hpp"

namespace volley {
namespace {

bool has_steps(const PlannedNode& node) {
  return node.domain == Domain::steps;
}

Index steps_in(const Value& value) {
  return is_present(value) ? shape_of(value)[Axis::T] : 1;
}

// Where step t stands in a value: a value of one step is the same in all.
Index place_of(const Value& value, Index t) {
  return steps_in(value) == 1 ? 0 : t;
}

// Step t of a value, or the value itself when it has one step only.
Value at_step(const Value& value, Index t) {
  return steps_in(value) == 1 ? value : steps_of(value, t, 1);
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

// Stands in front of a sink and counts the numbers that are not 0, step by step.
class StripCounter {
 public:
  explicit StripCounter(Index steps) : counts_(static_cast<std::size_t>(steps)) {}

  StripSink around(const StripSink& sink) {
    sink_ = sink;
    return {this, [](const void* counter, const Strip& strip) {
              static_cast<const StripCounter*>(counter)->take(strip);
            }};
  }
  Index count(Index t) const { return counts_[static_cast<std::size_t>(t)]; }

 private:
  void take(const Strip& strip) const {
    for (std::size_t t = 0; t < counts_.size(); ++t) {
      Index count = 0;
      for (Index i = 0; i < strip.rows; ++i) {
        const float* x = strip.x + i * strip.row_stride + static_cast<Index>(t) * strip.step_stride;
        count += std::count_if(x, x + strip.columns, [](float number) { return number != 0.0f; });
      }
      counts_[t] += count;
    }
    sink_.take(sink_.neurons, strip);
  }

  StripSink sink_;
  mutable std::vector<std::atomic<Index>> counts_;
};

}  // namespace

NodeRunner::NodeRunner(Simulation& simulation, const RunInput& input, Recorder& recorder)
    : simulation_(simulation),
      input_(input),
      recorder_(recorder),
      wants_time_(recorder.wants_time()),
      wants_cost_(recorder.wants_cost()),
      wants_products_(recorder.wants_products()),
      passes_over_silence_(simulation.plan().options().passes_over_silence),
      nodes_(simulation.plan().nodes().size()) {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const PlannedNode& node = simulation_.plan().nodes()[i];
    node_of_[node.id] = &nodes_[i];
    prepare(node, nodes_[i]);
    of_domain_[static_cast<std::size_t>(node.runs)].push_back(&nodes_[i]);
  }
  for (PreparedNode& prepared : nodes_) {
    connect(prepared);
  }
}

void NodeRunner::prepare(const PlannedNode& node, PreparedNode& prepared) {
  prepared.node = &node;
  prepared.state = simulation_.state(node.id);
  prepared.counted.resize(node.out.size());
  prepared.may_be_passed = passes_over_silence_ && node.may_be_passed;
  for (std::size_t output = 0; output < node.out.size(); ++output) {
    prepared.out.push_back(simulation_.value({node.id, output}));
    const bool is_there = node.kernel == nullptr || is_present(prepared.out.back());
    if (is_there && recorder_.wants_value({node.id, output})) {
      prepared.recorded.push_back(output);
    }
  }
}

void NodeRunner::connect(PreparedNode& prepared) {
  const PlannedNode& node = *prepared.node;
  if (node.layer) {
    prepared.layer = &nodes_[*node.layer];
  }
  for (std::size_t slot = 0; slot < node.in.size(); ++slot) {
    const InEdge& edge = node.in[slot];
    PreparedNode* source = node_of_.at(edge.from.node);
    prepared.slots.push_back({source, edge.from.output, nullptr});
    if (edge.delay > 0) {
      Simulation::DelayedEdge& delayed = simulation_.delayed().at({node.id, slot});
      prepared.slots.back().delayed = &delayed;
      prepared.in.push_back(delayed.out);
      delayed_.push_back({&delayed, source, &simulation_.value(edge.from)});
      continue;
    }
    prepared.in.push_back(simulation_.value(edge.from));
    if (edge.from.output == 0) {
      source->readers.push_back({&prepared, slot});
      source->is_watched = source->is_watched || prepared.may_be_passed;
    }
  }
}

void NodeRunner::run_all(Domain domain, StepRange steps) {
  for (PreparedNode* prepared : of_domain_[static_cast<std::size_t>(domain)]) {
    run(*prepared, steps);
  }
}

void NodeRunner::begin_steps() {
  if (simulation_.plan().options().chunk == 1) {
    for (const Delayed& delayed : delayed_) {
      delayed.edge->line.read({}, delayed.edge->out);
    }
  }
}

void NodeRunner::end_steps() {
  for (const Delayed& delayed : delayed_) {
    write_silence(*delayed.source);
    delayed.edge->line.push(*delayed.value);
  }
}

void NodeRunner::settle() {
  for (PreparedNode& prepared : nodes_) {
    pay(prepared);
  }
}

void NodeRunner::run(PreparedNode& prepared, StepRange steps) {
  if (prepared.node->kernel == nullptr) {
    take_input(prepared, steps);
    record(prepared, steps);
    return;
  }
  if (prepared.node->is_fused) {  // runs with its neurons
    return;
  }
  if (prepared.may_be_passed && reads_silence(prepared)) {
    prepared.owed += prepared.state != nullptr ? steps.count : 0;
    prepared.is_silent = true;
    prepared.is_written = false;
  } else {
    call(prepared, steps);
  }
  if (prepared.layer != nullptr) {
    listen(*prepared.layer, steps);
  }
  listen(prepared, steps);
}

void NodeRunner::take_input(PreparedNode& prepared, StepRange steps) {
  const NodeId id = prepared.node->id;
  const Value& all = input_.values.at(id);
  Value& value = simulation_.value({id, 0});
  value = has_steps(*prepared.node) ? steps_of(all, steps.first, steps.count) : all;
  prepared.out[0] = value;
  for (const PreparedNode::Reader& reader : prepared.readers) {
    reader.node->in[reader.slot] = value;
  }
  prepared.is_silent = prepared.is_watched && is_silent(value);
}

// Brings what the node reads up to date.
void NodeRunner::fetch(PreparedNode& prepared) {
  const PlannedNode& node = *prepared.node;
  for (std::size_t slot = 0; slot < prepared.slots.size(); ++slot) {
    const PreparedNode::Slot& from = prepared.slots[slot];
    if (from.delayed == nullptr) {
      write_silence(*from.source);
    } else if (simulation_.plan().options().chunk > 1) {
      from.delayed->line.read(simulation_.value(node.in[slot].from), from.delayed->out);
    }
  }
  if (node.value_check != nullptr) {
    with_node_name(*node.op, node.name, [&] { node.value_check->check_values(prepared.in); });
  }
}

void NodeRunner::call(PreparedNode& prepared, StepRange steps) {
  pay(prepared);
  fetch(prepared.layer == nullptr ? prepared : *prepared.layer);
  if (wants_time_) {
    const auto begin = std::chrono::steady_clock::now();
    call_kernel(prepared, steps);
    simulation_.plan().backend().finish();
    const auto spent = std::chrono::steady_clock::now() - begin;
    // The neurons' share of a fused call is not known: the layer has it all.
    const PreparedNode& told = prepared.layer == nullptr ? prepared : *prepared.layer;
    recorder_.on_time(told.node->id, steps,
                      std::chrono::duration_cast<std::chrono::nanoseconds>(spent).count());
  } else {
    call_kernel(prepared, steps);
  }
  prepared.is_written = true;
  prepared.is_silent = prepared.is_watched && is_silent(prepared.out[0]);
}

void NodeRunner::call_kernel(PreparedNode& prepared, StepRange steps) {
  const auto call_of = [&](const PreparedNode& of) {
    const PlannedNode& node = *of.node;
    return Call{*node.op,
                of.in,
                of.out,
                node.op->constants(),
                of.state,
                steps,
                simulation_.plan().backend(),
                input_.seed,
                node.key,
                input_.first_sample};
  };
  if (prepared.layer == nullptr) {
    prepared.node->kernel->run(call_of(prepared));
    return;
  }
  PreparedNode& layer = *prepared.layer;
  const Call layer_call = call_of(layer);
  // Whoever counts wants the current's numbers that are not 0, in each step.
  StripCounter counter(steps.count);
  prepared.node->kernel->run_fed(call_of(prepared), [&](const StripSink& sink) {
    layer.node->kernel->run_into(layer_call, wants_cost_ ? counter.around(sink) : sink);
  });
  if (wants_cost_) {
    ValueSpec step = layer.node->out[0].spec;
    step.shape = step.shape.with(Axis::T, 1);
    layer.counted[0].clear();
    for (Index t = 0; t < steps.count; ++t) {
      layer.counted[0].push_back({step, counter.count(t), {}});
    }
  }
}

void NodeRunner::listen(PreparedNode& prepared, StepRange steps) {
  if (prepared.recorded.empty() && !wants_cost_ && !wants_products_) {
    return;
  }
  write_silence(prepared);
  for (const PreparedNode::Slot& from : prepared.slots) {
    write_silence(*from.source);
  }
  record(prepared, steps);
  if (wants_cost_) {
    count(prepared, steps);
  }
  if (wants_products_) {
    count_products(prepared, steps);
  }
}

// A value behind a delay, or a second output, is looked at anew.
bool NodeRunner::reads_silence(const PreparedNode& prepared) const {
  for (std::size_t slot = 0; slot < prepared.slots.size(); ++slot) {
    const PreparedNode::Slot& from = prepared.slots[slot];
    const bool is_known = from.delayed == nullptr && from.output == 0;
    if (!(is_known ? from.source->is_silent : is_silent(prepared.in[slot]))) {
      return false;
    }
  }
  return true;
}

void NodeRunner::pay(PreparedNode& prepared) {
  if (prepared.owed > 0) {
    prepared.node->op->idle(*prepared.state, prepared.owed);
    prepared.owed = 0;
  }
}

void NodeRunner::write_silence(PreparedNode& prepared) {
  if (!prepared.is_written) {
    clear(prepared.out[0]);
    prepared.is_written = true;
  }
}

void NodeRunner::record(const PreparedNode& prepared, StepRange steps) {
  const PlannedNode& node = *prepared.node;
  if (node.domain != node.runs && !steps.is_last()) {
    return;
  }
  for (const std::size_t output : prepared.recorded) {
    recorder_.on_value({node.id, output}, has_steps(node) ? steps : StepRange{0, 1, 1}, input_.first_sample,
                       prepared.out[output]);
  }
}

void NodeRunner::count_products(const PreparedNode& prepared, StepRange steps) {
  const PlannedNode& node = *prepared.node;
  if (prepared.layer != nullptr) {  // neurons multiply nothing, and the current is not there
    return;
  }
  const Index first = node.runs == Domain::steps ? steps.first : 0;
  const Index calls = node.runs == Domain::steps ? steps.count : 1;
  const bool all_at_once = node.op->time_use() == TimeUse::window;  // told with the first step
  for (Index t = 0; t < (all_at_once ? 1 : calls); ++t) {
    for (Index sample = 0; sample < simulation_.plan().options().batch; ++sample) {
      std::vector<Value> one;
      for (const Value& value : prepared.in) {
        one.push_back(all_at_once ? steps_of_sample(value, sample) : sample_of(at_step(value, t), sample));
      }
      const std::vector<Product> products = node.op->products(one);
      if (!products.empty()) {
        recorder_.on_products(node.id, first + t, input_.first_sample + sample, products);
      }
    }
  }
}

// What the writer of an edge counted serves its readers.
Activity NodeRunner::activity_in(const PreparedNode& prepared, std::size_t slot, Index t) const {
  const Value& value = prepared.in[slot];
  const auto axes = prepared.node->op->activity_axes(slot);
  const PreparedNode::Slot& from = prepared.slots[slot];
  const std::vector<Activity>& counted = from.source->counted[from.output];
  if (!is_present(value)) {  // the current of a fused layer
    return counted[static_cast<std::size_t>(t)];
  }
  const auto place = static_cast<std::size_t>(place_of(value, t));
  const bool is_counted = place < counted.size() && axes.empty() && from.delayed == nullptr;
  return is_counted ? counted[place] : activity_of(at_step(value, t), axes);
}

void NodeRunner::count(PreparedNode& prepared, StepRange steps) {
  const PlannedNode& node = *prepared.node;
  const Index first = node.runs == Domain::steps ? steps.first : 0;
  const Index calls = node.runs == Domain::steps ? steps.count : 1;
  for (Index t = 0; t < calls; ++t) {
    std::vector<Activity> in_activity;
    std::vector<Activity> out_activity;
    for (std::size_t slot = 0; slot < prepared.in.size(); ++slot) {
      in_activity.push_back(activity_in(prepared, slot, t));
    }
    const bool is_there = node.domain == node.runs || first + t + 1 == steps.total;
    for (std::size_t output = 0; output < prepared.out.size(); ++output) {
      const Value& value = prepared.out[output];
      if (node.is_fused) {
        out_activity.push_back(prepared.counted[output][static_cast<std::size_t>(t)]);
        continue;
      }
      const bool seen = is_there && is_present(value);
      out_activity.push_back(seen ? activity_of(at_step(value, t), {})
                                  : Activity{node.out[output].spec, 0, {}});
      if (seen) {
        std::vector<Activity>& counted = prepared.counted[output];
        const auto place = static_cast<std::size_t>(place_of(value, t));
        counted.resize(std::max(counted.size(), place + 1));
        counted[place] = out_activity.back();
      }
    }
    recorder_.on_cost(node.id, first + t, node.op->cost(in_activity, out_activity), in_activity,
                      out_activity);
  }
}

}  // namespace volley
