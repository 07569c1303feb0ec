// Each NIR node becomes one or a few of ours.
#include "models/exchange/nir.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "models/exchange/nir_network.hpp"
#include "sim/base/check.hpp"

namespace volley {
namespace {

using Numbers = std::vector<float>;

// What leaves a node: channels, or an image (channels last inside); one sample in one step.
struct Signal {
  std::string from;  // our node
  Index delay = 0;   // [steps] on every edge that leaves
  bool is_image = false;
  Index channels = 0, height = 1, width = 1;
  bool spikes = false;

  Index count() const { return channels * height * width; }
  TypeDescription type() const {
    TypeDescription type;
    if (is_image) {
      type.shape = {{Axis::Y, height}, {Axis::X, width}, {Axis::C, channels}};
    } else {
      type.shape = {{Axis::C, channels}};
    }
    type.form = spikes ? Form::spikes : Form::dense;
    type.code = spikes ? binary_code() : SpikeCode{};
    return type;
  }
  bool same_shape(const Signal& other) const {
    return is_image == other.is_image && channels == other.channels && height == other.height &&
           width == other.width;
  }
  std::string text() const {
    return is_image ? fmt::format("[{}, {}, {}]", channels, height, width) : fmt::format("[{}]", channels);
  }
};

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
      } catch (const Error& error) {
        throw Error(error.fault(), fmt::format("{} '{}': {}", unit_->node->type, unit_->name, error.what()));
      }
    }
    close_loops();
    return std::move(imported_);
  }

 private:
  Description& description() { return imported_.model.description; }

  // --- nodes of ours ---
  std::string add(const std::string& name, const std::string& op, const std::vector<Signal>& in,
                  Attributes attributes = {}) {
    NodeDescription node;
    node.name = name;
    node.op = op;
    node.attributes = std::move(attributes);
    for (const Signal& signal : in) {
      node.in.push_back({signal.from, signal.delay, {}});
    }
    description().nodes.push_back(std::move(node));
    return name;
  }

  void weight(const std::string& slot, std::vector<Index> sizes, Numbers numbers) {
    NodeDescription& node = description().nodes.back();
    const std::string tensor = node.name + "." + slot;
    node.weights.emplace(slot, tensor);
    imported_.model.weights.emplace(tensor, WeightTensor{std::move(sizes), std::move(numbers)});
  }

  // --- parameters of the node ---
  const Array& array(const std::string& name) const {
    const auto at = unit_->node->numbers.find(name);
    VOLLEY_CHECK(at != unit_->node->numbers.end(), Fault::model, "has no parameter {}", name);
    return at->second;
  }
  bool has(const std::string& name) const { return unit_->node->numbers.contains(name); }

  // One number for each element of the signal, or one; an image's in our order. As double.
  std::vector<double> each(const std::string& name, const Signal& signal) const {
    const auto numbers = as_floats(array(name));
    std::vector<double> values(numbers.begin(), numbers.end());
    VOLLEY_CHECK(values.size() == 1 || static_cast<Index>(values.size()) == signal.count(), Fault::model,
                 "{} has {} numbers, wanted 1 or {} as {}", name, values.size(), signal.count(),
                 signal.text());
    const bool uniform = std::all_of(values.begin(), values.end(), [&](double v) { return v == values[0]; });
    if (uniform) {
      values.resize(1);
    } else if (signal.is_image) {
      std::vector<double> moved(values.size());
      for (Index c = 0, i = 0; c < signal.channels; ++c) {
        for (Index place = 0; place < signal.height * signal.width; ++place, ++i) {
          moved[static_cast<std::size_t>(place * signal.channels + c)] = values[static_cast<std::size_t>(i)];
        }
      }
      values = std::move(moved);
    }
    return values;
  }

  // The integers of a parameter with a number for y and one for x, which must be equal.
  Index square(const std::string& name, Index standard) const {
    if (!has(name)) {
      return standard;
    }
    const auto numbers = as_integers(array(name), name);
    VOLLEY_CHECK(!numbers.empty(), Fault::model, "{} is empty", name);
    VOLLEY_CHECK(std::all_of(numbers.begin(), numbers.end(), [&](Index n) { return n == numbers[0]; }),
                 Fault::model, "{} is {}, wanted the same number for y and x", name, volley::text(numbers));
    VOLLEY_CHECK(numbers[0] >= 0 && numbers[0] < 1 << 20, Fault::model, "{} is {}", name, numbers[0]);
    return numbers[0];
  }

  // --- what comes in: one signal; several are added ---
  Signal gathered() {
    std::vector<Signal> signals;
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
    Signal sum = signals[0];
    sum.from = add(unit_->name + ".sum", "merge.add", signals);
    sum.delay = 0;
    sum.spikes = false;
    for (const NirEdge& edge : unit_->in) {
      if (edge.closes_loop) {
        loops_.push_back({description().nodes.size() - 1, edge.from, sum});
      }
    }
    return sum;
  }

  Signal convert() {
    const std::string& type = unit_->node->type;
    if (type == "Input") {
      return input();
    }
    const Signal in = gathered();
    if (type == "Output") {
      description().outputs.push_back({unit_->name, in.delay == 0 ? in.from : delayed(in)});
      return in;
    }
    if (type == "Affine" || type == "Linear") {
      return linear(in);
    }
    if (type == "Conv1d" || type == "Conv2d") {
      return convolution(in, type == "Conv1d");
    }
    if (type == "SumPool2d" || type == "AvgPool2d") {
      return pooling(in, type == "SumPool2d");
    }
    if (type == "Flatten") {
      return flatten(in);
    }
    if (type == "Delay") {
      return delay(in);
    }
    return neuron(in, type);
  }

  std::string delayed(const Signal& in) { return add(unit_->name + ".delayed", "layout.flatten", {in}); }

  Signal input() {
    const auto sizes = as_integers(array("shape"), "shape");
    VOLLEY_CHECK(!sizes.empty() && sizes.size() <= 3, Fault::model,
                 "shape is {}, wanted channels, channels and length, or channels, height and width",
                 volley::text(sizes));
    VOLLEY_CHECK(std::all_of(sizes.begin(), sizes.end(), [](Index n) { return n >= 1 && n <= 1 << 24; }),
                 Fault::model, "shape is {}", volley::text(sizes));
    Signal signal;
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
    signal.from = add(unit_->name + ".channels_last", "layout.transpose", {signal}, {{"axes", "T B Y X C"}});
    return signal;
  }

  Signal linear(const Signal& in) {
    const Array& w = array("weight");
    const Index fan_in = w.sizes.size() == 2 ? w.sizes[1] : -1;
    VOLLEY_CHECK(!in.is_image && fan_in == in.channels, Fault::model,
                 "weight is {}, wanted [outputs, {}] for an input of {}", volley::text(w.sizes), in.channels,
                 in.text());
    Signal out = in;
    out.from = add(unit_->name, "linear", {in});
    out.delay = 0;
    out.spikes = false;
    out.channels = w.sizes[0];
    weight("weight", w.sizes, as_floats(w));
    add_bias(out);
    return out;
  }

  void add_bias(const Signal& out) {
    if (has("bias")) {
      const Numbers bias = as_floats(array("bias"));
      VOLLEY_CHECK(static_cast<Index>(bias.size()) == out.channels, Fault::model,
                   "bias has {} numbers, wanted {}", bias.size(), out.channels);
      if (std::any_of(bias.begin(), bias.end(), [](float b) { return b != 0; })) {
        weight("bias", {out.channels}, bias);
      }
    }
  }

  Index padding(Index kernel) const {
    const auto word = unit_->node->texts.find("padding");
    if (word == unit_->node->texts.end()) {
      return square("padding", 0);
    }
    VOLLEY_CHECK(word->second == "valid" || word->second == "same", Fault::model,
                 "padding is '{}', wanted numbers, valid or same", word->second);
    VOLLEY_CHECK(word->second == "valid" || kernel % 2 == 1, Fault::model,
                 "padding is same with a kernel of {}, wanted an odd one", kernel);
    return word->second == "valid" ? 0 : (kernel - 1) / 2;
  }

  Signal convolution(const Signal& in, bool one_axis) {
    Array w = array("weight");
    VOLLEY_CHECK(w.sizes.size() == (one_axis ? 3u : 4u) && in.is_image && (!one_axis || in.height == 1),
                 Fault::model, "weight is {} and the input {}", volley::text(w.sizes), in.text());
    VOLLEY_CHECK(square("dilation", 1) == 1, Fault::model, "dilation is {}, wanted 1", square("dilation", 1));
    const Index groups = has("groups") ? as_integers(array("groups"), "groups").at(0) : 1;
    const Index stride = square("stride", 1);
    const Index pad = padding(w.sizes.back());
    Numbers numbers = as_floats(w);
    const Index outputs = w.sizes[0], fan_in = w.sizes[1], length = w.sizes.back();
    if (one_axis) {  // one row of an image: rows of zeros around the kernel meet the padding only
      const Index rows = 2 * pad + 1;
      Numbers tall(static_cast<std::size_t>(outputs * fan_in * rows * length), 0.0f);
      for (Index i = 0; i < outputs * fan_in; ++i) {
        std::copy_n(numbers.begin() + i * length, length, tall.begin() + (i * rows + pad) * length);
      }
      numbers = std::move(tall);
      w.sizes = {outputs, fan_in, rows, length};
    }
    Signal out = in;
    const auto extent = [&](Index size, Index kernel) { return (size + 2 * pad - kernel) / stride + 1; };
    VOLLEY_CHECK(stride >= 1 && in.height + 2 * pad >= w.sizes[2] && in.width + 2 * pad >= length,
                 Fault::model, "a kernel of {} with stride {} and padding {} does not fit on {}",
                 volley::text(w.sizes), stride, pad, in.text());
    out.from = add(unit_->name, "conv2d", {in},
                   {{"stride", static_cast<double>(stride)},
                    {"padding", static_cast<double>(pad)},
                    {"groups", static_cast<double>(groups)}});
    out.delay = 0;
    out.spikes = false;
    out.channels = outputs;
    out.height = extent(in.height, w.sizes[2]);
    out.width = extent(in.width, length);
    weight("weight", w.sizes, std::move(numbers));
    add_bias(out);
    return out;
  }

  // A convolution of each channel alone, so that a spike is an event and sums are exact.
  Signal pooling(const Signal& in, bool is_sum) {
    const Index kernel = square("kernel_size", 0), stride = square("stride", kernel);
    const Index pad = square("padding", 0);
    VOLLEY_CHECK(in.is_image && kernel >= 1 && stride >= 1 && in.height + 2 * pad >= kernel &&
                     in.width + 2 * pad >= kernel,
                 Fault::model, "a kernel of {} with stride {} does not fit on {}", kernel, stride, in.text());
    Signal out = in;
    out.from = add(unit_->name, "conv2d", {in},
                   {{"stride", static_cast<double>(stride)},
                    {"padding", static_cast<double>(pad)},
                    {"groups", static_cast<double>(in.channels)}});
    out.delay = 0;
    out.spikes = false;
    out.height = (in.height + 2 * pad - kernel) / stride + 1;
    out.width = (in.width + 2 * pad - kernel) / stride + 1;
    const auto each = static_cast<float>(is_sum ? 1.0 : 1.0 / static_cast<double>(kernel * kernel));
    weight("weight", {in.channels, 1, kernel, kernel},
           Numbers(static_cast<std::size_t>(in.channels * kernel * kernel), each));
    return out;
  }

  Signal flatten(const Signal& in) {
    if (!in.is_image) {
      return in;
    }
    const auto integer = [&](const std::string& name, Index standard) {
      return has(name) ? as_integers(array(name), name).at(0) : standard;
    };
    const Index start = integer("start_dim", 0), end = integer("end_dim", -1);
    VOLLEY_CHECK(start == 0 && (end == -1 || end == 2 || (end == 1 && in.height == 1)), Fault::model,
                 "flattens dimensions {} to {}, wanted all of {}", start, end, in.text());
    Signal out = in;
    out.from = add(unit_->name + ".channels_first", "layout.transpose", {in}, {{"axes", "T B C Y X"}});
    out.delay = 0;
    out.from = add(unit_->name, "layout.flatten", {out});
    out.is_image = false;
    out.channels = in.count();
    out.height = out.width = 1;
    return out;
  }

  Signal delay(const Signal& in) {
    const auto times = each("delay", in);
    VOLLEY_CHECK(times.size() == 1, Fault::model, "delays differ from place to place, wanted one for all");
    const double steps = times[0] / options_.dt;
    VOLLEY_CHECK(steps >= 0 && steps < 1e6 && std::abs(steps - std::round(steps)) < 1e-3, Fault::model,
                 "delay is {}, which is {} steps of dt {}, wanted a whole number", times[0], steps,
                 options_.dt);
    Signal out = in;
    out.delay += static_cast<Index>(std::round(steps));
    note(fmt::format("delay of {} steps", out.delay - in.delay));
    return out;
  }

  // --- neurons ---
  struct Decay {
    std::vector<double> keep, gain;  // share that stays, share of what comes
  };

  Decay decay_of(const std::vector<double>& tau) const {
    Decay decay;
    for (const double t : tau) {
      VOLLEY_CHECK(t > 0, Fault::model, "a time constant is {}, wanted above 0", t);
      const double a = options_.dt / t;
      decay.keep.push_back(options_.rule == TimeRule::euler ? 1 - a : std::exp(-a));
      decay.gain.push_back(options_.rule == TimeRule::exact ? 1 - std::exp(-a) : a);
    }
    return decay;
  }

  static std::vector<double> product(const std::vector<double>& a, const std::vector<double>& b) {
    std::vector<double> out(std::max(a.size(), b.size()));
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = a[a.size() == 1 ? 0 : i] * b[b.size() == 1 ? 0 : i];
    }
    return out;
  }

  void constant(const std::string& slot, const std::vector<double>& values) {
    weight(slot, {static_cast<Index>(values.size())}, Numbers(values.begin(), values.end()));
  }

  void note(const std::string& text) { imported_.notes.push_back(unit_->name + ": " + text); }

  static std::string range(const std::vector<double>& values) {
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    return *least == *most ? fmt::format("{:g}", *least) : fmt::format("{:g} to {:g}", *least, *most);
  }

  Signal neuron(const Signal& in, const std::string& type) {
    const bool cuba = type.starts_with("Cuba");
    const bool leaks = cuba || type == "LI" || type == "LIF";
    const bool fires = type == "IF" || type == "LIF" || type == "CubaLIF" || type == "Threshold";
    const bool known = leaks || fires || type == "I" || type == "Scale";
    VOLLEY_CHECK(known, Fault::model, "is of no type that NIR 1.0 has");
    Signal out = in;
    out.from = add(unit_->name, fires ? "neuron.heterogeneous_lif" : "neuron.heterogeneous_leak", {in},
                   fires ? Attributes{{"fire", options_.fire},
                                      {"reset", options_.reset},
                                      {"reset_time", options_.reset_time}}
                         : Attributes{});
    out.delay = 0;
    out.spikes = fires;
    std::vector<double> keep{1}, gain{1}, offset{0};
    if (type == "Scale" || type == "Threshold") {
      keep = {0};
      gain = type == "Scale" ? each("scale", in) : std::vector<double>{1};
    } else if (leaks) {
      const Decay membrane = decay_of(each(cuba ? "tau_mem" : "tau", in));
      keep = membrane.keep;
      gain = product(membrane.gain, each("r", in));
      offset = product(membrane.gain, each("v_leak", in));
      note(
          fmt::format("{} with dt {:g}: {} of the membrane stays in a step", type, options_.dt, range(keep)));
    } else {
      gain = product({options_.dt}, each("r", in));
      note(fmt::format("{} with dt {:g}: the input counts {} in a step", type, options_.dt, range(gain)));
    }
    constant("keep", keep);
    constant("gain", gain);
    constant("offset", offset);
    if (cuba) {
      const Decay current = decay_of(each("tau_syn", in));
      constant("current_keep", current.keep);
      constant("current_gain", has("w_in") ? product(current.gain, each("w_in", in)) : current.gain);
      note(fmt::format("{} of the current stays in a step", range(current.keep)));
    }
    if (fires) {
      constant("threshold", each(type == "Threshold" ? "threshold" : "v_threshold", in));
      if (type != "Threshold" && !has("v_reset")) {
        note("the file has no v_reset; 0 is taken");
      }
      constant("reset_value",
               has("v_reset") && options_.reset == "hard" ? each("v_reset", in) : std::vector<double>{0});
    }
    return out;
  }

  // --- edges that close a loop: their source is known now ---
  struct Loop {
    std::size_t node;  // place of our node
    std::size_t from;  // place in the network
    Signal target;
  };

  void close_loops() {
    for (const Loop& loop : loops_) {
      const Signal& source = signals_[loop.from];
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
  std::vector<Signal> signals_;
  std::vector<Loop> loops_;
};

}  // namespace

ImportedModel import_nir(const NirFile& file, const NirOptions& options) {
  VOLLEY_CHECK(options.dt > 0 && std::isfinite(options.dt), Fault::usage, "dt is {}, wanted above 0",
               options.dt);
  return Importer(file, options).run();
}

}  // namespace volley
