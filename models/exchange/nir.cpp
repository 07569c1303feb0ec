// Each NIR node becomes one or a few of ours.
#include "models/exchange/nir.hpp"

#include <algorithm>
#include <cmath>

#include "models/exchange/nir_node.hpp"
#include "sim/base/check.hpp"

namespace volley {
namespace {

class Importer {
 public:
  Importer(const NirFile& file, const NirOptions& options)
      : options_(options), network_(flatten_nir(file.graph)) {
    imported_.notes = network_.notes;
    imported_.model.description.name = "nir";
    signals_.resize(network_.nodes.size());
  }

  ImportedModel run() {
    for (std::size_t i = 0; i < network_.nodes.size(); ++i) {
      unit_ = &network_.nodes[i];
      try {
        signals_[i] = convert();
        check_size(signals_[i]);
      } catch (const Error& error) {
        throw Error(error.fault(), fmt::format("{} '{}': {}", unit_->node->type, unit_->name, error.what()));
      }
    }
    close_loops();
    return std::move(imported_);
  }

 private:
  NirNodeWriter writer() { return {imported_, *unit_}; }
  Description& description() { return imported_.model.description; }

  // --- what comes in: one signal; several are added ---
  NirSignal gathered() {
    std::vector<NirSignal> signals;
    for (const NirEdge& edge : unit_->in) {
      if (!edge.closes_loop) {
        signals.push_back(signals_[edge.from]);
        VOLLEY_CHECK(signals.back().same_shape(signals.front()), Fault::model,
                     "'{}' sends {}, another node {}", network_.nodes[edge.from].name, signals.back().text(),
                     signals.front().text());
      }
    }
    VOLLEY_CHECK(!signals.empty(), Fault::model, "has no input that comes from an Input");
    if (unit_->in.size() == 1) {
      return signals[0];
    }
    constexpr std::size_t most = 8;  // of merge.add
    VOLLEY_CHECK(unit_->in.size() <= most, Fault::model, "has {} edges coming in, wanted at most {}",
                 unit_->in.size(), most);
    NirSignal sum = signals[0];
    sum.from = writer().add(unit_->name + ".sum", "merge.add", signals);
    sum.delay = 0;
    sum.spikes = false;
    for (const NirEdge& edge : unit_->in) {
      if (edge.closes_loop) {
        loops_.push_back({description().nodes.size() - 1, edge.from, sum});
      }
    }
    return sum;
  }

  NirSignal convert() {
    const std::string& type = unit_->node->type;
    if (type == "Input") {
      return input();
    }
    const NirSignal in = gathered();
    if (type == "Output") {
      description().outputs.push_back({unit_->name, in.delay == 0 ? in.from : delayed(in)});
      return in;
    }
    if (type == "Delay") {
      return delay(in);
    }
    NirNodeWriter node = writer();
    const auto layer = write_nir_layer(node, in);
    return layer ? *layer : write_nir_neuron(node, in, options_);
  }

  std::string delayed(const NirSignal& in) {
    return writer().add(unit_->name + ".delayed", "layout.flatten", {in});
  }

  NirSignal input() {
    const auto sizes = as_integers(writer().array("shape"), "shape");
    VOLLEY_CHECK(!sizes.empty() && sizes.size() <= 3, Fault::model,
                 "shape is {}, wanted channels, channels and length, or channels, height and width",
                 volley::text(sizes));
    VOLLEY_CHECK(std::all_of(sizes.begin(), sizes.end(), [](Index n) { return n >= 1 && n <= 1 << 24; }),
                 Fault::model, "shape is {}", volley::text(sizes));
    NirSignal signal;
    signal.from = unit_->name;
    signal.channels = sizes[0];
    InputDescription input{unit_->name, {}, true};
    if (sizes.size() == 1) {
      input.type = signal.type();
      description().inputs.push_back(input);
      return signal;
    }
    signal.is_image = true;
    signal.height = sizes.size() == 3 ? sizes[1] : 1;
    signal.width = sizes.back();
    input.type.shape = {{Axis::C, signal.channels}, {Axis::Y, signal.height}, {Axis::X, signal.width}};
    description().inputs.push_back(input);
    signal.from =
        writer().add(unit_->name + ".channels_last", "layout.transpose", {signal}, {{"axes", "T B Y X C"}});
    return signal;
  }

  NirSignal delay(const NirSignal& in) {
    const auto times = writer().each("delay", in);
    VOLLEY_CHECK(times.size() == 1, Fault::model, "delays differ from place to place, wanted one for all");
    const double steps = times[0] / options_.dt;
    VOLLEY_CHECK(steps >= 0 && steps < 1e6 && std::abs(steps - std::round(steps)) < 1e-3, Fault::model,
                 "delay is {}, which is {} steps of dt {}, wanted a whole number", times[0], steps,
                 options_.dt);
    NirSignal out = in;
    out.delay += static_cast<Index>(std::round(steps));
    writer().note(fmt::format("delay of {} steps", out.delay - in.delay));
    return out;
  }

  static void check_size(const NirSignal& signal) {
    constexpr Index most = Index{1} << 31;
    const auto count = checked_bytes({signal.channels, signal.height, signal.width}, 1);
    VOLLEY_CHECK(count && *count >= 1 && *count <= most, Fault::model, "sends {}, wanted 1 to {} numbers",
                 signal.text(), most);
  }

  // --- edges that close a loop: their source is known now ---
  struct Loop {
    std::size_t node;  // place of our node
    std::size_t from;  // place in the network
    NirSignal target;
  };

  void close_loops() {
    for (const Loop& loop : loops_) {
      const NirSignal& source = signals_[loop.from];
      NodeDescription& node = description().nodes[loop.node];
      VOLLEY_CHECK(source.same_shape(loop.target), Fault::model, "'{}': a loop brings {}, wanted {}",
                   node.name, source.text(), loop.target.text());
      node.in.push_back({source.from, source.delay + 1, {source.type()}});
      imported_.notes.push_back(
          fmt::format("{}: what '{}' sends arrives one step later (loop)", node.name, source.from));
    }
  }

  const NirOptions& options_;
  NirNetwork network_;
  ImportedModel imported_;
  const NirUnit* unit_ = nullptr;
  std::vector<NirSignal> signals_;
  std::vector<Loop> loops_;
};

}  // namespace

ImportedModel import_nir(const NirFile& file, const NirOptions& options) {
  VOLLEY_CHECK(options.dt > 0 && std::isfinite(options.dt), Fault::usage, "dt is {}, wanted above 0",
               options.dt);
  return Importer(file, options).run();
}

}  // namespace volley
