// The mask is an input of a changed graph; sets are samples of one run.
#include "cli/masked_runs.hpp"

#include <algorithm>

#include "sim/base/check.hpp"
#include "sim/graph/passes.hpp"
#include "sim/io/array.hpp"

namespace volley::cli {
namespace {

constexpr const char* mask_input = "volley.mask";
constexpr const char* mask_node = "volley.masked";

std::vector<Index> sizes_of(const Shape& shape) {
  std::vector<Index> sizes;
  for (const Extent& extent : shape.extents) {
    sizes.push_back(extent.size);
  }
  return sizes;
}

Index greatest_of(std::span<const float> row) {
  return std::ranges::max_element(row) - row.begin();
}

// "node" of "node" or "node:output" when it is the first output, else nothing.
bool reads(const std::string& from, const Graph& graph, NodeId node) {
  const std::string& name = graph.node_name(node);
  return from == name || from == name + ":" + std::string(graph.op(node).output_names().front());
}

NodeId maskable(const Graph& graph, const BuiltModel& built, Index tokens, const std::string& wanted,
                Index steps) {
  const auto specs = infer_specs(graph, 1, steps);
  const auto domains = infer_domains(graph);
  std::optional<NodeId> found;
  for (const NodeId node : graph.order()) {
    const std::string& name = graph.node_name(node);
    const bool is_written = std::ranges::find(built.description.nodes, name, &NodeDescription::name) !=
                            built.description.nodes.end();
    if (!is_written || (!wanted.empty() && name != wanted) ||
        specs[node].front().shape.size_or(Axis::N, 0) != tokens) {
      continue;
    }
    if (wanted.empty() && !found && domains[node] != Domain::steps) {
      found = node;
    } else if (!wanted.empty() || domains[node] == Domain::steps) {
      return node;
    }
  }
  VOLLEY_CHECK(found, Fault::usage, "{}: no node{} has {} tokens, so there is nothing to mask", graph.name,
               wanted.empty() ? "" : " '" + wanted + "'", tokens);
  return *found;
}

}  // namespace

MaskedRuns::MaskedRuns(const Session& session, const RunOptions& options, Index tokens, std::string node)
    : session_(session), node_(std::move(node)) {
  const Graph& graph = session.model.graph;
  steps_ = steps_of_run(session.model, session.data, session.settings);
  BuiltModel built = read_model(session.model.spec);
  const NodeId masked = maskable(graph, built, tokens, node_, steps_);
  node_ = graph.node_name(masked);
  shape_ = infer_specs(graph, 1, steps_)[masked].front().shape.without(Axis::T).without(Axis::B);
  per_step_ = infer_domains(graph)[masked] == Domain::steps;
  for (NodeDescription& each : built.description.nodes) {
    for (EdgeDescription& edge : each.in) {
      edge.from = reads(edge.from, graph, masked) ? mask_node : edge.from;
    }
  }
  for (OutputDescription& output : built.description.outputs) {
    output.from = reads(output.from, graph, masked) ? mask_node : output.from;
  }
  built.description.inputs.push_back({mask_input, {shape_, Form::spikes, SpikeCode{}}, per_step_});
  built.description.nodes.push_back(
      {mask_node, "merge.multiply", {{node_, 0, {}}, {mask_input, 0, {}}}, {}, {}});
  model_ = make_model(session.runtime, built, options.unfolded ? Folding::keep : Folding::fold);
  model_.spec = session.model.spec;
  const auto specs = infer_specs(model_.graph, 1, steps_);
  const Port output = model_.graph.outputs().front().from;
  const Shape& shape = specs[output.node][output.output].shape;
  VOLLEY_CHECK(shape.count() == shape.row() && shape.row() > 1, Fault::usage,
               "{}: output '{}' is {}, wanted one row of numbers to decide by", session.model.spec,
               model_.graph.outputs().front().name, text(shape));
}

InputData MaskedRuns::repeated(Index sample, const std::vector<Nodes>& masked) const {
  const Graph& graph = session_.model.graph;
  const auto count = static_cast<Index>(masked.size());
  Arrays arrays;
  for (const auto& [node, value] : session_.data.batch(sample, 1, steps_)) {
    const Tensor dense = as_dense(value);
    const auto& description = dynamic_cast<const InputOp&>(graph.op(node)).description();
    const Index numbers = dense.shape().count() / dense.shape()[Axis::T];
    std::vector<float> all;
    for (Index t = 0; t < dense.shape()[Axis::T]; ++t) {
      const auto step =
          dense.as<float>().subspan(static_cast<std::size_t>(t * numbers), static_cast<std::size_t>(numbers));
      for (Index i = 0; i < count; ++i) {
        all.insert(all.end(), step.begin(), step.end());
      }
    }
    std::vector<Index> sizes = sizes_of(description.type.shape);
    sizes.insert(sizes.begin(), count);
    if (description.per_step) {
      sizes.insert(sizes.begin(), dense.shape()[Axis::T]);
    }
    arrays[description.name] = array_of(std::move(sizes), all);
  }
  const Index stride = shape_.stride(Axis::N);
  const Index tokens = shape_[Axis::N];
  std::vector<float> mask;
  for (Index t = 0; t < (per_step_ ? steps_ : 1); ++t) {
    for (const Nodes& set : masked) {
      for (Index place = 0; place < shape_.count(); ++place) {
        const bool is_masked = std::ranges::find(set, place / stride % tokens) != set.end();
        mask.push_back(is_masked ? 0.0f : 1.0f);
      }
    }
  }
  std::vector<Index> sizes = sizes_of(shape_);
  sizes.insert(sizes.begin(), count);
  if (per_step_) {
    sizes.insert(sizes.begin(), steps_);
  }
  arrays[mask_input] = array_of(std::move(sizes), mask);
  return InputData(model_.graph, std::move(arrays), {}, session_.data.source());
}

std::vector<Index> MaskedRuns::decisions(Index sample, const std::vector<Nodes>& masked) const {
  const InputData data = repeated(sample, masked);
  RunSettings settings = session_.settings;
  settings.first = 0;
  settings.end = static_cast<Index>(masked.size());
  settings.recorded.clear();
  const Port output = model_.graph.outputs().front().from;
  Collector collector({output}, 0, *settings.end);
  run_model(session_.runtime, model_, data, settings, collector, [](Index, Index) {});
  const Tensor rows = as_dense(collector.values().at(output));
  const auto width = static_cast<std::size_t>(rows.shape().row());
  std::vector<Index> out;
  for (std::size_t i = 0; i < masked.size(); ++i) {
    out.push_back(greatest_of(rows.as<float>().subspan(i * width, width)));
  }
  return out;
}

std::optional<std::vector<Index>> loudest_tokens(const Session& session, const RunOptions& options) {
  const BuiltModel built = read_model(session.model.spec);
  const auto node_named = [&](const std::string& name) -> const NodeDescription* {
    const auto found = std::ranges::find(built.description.nodes, name, &NodeDescription::name);
    return found == built.description.nodes.end() ? nullptr : &*found;
  };
  const NodeDescription* head = node_named(built.description.outputs.front().from);
  const NodeDescription* mean =
      head != nullptr && head->op == "linear" ? node_named(head->in.front().from) : nullptr;
  if (mean == nullptr || mean->op != "readout.mean" || options.unfolded) {
    return std::nullopt;
  }
  const Graph& graph = session.model.graph;
  const Port before = graph.port(mean->in.front().from, "the readout");
  const Port output = graph.outputs().front().from;
  const Index samples = session.samples();
  RunSettings settings = session.settings;
  settings.recorded = {before, output};
  Collector collector(settings.recorded, settings.first, samples);
  run_model(session.runtime, session.model, session.data, settings, collector, [](Index, Index) {});
  const Tensor values = as_dense(collector.values().at(before));  // [T S N C]
  const Tensor rows = as_dense(collector.values().at(output));
  const Shape& shape = values.shape();
  const WeightTensor& weight = built.weights.at(head->weights.at("weight"));
  if (!shape.has(Axis::N) || shape.extents.size() != 4 || shape.row() != weight.sizes.back()) {
    return std::nullopt;
  }
  const Index tokens = shape[Axis::N];
  const Index channels = shape.row();
  const auto classes = static_cast<std::size_t>(rows.shape().row());
  std::vector<Index> out;
  for (Index s = 0; s < samples; ++s) {
    const Index winner =
        greatest_of(rows.as<float>().subspan(static_cast<std::size_t>(s) * classes, classes));
    std::vector<double> parts(static_cast<std::size_t>(tokens));
    for (Index t = 0; t < shape[Axis::T]; ++t) {
      for (Index n = 0; n < tokens; ++n) {
        const float* x = values.as<float>().data() + ((t * samples + s) * tokens + n) * channels;
        const float* w = weight.numbers.data() + winner * channels;
        for (Index c = 0; c < channels; ++c) {
          parts[n] += static_cast<double>(x[c]) * static_cast<double>(w[c]);
        }
      }
    }
    out.push_back(std::ranges::max_element(parts) - parts.begin());
  }
  return out;
}

}  // namespace volley::cli
