// Holds a model to recordings: in a free run, or node by node.
#include "models/exchange/verify.hpp"

#include <algorithm>
#include <cmath>

#include "models/exchange/threshold_distance.hpp"
#include "sim/base/check.hpp"
#include "sim/op/value_check.hpp"

namespace volley {
namespace {

// What one recording is compared with.
struct Comparison {
  const Recording& recording;
  Tensor got;  // f32, of the recording's shape
  bool is_spiking = false;
  const Operator* neuron = nullptr;  // nullptr: no membrane to follow
  Tensor currents = {};              // what it reads; only with a neuron
};

std::string place_of(Index neuron, const Shape& shape) {
  std::string all;
  for (const Extent& extent : shape.extents) {
    if (extent.axis != Axis::T && extent.axis != Axis::B) {
      const Index at = neuron / shape.stride(extent.axis) % extent.size;
      all += fmt::format("{}{}={}", all.empty() ? "" : " ", letter(extent.axis), at);
    }
  }
  return all;
}

std::optional<float> margin_of(const Comparison& one, Index step, Index cell) {
  if (one.neuron == nullptr) {
    return std::nullopt;
  }
  const auto x = one.currents.as<float>();
  const Index cells = one.currents.shape().stride(Axis::T);
  std::vector<float> inputs;
  for (Index t = 0; t <= step; ++t) {
    inputs.push_back(x[static_cast<std::size_t>(t * cells + cell)]);
  }
  return threshold_distance(*one.neuron, inputs);
}

NodeVerdict verdict_of(const Graph& graph, const Comparison& one) {
  constexpr std::string_view output_prefix = "output/";
  NodeVerdict verdict;
  verdict.node = one.recording.name.starts_with(output_prefix)
                     ? "output " + one.recording.name.substr(output_prefix.size())
                     : graph.port_name(one.recording.port);
  verdict.is_spiking = one.is_spiking;
  return verdict;
}

NodeVerdict compare(const Graph& graph, const Comparison& one, const VerifySettings& settings) {
  NodeVerdict verdict = verdict_of(graph, one);
  const Shape& shape = one.got.shape();
  VOLLEY_ASSERT(shape == one.recording.value.shape());
  const auto got = one.got.as<float>();
  const auto wanted = one.recording.value.as<float>();
  const Index cells = shape.stride(Axis::T);
  const Index sample_cells = shape.stride(Axis::B);
  const bool only_first = settings.node_by_node && one.is_spiking;
  std::vector<bool> differs(static_cast<std::size_t>(only_first ? cells : 0));
  for (Index i = 0; i < shape.count(); ++i) {
    const Index step = i / cells;
    const Index cell = i % cells;
    if (only_first && differs[static_cast<std::size_t>(cell)]) {
      continue;
    }
    ++verdict.compared;
    const float a = got[static_cast<std::size_t>(i)];
    const float b = wanted[static_cast<std::size_t>(i)];
    const float error = std::abs(a - b);
    verdict.largest_error = std::isnan(error) ? error : std::max(verdict.largest_error, error);
    if (error <= (one.is_spiking ? 0.0f : settings.tolerance)) {
      continue;
    }
    ++verdict.differing;
    if (only_first) {
      differs[static_cast<std::size_t>(cell)] = true;
    }
    const auto margin = only_first || !verdict.first ? margin_of(one, step, cell) : std::optional<float>();
    verdict.ties += only_first && margin && *margin < settings.tie ? 1 : 0;
    if (!verdict.first) {
      const Index neuron = cell % sample_cells;
      verdict.first = Mismatch{step, cell / sample_cells, neuron, place_of(neuron, shape), a, b, margin};
    }
  }
  return verdict;
}

// The neuron behind a port whose spikes are compared, and the port that it reads.
std::optional<Port> current_of(const Graph& graph, Port port) {
  if (!graph.op(port.node).kind().starts_with("neuron.") || port.output != 0) {
    return std::nullopt;
  }
  const std::vector<InEdge> edges = graph.in_edges(port.node);
  return edges.size() == 1 && edges[0].delay == 0 ? std::optional(edges[0].from) : std::nullopt;
}

RunSettings run_settings(const Model& model, const Golden& golden, const VerifySettings& settings) {
  RunSettings run;
  run.order = model.graph.loop().empty() ? Order::layered : Order::stepped;
  run.steps = golden.steps;
  run.batch = settings.batch;
  for (const Recording& recording : golden.recordings) {
    run.recorded.insert(recording.port);
    if (const auto current = current_of(model.graph, recording.port)) {
      run.recorded.insert(*current);
    }
  }
  return run;
}

Tensor as_floats_of(const Tensor& tensor) {
  if (tensor.dtype() == Dtype::f32) {
    return tensor;
  }
  return tensor_of(tensor.shape(), as_floats(array_of(tensor)));
}

std::vector<NodeVerdict> run_free(const Runtime& runtime, const Model& model, const Golden& golden,
                                  const VerifySettings& settings) {
  const RunSettings run = run_settings(model, golden, settings);
  Collector collector(run.recorded, 0, golden.data.samples());
  run_model(runtime, model, golden.data, run, collector, [](Index, Index) {});
  const Plan plan = make_plan(runtime, model, run, golden.steps, 1, false);
  std::vector<NodeVerdict> verdicts;
  for (const Recording& recording : golden.recordings) {
    const PlannedNode& node = plan.node(recording.port.node);
    Comparison one{recording, as_floats_of(collector.values().at(recording.port))};
    one.is_spiking = !node.out.at(recording.port.output).spec.is_dense();
    if (const auto current = current_of(model.graph, recording.port)) {
      one.neuron = node.op;
      one.currents = as_floats_of(collector.values().at(*current));
    }
    verdicts.push_back(compare(model.graph, one, settings));
  }
  return verdicts;
}

void refuse_delays(const Graph& graph) {
  for (const NodeId node : graph.order()) {
    for (const InEdge& edge : graph.in_edges(node)) {
      VOLLEY_CHECK(edge.delay == 0, Fault::usage,
                   "node by node takes no graph with delays, and '{}' reads '{}' {} steps late",
                   graph.node_name(node), graph.port_name(edge.from), edge.delay);
    }
  }
}

// May rounding decide whether it fires? Conversions and logic of spikes are exact.
bool has_threshold(const PlannedNode& node, std::span<const Value> in) {
  return !node.op->kind().starts_with("convert.") &&
         std::any_of(in.begin(), in.end(), [](const Value& value) { return spec_of(value).is_dense(); });
}

// Runs each node alone. Values: what was recorded, else what follows from that.
class NodeByNode {
 public:
  NodeByNode(const Plan& plan, const Golden& golden, const VerifySettings& settings)
      : plan_(plan), golden_(golden), settings_(settings) {}

  std::vector<NodeVerdict> run() {
    const auto inputs = golden_.data.batch(0, golden_.data.samples(), golden_.steps);
    std::map<std::string, NodeVerdict> verdicts;
    for (const PlannedNode& node : plan_.nodes()) {
      if (node.kernel == nullptr) {
        values_[{node.id, 0}] = inputs.at(node.id);
        continue;
      }
      run(node);
      for (const Recording& recording : golden_.recordings) {
        if (recording.port.node == node.id) {
          verdicts[recording.name] = judge(node, recording);
        }
      }
      feed(node);
    }
    std::vector<NodeVerdict> in_order;
    for (const Recording& recording : golden_.recordings) {
      if (const auto at = verdicts.find(recording.name); at != verdicts.end()) {
        in_order.push_back(at->second);
      }
    }
    return in_order;
  }

 private:
  void run(const PlannedNode& node) {
    in_.clear();
    Index steps = node.op->time_role() == TimeRole::spread ? golden_.steps : 1;
    in_doubt_ = {};
    for (const InEdge& edge : node.in) {
      in_.push_back(values_.at(edge.from));
      steps = std::max(steps, spec_of(in_.back()).shape.size_or(Axis::T, 1));
      if (const auto at = doubts_.find(edge.from); at != doubts_.end()) {
        in_doubt_ = at->second;
      }
    }
    out_.clear();
    std::vector<ValueSpec> in_specs;
    std::transform(in_.begin(), in_.end(), std::back_inserter(in_specs), spec_of);
    for (const PlannedValue& planned : node.out) {
      out_.push_back(planned.present ? make_value(planned.spec) : Value());
    }
    if (const auto* check = dynamic_cast<const ValueCheck*>(node.op)) {
      with_node_name(*node.op, node.name, [&] { check->check_values(in_); });
    }
    const auto state = node.op->make_state(in_specs);
    node.kernel->run({*node.op,
                      in_,
                      out_,
                      node.op->constants(),
                      state.get(),
                      {0, steps, steps},
                      plan_.backend(),
                      0,
                      node.key,
                      0});
  }

  NodeVerdict judge(const PlannedNode& node, const Recording& recording) {
    const Value& value = out_.at(recording.port.output);
    Comparison one{recording, as_floats_of(as_dense(value))};
    one.is_spiking = !spec_of(value).is_dense();
    if (const auto current = current_of(plan_.graph(), recording.port)) {
      one.neuron = node.op;
      one.currents = as_dense(values_.at(*current));
    }
    if (in_doubt_.empty()) {
      return compare(plan_.graph(), one, settings_);
    }
    NodeVerdict verdict = verdict_of(plan_.graph(), one);
    verdict.not_judged = fmt::format("spikes of '{}' are not recorded", in_doubt_);
    return verdict;
  }

  // What readers of the node get.
  void feed(const PlannedNode& node) {
    for (std::size_t output = 0; output < out_.size(); ++output) {
      const Port port{node.id, output};
      values_[port] = out_[output];
      const auto at = std::find_if(golden_.recordings.begin(), golden_.recordings.end(),
                                   [&](const Recording& one) { return one.port == port; });
      const bool is_spiking = is_present(out_[output]) && !spec_of(out_[output]).is_dense();
      if (at != golden_.recordings.end()) {
        values_[port] =
            is_spiking ? as_spikes(*at, std::get<SpikeTensor>(out_[output]).code()) : Value(at->value);
      } else if (!in_doubt_.empty()) {
        doubts_[port] = in_doubt_;
      } else if (is_spiking && has_threshold(node, in_)) {
        doubts_[port] = node.name;
      }
    }
  }

  static Value as_spikes(const Recording& recording, SpikeCode code) {
    try {
      return pack(recording.value, code);
    } catch (const Error& error) {
      fail(error.fault(), "array '{}': {}", recording.name, error.what());
    }
  }

  const Plan& plan_;
  const Golden& golden_;
  const VerifySettings& settings_;
  std::map<Port, Value> values_;
  std::map<Port, std::string> doubts_;  // values that a difference may have changed -> the neuron it is of
  std::vector<Value> in_, out_;         // of the node that runs
  std::string in_doubt_;                // what its inputs depend on; empty: on nothing that is not recorded
};

}  // namespace

const NodeVerdict* Verification::first() const {
  const NodeVerdict* earliest = nullptr;
  for (const NodeVerdict& node : nodes) {
    if (node.first && (earliest == nullptr || node.first->step < earliest->first->step)) {
      earliest = &node;
    }
  }
  return earliest;
}

Verification verify(const Runtime& runtime, const Model& model, const Golden& golden,
                    const VerifySettings& settings) {
  Verification result;
  if (settings.node_by_node) {
    refuse_delays(model.graph);
    const Plan plan = make_plan(runtime, model, run_settings(model, golden, settings), golden.steps,
                                golden.data.samples(), false);
    result.nodes = NodeByNode(plan, golden, settings).run();
  } else {
    result.nodes = run_free(runtime, model, golden, settings);
  }
  bool all_right = true;
  for (const NodeVerdict& node : result.nodes) {
    result.judged += node.not_judged.empty() ? 1 : 0;
    all_right = all_right && node.differing - (settings.allow_ties ? node.ties : 0) == 0;
  }
  result.passes = all_right && result.judged > 0;
  return result;
}

}  // namespace volley
