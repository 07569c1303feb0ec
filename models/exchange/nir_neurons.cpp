// NIR's neurons: from continuous time to the constants of a step.
#include <algorithm>
#include <cmath>

#include "models/exchange/nir_node.hpp"
#include "sim/base/check.hpp"

namespace volley {
namespace {

struct Decay {
  std::vector<double> keep, gain;  // share that stays, share of what comes
};

Decay decay_of(const NirOptions& options, const std::vector<double>& tau) {
  Decay decay;
  for (const double t : tau) {
    VOLLEY_CHECK(t > 0, Fault::model, "a time constant is {}, wanted above 0", t);
    const double a = options.dt / t;
    decay.keep.push_back(options.rule == TimeRule::euler ? 1 - a : std::exp(-a));
    decay.gain.push_back(options.rule == TimeRule::exact ? 1 - std::exp(-a) : a);
  }
  return decay;
}

std::vector<double> product(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> out(std::max(a.size(), b.size()));
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = a[a.size() == 1 ? 0 : i] * b[b.size() == 1 ? 0 : i];
  }
  return out;
}

void constant(NirNodeWriter& node, const std::string& slot, const std::vector<double>& values) {
  node.weight(slot, {static_cast<Index>(values.size())}, std::vector<float>(values.begin(), values.end()));
}

std::string range(const std::vector<double>& values) {
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  return *least == *most ? fmt::format("{:g}", *least) : fmt::format("{:g} to {:g}", *least, *most);
}

}  // namespace

NirSignal write_nir_neuron(NirNodeWriter& node, const NirSignal& in, const NirOptions& options) {
  const std::string& type = node.type();
  const bool cuba = type.starts_with("Cuba");
  const bool leaks = cuba || type == "LI" || type == "LIF";
  const bool fires = type == "IF" || type == "LIF" || type == "CubaLIF" || type == "Threshold";
  const bool known = leaks || fires || type == "I" || type == "Scale";
  VOLLEY_CHECK(known, Fault::model, "is of no type that NIR 1.0 has");
  NirSignal out = in;
  out.from = node.add(
      node.name(), fires ? "neuron.heterogeneous_lif" : "neuron.heterogeneous_leak", {in},
      fires ? Attributes{{"fire", options.fire}, {"reset", options.reset}, {"reset_time", options.reset_time}}
            : Attributes{});
  out.delay = 0;
  out.spikes = fires;
  std::vector<double> keep{1}, gain{1}, offset{0};
  if (type == "Scale" || type == "Threshold") {
    keep = {0};
    gain = type == "Scale" ? node.each("scale", in) : std::vector<double>{1};
  } else if (leaks) {
    const Decay membrane = decay_of(options, node.each(cuba ? "tau_mem" : "tau", in));
    keep = membrane.keep;
    gain = product(membrane.gain, node.each("r", in));
    offset = product(membrane.gain, node.each("v_leak", in));
    node.note(
        fmt::format("{} with dt {:g}: {} of the membrane stays in a step", type, options.dt, range(keep)));
  } else {
    gain = product({options.dt}, node.each("r", in));
    node.note(fmt::format("{} with dt {:g}: the input counts {} in a step", type, options.dt, range(gain)));
  }
  constant(node, "keep", keep);
  constant(node, "gain", gain);
  constant(node, "offset", offset);
  if (cuba) {
    const Decay current = decay_of(options, node.each("tau_syn", in));
    constant(node, "current_keep", current.keep);
    constant(node, "current_gain",
             node.has("w_in") ? product(current.gain, node.each("w_in", in)) : current.gain);
    node.note(fmt::format("{} of the current stays in a step", range(current.keep)));
  }
  if (fires) {
    constant(node, "threshold", node.each(type == "Threshold" ? "threshold" : "v_threshold", in));
    if (type != "Threshold" && !node.has("v_reset")) {
      node.note("the file has no v_reset; 0 is taken");
    }
    constant(
        node, "reset_value",
        node.has("v_reset") && options.reset == "hard" ? node.each("v_reset", in) : std::vector<double>{0});
  }
  return out;
}

}  // namespace volley
