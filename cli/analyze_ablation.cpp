// Runs a model whose attention nodes see their own group alone.
#include "cli/analyze_ablation.hpp"

#include <algorithm>
#include <limits>

#include "sim/base/check.hpp"

namespace volley::cli {
namespace {

// The output of one number a class, and its port.
Port logits_port(const Session& session, const std::string& source) {
  VOLLEY_CHECK(!session.data.labels().empty(), Fault::model,
               "{} has no labels: what a cut does to the accuracy can't be told", session.data.source());
  const auto specs =
      infer_specs(session.model.graph, 1, steps_of_run(session.model, session.data, session.settings));
  for (const GraphOutput& output : session.model.graph.outputs()) {
    const ValueSpec& spec = specs[output.from.node][output.from.output];
    if (spec.is_dense() && spec.shape.count() > 1 && spec.shape.row() == spec.shape.count()) {
      return output.from;
    }
  }
  fail(Fault::model, "{}: no output is a number for each class", source);
}

Outcome outcome_of(const Session& session, const Tensor& logits) {
  const auto numbers = logits.as<float>();
  const Index classes = logits.shape().row();
  Outcome outcome;
  for (Index s = 0; s < session.samples(); ++s) {
    const Index label = session.data.labels()[session.settings.first + s];
    VOLLEY_CHECK(label >= 0 && label < classes, Fault::model, "{}: label {} isn't one of {} classes",
                 session.data.source(), label, classes);
    double other = -std::numeric_limits<double>::infinity();
    for (Index c = 0; c < classes; ++c) {
      other = c == label ? other : std::max(other, static_cast<double>(numbers[s * classes + c]));
    }
    outcome.margins.push_back(numbers[s * classes + label] - other);
  }
  // As `run` counts it: the first of equal logits is the answer.
  outcome.accuracy = accuracy(logits, session.data.labels(), session.settings.first).value_or(0);
  return outcome;
}

// Sizes of the groups in the order of the tokens.
std::vector<double> segments_of(const TokenLabels& labels) {
  std::vector<double> sizes;
  std::vector<Index> seen;
  for (std::size_t token = 0; token < labels.group.size(); ++token) {
    if (token == 0 || labels.group[token] != labels.group[token - 1]) {
      VOLLEY_CHECK(std::ranges::find(seen, labels.group[token]) == seen.end(), Fault::usage,
                   "tokens of '{}' don't stand together: only neighbours can be cut apart",
                   labels.names[labels.group[token]]);
      seen.push_back(labels.group[token]);
      sizes.push_back(0);
    }
    ++sizes.back();
  }
  return sizes;
}

}  // namespace

std::vector<LayerMatrices> maps_and_outcome(const MapOptions& options, std::optional<Outcome>& outcome) {
  VOLLEY_CHECK(!options.run.input.empty(), Fault::usage, "{}: a model needs --input DATA", options.source);
  Session session = open_session(options.source, options.run);
  const Port logits = logits_port(session, options.source);
  Collector collector({logits}, session.settings.first, session.samples());
  auto maps = run_layer_matrices(session, options, Wanted::maps, &collector);
  outcome = outcome_of(session, collector.values().at(logits));
  return maps;
}

Outcome outcome_when_cut(const MapOptions& options, const std::vector<std::string>& layers,
                         const TokenLabels& labels) {
  BuiltModel built = read_model(options.source);
  const std::vector<double> segments = segments_of(labels);
  for (NodeDescription& node : built.description.nodes) {
    if (std::ranges::find(layers, node.name) != layers.end()) {
      VOLLEY_CHECK(node.op == "attention.softmax" || node.op == "attention.ssa", Fault::usage,
                   "{} '{}' can't be cut: attention.softmax and attention.ssa can", node.op, node.name);
      node.attributes["segments"] = segments;
    }
  }
  Session session = open_session(options.source, options.run);
  session.model = make_model(session.runtime, built, options.run.unfolded ? Folding::keep : Folding::fold);
  if (options.run.weights == "i8") {
    round_model(session.model);
  }
  session.data = open_data(options.run.input, session.model.graph, options.run);
  const Port logits = logits_port(session, options.source);
  Collector collector({logits}, session.settings.first, session.samples());
  run_model(session.runtime, session.model, session.data, session.settings, collector,
            progress_on_stderr("cut"));
  return outcome_of(session, collector.values().at(logits));
}

}  // namespace volley::cli
