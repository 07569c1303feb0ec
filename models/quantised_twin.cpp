// From a dense model to its quantised twin.
#include "models/quantised_twin.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "sim/base/check.hpp"
#include "sim/ops/conv2d.hpp"
#include "sim/ops/linear.hpp"
#include "sim/ops/quantise.hpp"

namespace volley {
namespace {

constexpr Index fewest_bits = 2;
constexpr Index most_bits = 16;
constexpr std::size_t bins = 4096;  // of |x|, from 0 to the greatest one
constexpr std::size_t clips = 256;  // places for the greatest level that least squares tries

struct Seen {
  float greatest = 0;  // |x|
  bool is_negative = false;
  std::array<Index, bins> counts{};
};

// Hears the numbers of some ports: in the first run their range, in the second how often each occurs.
class Observer final : public Recorder {
 public:
  explicit Observer(std::set<Port> ports) : ports_(std::move(ports)) {}

  bool wants_value(Port port) const override { return ports_.contains(port); }
  void on_value(Port port, StepRange, Index, const Value& value) override {
    const auto* tensor = std::get_if<Tensor>(&value);
    if (tensor == nullptr || tensor->dtype() != Dtype::f32) {
      return;
    }
    Seen& seen = seen_[port];
    for (const float number : tensor->as<float>()) {
      if (!std::isfinite(number)) {
        continue;
      }
      if (!counts_) {
        seen.greatest = std::max(seen.greatest, std::abs(number));
        seen.is_negative = seen.is_negative || number < 0.0f;
      } else if (seen.greatest > 0.0f) {
        const auto bin = static_cast<std::size_t>(std::abs(number) / seen.greatest * float{bins});
        ++seen.counts[std::min(bin, bins - 1)];
      }
    }
  }
  void count_now() { counts_ = true; }
  const std::map<Port, Seen>& seen() const { return seen_; }

 private:
  std::set<Port> ports_;
  std::map<Port, Seen> seen_;
  bool counts_ = false;
};

float clip_of_percentile(const Seen& seen, double percentile) {
  Index total = 0;
  for (const Index count : seen.counts) {
    total += count;
  }
  const double wanted = percentile / 100.0 * static_cast<double>(total);
  Index below = 0;
  for (std::size_t bin = 0; bin < bins; ++bin) {
    below += seen.counts[bin];
    if (static_cast<double>(below) >= wanted) {
      return seen.greatest * static_cast<float>(bin + 1) / float{bins};
    }
  }
  return seen.greatest;
}

float clip_of_least_squares(const Seen& seen, float highest) {
  float best = seen.greatest;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t i = clips; i > 0; --i) {
    const float clip = seen.greatest * static_cast<float>(i) / float{clips};
    double error = 0;
    for (std::size_t bin = 0; bin < bins; ++bin) {
      const float number = seen.greatest * (static_cast<float>(bin) + 0.5f) / float{bins};
      const double off = static_cast<double>(number - quantised(number, clip / highest, 0.0f, highest));
      error += static_cast<double>(seen.counts[bin]) * off * off;
    }
    if (error < least) {
      least = error;
      best = clip;
    }
  }
  return best;
}

Attributes attributes_of(const Seen& seen, const QuantiseOptions& options) {
  const bool is_signed = seen.is_negative;
  const auto highest = static_cast<float>(highest_level(options.activation_bits, is_signed));
  float clip = seen.greatest;
  if (options.calibration == Calibration::percentile) {
    clip = clip_of_percentile(seen, options.percentile);
  } else if (options.calibration == Calibration::least_squares) {
    clip = clip_of_least_squares(seen, highest);
  }
  const float scale = clip / highest;
  return {{"bits", static_cast<double>(options.activation_bits)},
          {"scale", static_cast<double>(scale > 0.0f ? scale : 1.0f)},  // a value that is always 0
          {"signed", is_signed}};
}

void round_weight(WeightTensor& weight, Index bits) {
  const auto channels = static_cast<std::size_t>(weight.sizes[0]);
  const std::size_t size = weight.numbers.size() / channels;
  const auto highest = static_cast<float>(highest_level(bits, true));
  for (std::size_t o = 0; o < channels; ++o) {
    const auto channel = std::span(weight.numbers.own()).subspan(o * size, size);
    float greatest = 0;
    for (const float number : channel) {
      greatest = std::max(greatest, std::abs(number));
    }
    const float scale = greatest / highest;
    if (scale > 0.0f) {
      std::transform(channel.begin(), channel.end(), channel.begin(),
                     [&](float number) { return quantised(number, scale, -highest, highest); });
    }
  }
}

std::string free_name(const Description& description, const std::string& from) {
  std::string name = from + ".quantise";
  std::replace(name.begin(), name.end(), ':', '.');
  const auto is_taken = [&](const auto& all) {
    return std::any_of(all.begin(), all.end(), [&](const auto& one) { return one.name == name; });
  };
  while (is_taken(description.nodes) || is_taken(description.inputs)) {
    name += "_";
  }
  return name;
}

void check_bits(Index bits, const char* of) {
  VOLLEY_CHECK(bits >= fewest_bits && bits <= most_bits, Fault::usage, "bits of {} are {}, wanted {} to {}",
               of, bits, fewest_bits, most_bits);
}

Observer observed(const Runtime& runtime, const Model& model, std::set<Port> ports, const InputData& data,
                  const RunSettings& settings, bool with_counts) {
  Observer observer(std::move(ports));
  const auto silent = [](Index, Index) {};
  run_model(runtime, model, data, settings, observer, silent);
  if (with_counts) {
    observer.count_now();
    run_model(runtime, model, data, settings, observer, silent);
  }
  return observer;
}

}  // namespace

bool is_quantised_op(std::string_view kind) {
  return kind == Linear::op_kind || kind == Conv2d::op_kind || kind.starts_with("attention.");
}

Index capacity_bits(Index steps) {
  // bit_width(T) = ceil(log2(T + 1)) for T of 1 or more
  return std::max<Index>(fewest_bits, std::bit_width(static_cast<std::uint64_t>(steps)));
}

BuiltModel quantised_twin(const Runtime& runtime, const BuiltModel& dense, const InputData& data,
                          const RunSettings& settings, const QuantiseOptions& options) {
  check_bits(options.weight_bits, "weights");
  check_bits(options.activation_bits, "activations");
  VOLLEY_CHECK(options.percentile > 0.0 && options.percentile <= 100.0, Fault::usage,
               "percentile is {}, wanted more than 0 and at most 100", options.percentile);
  const Model model = make_model(runtime, dense, Folding::keep);
  std::set<Port> ports;
  for (const NodeDescription& node : dense.description.nodes) {
    for (const EdgeDescription& edge : node.in) {
      if (is_quantised_op(node.op)) {
        ports.insert(model.graph.port(edge.from, node.name));
      }
    }
  }
  const Observer observer =
      observed(runtime, model, std::move(ports), data, settings, options.calibration != Calibration::max_abs);
  BuiltModel twin = dense;
  twin.description.name += fmt::format("_w{}a{}", options.weight_bits, options.activation_bits);
  twin.description.weights_file = twin.weights.empty() ? "" : twin.description.name + ".safetensors";
  std::map<Port, std::string> made;
  std::set<std::string> rounded;
  for (std::size_t n = 0; n < dense.description.nodes.size(); ++n) {
    const NodeDescription& node = dense.description.nodes[n];
    if (!is_quantised_op(node.op)) {
      continue;
    }
    const auto weight = node.weights.find("weight");
    if (weight != node.weights.end() && rounded.insert(weight->second).second) {
      round_weight(twin.weights.at(weight->second), options.weight_bits);
    }
    for (std::size_t slot = 0; slot < node.in.size(); ++slot) {
      const std::string& from = node.in[slot].from;
      const Port port = model.graph.port(from, node.name);
      const auto seen = observer.seen().find(port);
      if (seen == observer.seen().end()) {
        continue;  // spikes
      }
      if (!made.contains(port)) {
        made[port] = free_name(twin.description, from);
        twin.description.nodes.push_back({made[port],
                                          std::string(Quantise::op_kind),
                                          {{from, 0, {}}},
                                          attributes_of(seen->second, options),
                                          {}});
      }
      twin.description.nodes[n].in[slot].from = made[port];
    }
  }
  return twin;
}

}  // namespace volley
