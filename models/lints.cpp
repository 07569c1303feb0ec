// What a reader of a paper would ask about a spiking model.
#include "models/lints.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "attention/bipolar_attention.hpp"
#include "attention/selection.hpp"
#include "attention/spike_attention.hpp"
#include "models/number_rules.hpp"
#include "neurons/lif_over_batch.hpp"

namespace volley {
namespace {

// Makes spikes of sums by a threshold, or of numbers by a code.
bool is_neuron(const Operator& op) {
  constexpr std::array<std::string_view, 4> others{"attention.cat_spikes", "attention.primal_scores",
                                                   "attention.running_spikes", "time.phase"};
  return op.kind().starts_with("neuron.") ||
         std::find(others.begin(), others.end(), op.kind()) != others.end();
}

bool is_layer(const Operator& op) {
  return op.kind() == "linear" || op.kind() == "conv2d";
}

// Without input its membrane never grows, and more input never makes it fire later.
bool is_monotone(const Operator& op) {
  constexpr std::array<std::string_view, 7> kinds{"neuron.if",      "neuron.lif",    "neuron.plif",
                                                  "neuron.ternary", "neuron.graded", "neuron.cuba_lif",
                                                  "neuron.adaptive"};
  return std::find(kinds.begin(), kinds.end(), op.kind()) != kinds.end();
}

// Everything that the search for findings needs to know.
class Finder {
 public:
  Finder(const Runtime& runtime, const Graph& graph, Index steps)
      : runtime_(runtime),
        graph_(graph),
        steps_(steps),
        sets_(infer_numbers(graph, number_rules(), steps)),
        domains_(infer_domains(graph)),
        behind_neuron_(graph.size(), false),
        before_neuron_(graph.size(), false) {
    const auto order = graph.order();
    for (const NodeId node : order) {
      for (const InEdge& edge : graph.in_edges(node)) {
        behind_neuron_[node] =
            behind_neuron_[node] || behind_neuron_[edge.from.node] || is_neuron(graph.op(edge.from.node));
      }
    }
    for (auto node = order.rbegin(); node != order.rend(); ++node) {
      for (const Graph::Reader& reader : graph.readers(*node)) {
        before_neuron_[*node] =
            before_neuron_[*node] || before_neuron_[reader.node] || is_neuron(graph.op(reader.node));
      }
    }
  }

  std::vector<Lint> all() {
    for (const NodeId node : graph_.order()) {
      const Operator& op = graph_.op(node);
      if (is_layer(op)) {
        look_at_layer(node);
      } else if (op.kind().starts_with("attention.")) {
        look_at_attention(node);
      } else if (op.kind() == LifOverBatch::op_kind) {
        tell("lif_over_batch", node,
             "its membrane passes from sample to sample: what a sample gives depends on the batch it is in");
      } else if (is_monotone(op)) {
        look_at_neuron(node);
      }
      look_for_readers(node);
    }
    return std::move(found_);
  }

 private:
  void tell(const char* code, NodeId node, std::string finding) {
    found_.push_back({code, graph_.node_name(node), std::move(finding)});
  }

  NumberSet input(NodeId node, std::size_t slot) const {
    return numbers_on(graph_.in_edges(node)[slot], sets_);
  }

  // The node that made the numbers: conversions and layouts only hand them on.
  NodeId maker(NodeId node) const {
    NodeId at = graph_.in_edges(node)[0].from.node;
    while (graph_.op(at).kind() == "convert.dense" || graph_.op(at).kind().starts_with("layout.")) {
      at = graph_.in_edges(at)[0].from.node;
    }
    return at;
  }

  bool reads_same_each_step(NodeId node) const {
    NodeId at = node;
    while (!graph_.in_edges(at).empty() && graph_.op(at).kind() != "encode.direct") {
      if (is_neuron(graph_.op(at)) || graph_.in_edges(at).size() > 1) {
        return false;
      }
      at = graph_.in_edges(at)[0].from.node;
    }
    return graph_.op(at).kind() == "encode.direct";
  }

  void look_at_layer(NodeId node) {
    const NumberSet in = input(node, 0);
    const std::string from = graph_.node_name(maker(node));
    const bool is_real = in.kind() == NumberKind::real || in.kind() == NumberKind::multiples;
    if (in.kind() == NumberKind::integer) {
      const bool is_residual = graph_.op(maker(node)).kind() == "merge.add";
      tell("integer_input", node,
           fmt::format("reads {} from {}'{}': a number c is c additions, not one", text(in),
                       is_residual ? "the residual sum " : "", from));
    } else if (is_real && !before_neuron_[node]) {
      tell("mac_head", node,
           fmt::format("is a MAC layer: it reads {} from '{}', and no neuron comes behind", text(in), from));
    } else if (is_real && behind_neuron_[node]) {
      tell("real_input", node,
           fmt::format("reads {} from '{}' inside the spiking part: multiplications, not additions", text(in),
                       from));
    } else if (is_real && domains_[node] == Domain::steps && reads_same_each_step(node)) {
      tell("repeated_first_layer", node,
           fmt::format(
               "multiplies the same {} in each of the {} steps; in front of encode.direct it would once",
               text(in), steps_));
    } else if (is_real) {
      tell("mac_first_layer", node,
           fmt::format("is a MAC layer: it reads {} from '{}', before any neuron", text(in), from));
    }
  }

  void look_at_attention(NodeId node) {
    const Operator& op = graph_.op(node);
    const auto kind_of = [&](std::size_t slot) { return name(input(node, slot).kind()); };
    const bool is_ssa = op.kind() == "attention.ssa";
    if (is_ssa && static_cast<const SpikeAttention&>(op).order() == SpikeAttention::Order::qk_v) {
      tell("integer_attention", node,
           fmt::format("the second product is integer x {}: q k^T is {}", kind_of(2),
                       text(sets_[node].at(1))));
    } else if (is_ssa || op.kind() == "attention.statten") {
      tell("integer_attention", node, fmt::format("the second product is {} x integer: k^T v", kind_of(0)));
    } else if (const auto product = real_product(op, node); behind_neuron_[node] && product) {
      tell("real_attention", node,
           fmt::format("{}, its product with {} numbers is MAC", product->what, kind_of(product->slot)));
    }
  }

  // A product of two real numbers in attention: what one of them is, and the input of the other.
  struct RealProduct {
    const char* what;
    std::size_t slot;
  };
  std::optional<RealProduct> real_product(const Operator& op, NodeId node) const {
    const std::string_view kind = op.kind();
    const auto is_dense = [&](std::size_t slot) {
      const NumberKind numbers = input(node, slot).kind();
      return numbers == NumberKind::real || numbers == NumberKind::multiples;
    };
    if (kind == "attention.softmax") {
      return RealProduct{"the score is real", 2};
    }
    if (const auto* bipolar = dynamic_cast<const BipolarAttention*>(&op)) {
      using Normalise = BipolarAttention::Normalise;
      const bool is_shift = bipolar->normalise() == Normalise::shiftmax;
      const bool is_integer = bipolar->normalise() == Normalise::none;
      return is_shift ? std::nullopt
                      : std::optional(
                            RealProduct{is_integer ? "the score is an integer" : "the score is real", 2});
    }
    if (const auto* select = dynamic_cast<const SelectiveAttention*>(&op)) {
      return !select->takes() ? std::optional(RealProduct{"the score is real", 2}) : std::nullopt;
    }
    if (kind == "attention.cat" && is_dense(1)) {  // of spikes they are additions
      return RealProduct{"the rolled softmax is real", 1};
    }
    if (kind == "attention.cat_logits") {
      return RealProduct{"the mean key is real", 0};
    }
    return kind == "attention.primal" ? std::optional(RealProduct{"the projections are real", 0})
                                      : std::nullopt;
  }

  // Constants of the bounds run through the neuron itself: what they can't, no input can.
  std::vector<bool> fires(const Operator& op, const std::vector<double>& constants) const {
    const auto channels = static_cast<Index>(constants.size());
    const Tensor x(Dtype::f32, {{Axis::T, steps_}, {Axis::B, 1}, {Axis::C, channels}});
    const auto numbers = x.as_mutable<float>();
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      numbers[i] = static_cast<float>(constants[i % constants.size()]);
    }
    const std::vector<ValueSpec> specs{spec_of(Value(x))};
    const auto out_specs = op.infer(specs, steps_);
    const Choice choice = runtime_.kernels.choose(op, specs, Device::cpu);
    const auto state = op.make_state(specs);
    const std::vector<Value> in{x};
    std::vector<Value> out(out_specs.size());
    out[0] = make_value(out_specs[0]);
    choice.kernel->run({op, in, out, op.constants(), state.get(), {0, steps_, steps_}, cpu_backend()});
    const auto& spikes = std::get<SpikeTensor>(out[0]);
    std::vector<bool> fired(constants.size(), false);
    for (Index row = 0; row < spikes.rows(); ++row) {
      for (Index c = 0; c < channels; ++c) {
        fired[static_cast<std::size_t>(c)] = fired[static_cast<std::size_t>(c)] || spikes.at(row, c) != 0;
      }
    }
    return fired;
  }

  void look_at_neuron(NodeId node) {
    const InEdge edge = graph_.in_edges(node)[0];
    const Operator& source = graph_.op(edge.from.node);
    ChannelBounds bounds;
    if (is_layer(source) && edge.delay == 0) {
      bounds = channel_bounds(source, input(edge.from.node, 0));
    } else if (const NumberSet in = numbers_on(edge, sets_); in.is_bounded()) {
      bounds = {{in.least}, {in.greatest}};
    }
    if (bounds.least.empty()) {
      return;
    }
    const auto high = fires(graph_.op(node), bounds.greatest);
    const auto low = fires(graph_.op(node), bounds.least);
    Index silent = 0;
    for (std::size_t c = 0; c < high.size(); ++c) {
      silent += high[c] || low[c] ? 0 : 1;
    }
    if (silent == 0) {
      return;
    }
    const NumberSet range{0, *std::min_element(bounds.least.begin(), bounds.least.end()),
                          *std::max_element(bounds.greatest.begin(), bounds.greatest.end())};
    const bool is_all = silent == static_cast<Index>(high.size());
    tell("unreachable_threshold", node,
         is_all ? fmt::format("can't reach its threshold in {} steps: its input is {}", steps_, text(range))
                : fmt::format("{} of {} channels can't reach the threshold in {} steps, whatever '{}' reads",
                              silent, high.size(), steps_, graph_.node_name(edge.from.node)));
  }

  void look_for_readers(NodeId node) {
    const auto& outputs = graph_.outputs();
    const bool is_output = std::any_of(outputs.begin(), outputs.end(),
                                       [&](const GraphOutput& output) { return output.from.node == node; });
    if (!is_output && graph_.readers(node).empty()) {
      tell("unread", node, "is read by nobody, yet it runs and is counted");
    }
  }

  const Runtime& runtime_;
  const Graph& graph_;
  Index steps_;
  std::vector<std::vector<NumberSet>> sets_;
  std::vector<Domain> domains_;
  std::vector<bool> behind_neuron_;
  std::vector<bool> before_neuron_;
  std::vector<Lint> found_;
};

}  // namespace

std::vector<Lint> quirk_lints(const std::map<std::string, std::string>& metadata) {
  std::vector<Lint> lints;
  for (const auto& [key, state] : metadata) {
    if (key.starts_with(quirk_key)) {
      lints.push_back({"published_quirk", "",
                       fmt::format("{} of the authors' code: {}; see volley import --compat",
                                   key.substr(quirk_key.size()), state)});
    }
  }
  return lints;
}

std::vector<Lint> find_lints(const Runtime& runtime, const Graph& graph, Index steps) {
  return Finder(runtime, graph, steps).all();
}

}  // namespace volley
