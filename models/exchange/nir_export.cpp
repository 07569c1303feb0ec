// Each of our nodes becomes one of NIR, or a meeting of edges, or nothing.
#include "models/exchange/nir_export.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "sim/base/check.hpp"

namespace volley {
namespace {

// What stands for one of our values: the sum of what these NIR nodes send.
struct Sources {
  std::vector<std::string> nodes;
  bool channels_first = false;  // an image in the order of the file
};

Array array_of_doubles(std::vector<Index> sizes, const std::vector<double>& numbers) {
  Array array{std::move(sizes), NumberType::f64, std::vector<std::byte>(numbers.size() * sizeof(double))};
  std::memcpy(array.bytes.data(), numbers.data(), array.bytes.size());
  return array;
}

Array one(Index number) {
  return array_of({}, std::vector<Index>{number});
}
Array both(Index number) {
  return array_of({2}, std::vector<Index>{number, number});
}

class Exporter {
 public:
  Exporter(const Runtime& runtime, const BuiltModel& built, double dt)
      : built_(built),
        dt_(dt),
        model_(make_model(runtime, built, Folding::keep)),
        plan_(make_plan(runtime, model_, stepped(), 1, 1, false)) {
    out_.file.version = "1.0";
    out_.file.metadata["dt"] = dt;
  }

  ExportedNir run() {
    for (const InputDescription& input : built_.description.inputs) {
      put_input(input);
    }
    for (const NodeDescription* node : in_order()) {
      node_ = node;
      try {
        sources_[node->name] = convert();
      } catch (const Error& error) {
        throw Error(error.fault(), fmt::format("{} '{}': {}", node->op, node->name, error.what()));
      }
    }
    for (const auto& [target, edge] : loops_) {
      connect(delayed(sources_.at(edge->from), edge->delay - 1, target + ".loop"), target);
    }
    for (const OutputDescription& output : built_.description.outputs) {
      VOLLEY_CHECK(sources_.contains(output.from), Fault::model,
                   "output '{}' is '{}', wanted the first output of a node", output.name, output.from);
      add(output.name, "Output", {{"shape", shape_of(output.from)}});
      connect(sources_.at(output.from), output.name);
    }
    return std::move(out_);
  }

 private:
  static RunSettings stepped() {
    RunSettings settings;
    settings.order = Order::stepped;  // loops too
    return settings;
  }

  // Our nodes such that each stands after what it reads without delay.
  std::vector<const NodeDescription*> in_order() const {
    std::vector<const NodeDescription*> order;
    for (const NodeId id : model_.graph.order()) {
      const auto at = std::find_if(built_.description.nodes.begin(), built_.description.nodes.end(),
                                   [&](const auto& node) { return node.name == model_.graph.node_name(id); });
      if (at != built_.description.nodes.end()) {
        order.push_back(&*at);
      }
    }
    return order;
  }

  void add(const std::string& name, const std::string& type, std::map<std::string, Array> numbers) {
    VOLLEY_CHECK(name.find('/') == std::string::npos, Fault::model,
                 "'{}' has a slash, which HDF5 reads as a group", name);
    VOLLEY_CHECK(out_.file.graph.nodes.emplace(name, NirNode{type, std::move(numbers), {}, nullptr}).second,
                 Fault::model, "two nodes would be named '{}'", name);
  }

  void connect(const Sources& sources, const std::string& target) {
    for (const std::string& source : sources.nodes) {
      out_.file.graph.edges.emplace_back(source, target);
    }
  }

  const ValueSpec& spec_of(const std::string& name) const {
    return plan_.node(*model_.graph.find(name)).out.front().spec;
  }
  // Sizes of one sample in one step, channels first.
  std::vector<Index> sizes_of(const std::string& name) const {
    const Shape& shape = spec_of(name).shape;
    if (shape.has(Axis::Y) && shape.has(Axis::X)) {
      return {shape[Axis::C], shape[Axis::Y], shape[Axis::X]};
    }
    VOLLEY_CHECK(shape.extents.size() == 3 && shape.has(Axis::C), Fault::model,
                 "its value is {}, wanted channels, or an image", text(shape));
    return {shape[Axis::C]};
  }
  Array shape_of(const std::string& name) const {
    const auto sizes = sizes_of(name);
    return array_of({static_cast<Index>(sizes.size())}, sizes);
  }

  void put_input(const InputDescription& input) {
    VOLLEY_CHECK(input.per_step, Fault::model,
                 "input '{}' has one value for all steps; NIR has one in each step", input.name);
    add(input.name, "Input", {{"shape", shape_of(input.name)}});
    sources_[input.name] = {{input.name}, spec_of(input.name).shape.has(Axis::Y)};
  }

  // --- what comes in ---
  Sources delayed(Sources sources, Index steps, const std::string& name) {
    if (steps > 0) {
      add(name, "Delay", {{"delay", array_of_doubles({1}, {static_cast<double>(steps) * dt_})}});
      connect(sources, name);
      sources.nodes = {name};
    }
    return sources;
  }

  bool is_loop(const EdgeDescription& edge) const { return !edge.loop_type.empty(); }

  Sources gathered(const std::string& target) {
    Sources all;
    std::set<std::string> seen;
    for (std::size_t slot = 0; slot < node_->in.size(); ++slot) {
      const EdgeDescription& edge = node_->in[slot];
      if (is_loop(edge)) {
        loops_.emplace_back(target, &edge);
        continue;
      }
      VOLLEY_CHECK(sources_.contains(edge.from), Fault::model,
                   "reads '{}', wanted the first output of a node", edge.from);
      const Sources in =
          delayed(sources_.at(edge.from), edge.delay, fmt::format("{}.delay{}", node_->name, slot));
      for (const std::string& source : in.nodes) {
        VOLLEY_CHECK(seen.insert(source).second, Fault::model,
                     "reads '{}' twice; in NIR an edge is there once", source);
        all.nodes.push_back(source);
      }
      all.channels_first = in.channels_first;
    }
    return all;
  }

  // A NIR node of our node's name that reads what our node reads.
  Sources put(const std::string& type, std::map<std::string, Array> numbers) {
    const Sources in = gathered(node_->name);
    add(node_->name, type, std::move(numbers));
    connect(in, node_->name);
    return {{node_->name}, false};
  }

  Sources convert() {
    const std::string& op = node_->op;
    if (op == "merge.add") {
      return merged();
    }
    if (op == "linear" || op == "conv2d") {
      return layer(op == "linear");
    }
    if (op == "layout.transpose") {
      Sources in = gathered(node_->name);
      const std::string axes = std::get<std::string>(node_->attributes.at("axes"));
      VOLLEY_CHECK(axes == "T B Y X C" || axes == "T B C Y X", Fault::model,
                   "axes are '{}', which NIR has no word for", axes);
      in.channels_first = axes == "T B C Y X";
      return in;
    }
    if (op == "layout.flatten") {
      return flatten();
    }
    if (op == "pool.average") {
      return pool();
    }
    if (op == "neuron.lif" || op == "neuron.if") {
      return plain_neuron(op == "neuron.lif");
    }
    if (op == "neuron.heterogeneous_lif" || op == "neuron.heterogeneous_leak") {
      return neuron(op == "neuron.heterogeneous_lif");
    }
    fail(Fault::model, "NIR has no word for this");
  }

  // A sum that a neuron or a layer reads is a meeting of edges; a loop needs a node to come back to.
  Sources merged() {
    const bool has_loop = std::any_of(node_->in.begin(), node_->in.end(),
                                      [&](const EdgeDescription& edge) { return is_loop(edge); });
    if (!has_loop) {
      return gathered(node_->name);
    }
    const Sources in = gathered(node_->name);
    add(node_->name, "Scale", {{"scale", filled(1)}});
    connect(in, node_->name);
    return {{node_->name}, false};
  }

  const WeightTensor* tensor(const std::string& slot) const {
    const auto at = node_->weights.find(slot);
    return at == node_->weights.end() ? nullptr : &built_.weights.at(at->second);
  }

  double number(const std::string& name, double standard) const {
    const auto at = node_->attributes.find(name);
    return at == node_->attributes.end() ? standard : std::get<double>(at->second);
  }
  std::string word(const std::string& name, const std::string& standard) const {
    const auto at = node_->attributes.find(name);
    return at == node_->attributes.end() ? standard : std::get<std::string>(at->second);
  }

  Sources layer(bool is_linear) {
    VOLLEY_CHECK(number("norm", 1) == 1, Fault::model, "norm is {}, wanted 1", number("norm", 1));
    std::map<std::string, Array> numbers{
        {"weight", array_of(tensor("weight")->sizes, tensor("weight")->numbers)}};
    const Index outputs = tensor("weight")->sizes[0];
    const bool has_bias = tensor("bias") != nullptr;
    if (has_bias || !is_linear) {
      const std::vector<float> none(static_cast<std::size_t>(outputs), 0.0f);
      numbers["bias"] = array_of({outputs}, has_bias ? tensor("bias")->numbers : none);
    }
    if (is_linear) {
      return put(has_bias ? "Affine" : "Linear", std::move(numbers));
    }
    numbers["stride"] = both(static_cast<Index>(number("stride", 1)));
    numbers["padding"] = both(static_cast<Index>(number("padding", 0)));
    numbers["dilation"] = both(1);
    numbers["groups"] = one(static_cast<Index>(number("groups", 1)));
    return put("Conv2d", std::move(numbers));
  }

  Sources flatten() {
    const Sources in = gathered(node_->name);
    const auto sizes = sizes_of(node_->in.front().from);
    if (sizes.size() == 1) {
      return in;
    }
    VOLLEY_CHECK(in.channels_first, Fault::model,
                 "flattens an image with its channels last; NIR has them first");
    add(node_->name, "Flatten",
        {{"start_dim", one(0)}, {"end_dim", one(-1)}, {"input_type", array_of({3}, sizes)}});
    connect(in, node_->name);
    return {{node_->name}, false};
  }

  Sources pool() {
    const auto kernel = static_cast<Index>(number("kernel", 2));
    const auto stride = static_cast<Index>(number("stride", 0));
    VOLLEY_CHECK(number("padding", 0) == 0, Fault::model, "has a rim of {}, wanted none",
                 number("padding", 0));
    return put("AvgPool2d", {{"kernel_size", both(kernel)},
                             {"stride", both(stride == 0 ? kernel : stride)},
                             {"padding", both(0)}});
  }

  // --- neurons ---
  Array filled(double value) const { return each({value}); }

  // One number for each neuron, channels first.
  Array each(const std::vector<double>& values) const {
    const auto sizes = sizes_of(node_->name);
    Index count = 1;
    for (const Index size : sizes) {
      count *= size;
    }
    std::vector<double> all(static_cast<std::size_t>(count), values[0]);
    const Index channels = sizes[0];
    for (Index i = 0; values.size() > 1 && i < count; ++i) {
      const Index place = i / channels, c = i % channels;  // ours: channels last
      all[static_cast<std::size_t>(c * (count / channels) + place)] = values[static_cast<std::size_t>(i)];
    }
    return array_of_doubles(sizes, all);
  }

  void check_firing() {
    VOLLEY_CHECK(word("reset", "hard") == "hard", Fault::model, "resets softly, which NIR can't say");
    if (word("fire", "ge") == "ge") {
      out_.notes.push_back(node_->name + ": fires at the threshold too; NIR says only above it");
    }
    if (word("reset_time", "now") == "next") {
      out_.notes.push_back(node_->name + ": resets in the next step; NIR says at once");
    }
  }

  Sources plain_neuron(bool leaks) {
    check_firing();
    const double tau = number("tau", 2), rest = number("reset_value", 0);
    const auto decay = node_->attributes.find("decay_input");
    const bool decays = decay == node_->attributes.end() || std::get<bool>(decay->second);
    std::map<std::string, Array> numbers{{"v_threshold", filled(number("threshold", 1))},
                                         {"v_reset", filled(rest)}};
    if (!leaks) {
      numbers["r"] = filled(1 / dt_);
      return put("IF", std::move(numbers));
    }
    numbers["tau"] = filled(tau * dt_);
    numbers["r"] = filled(decays ? 1 : tau);
    numbers["v_leak"] = filled(rest);
    return put("LIF", std::move(numbers));
  }

  std::vector<double> doubles(const std::string& slot) const {
    const auto& numbers = tensor(slot)->numbers;
    return {numbers.begin(), numbers.end()};
  }

  // f(a_i, b_i), where each has one number or as many as there are neurons.
  template <class F>
  static std::vector<double> map(const std::vector<double>& a, const std::vector<double>& b, const F& f) {
    std::vector<double> out(std::max(a.size(), b.size()));
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = f(a[a.size() == 1 ? 0 : i], b[b.size() == 1 ? 0 : i]);
    }
    return out;
  }
  static bool all_are(const std::vector<double>& values, double wanted) {
    return std::all_of(values.begin(), values.end(), [&](double v) { return v == wanted; });
  }

  Sources neuron(bool fires) {
    if (fires) {
      check_firing();
    }
    const auto keep = doubles("keep"), gain = doubles("gain"), offset = doubles("offset");
    const bool has_current = tensor("current_keep") != nullptr;
    std::map<std::string, Array> numbers;
    if (fires) {
      numbers["v_threshold"] = each(doubles("threshold"));
      numbers["v_reset"] = each(doubles("reset_value"));
    }
    if (all_are(keep, 0) && all_are(offset, 0) && !has_current) {
      VOLLEY_CHECK(!fires || all_are(gain, 1), Fault::model,
                   "a threshold with a gain, which NIR has no word for");
      return fires ? put("Threshold", {{"threshold", each(doubles("threshold"))}})
                   : put("Scale", {{"scale", each(gain)}});
    }
    if (all_are(keep, 1) && all_are(offset, 0) && !has_current) {
      numbers["r"] = each(map(gain, {1}, [&](double g, double) { return g / dt_; }));
      return put(fires ? "IF" : "I", std::move(numbers));
    }
    VOLLEY_CHECK(std::none_of(keep.begin(), keep.end(), [](double k) { return k >= 1; }), Fault::model,
                 "some of its membranes leak and others don't");
    const auto share = [](double value, double kept) { return value / (1 - kept); };
    numbers[has_current ? "tau_mem" : "tau"] = each(map({dt_}, keep, share));
    numbers["r"] = each(map(gain, keep, share));
    numbers["v_leak"] = each(map(offset, keep, share));
    if (has_current) {
      const auto kept = doubles("current_keep");
      numbers["tau_syn"] = each(map({dt_}, kept, share));
      numbers["w_in"] = each(map(doubles("current_gain"), kept, share));
    }
    return put(std::string(has_current ? "Cuba" : "") + (fires ? "LIF" : "LI"), std::move(numbers));
  }

  const BuiltModel& built_;
  double dt_;
  Model model_;
  Plan plan_;
  ExportedNir out_;
  const NodeDescription* node_ = nullptr;
  std::map<std::string, Sources> sources_;
  std::vector<std::pair<std::string, const EdgeDescription*>> loops_;
};

}  // namespace

ExportedNir export_nir(const Runtime& runtime, const BuiltModel& built, double dt) {
  VOLLEY_CHECK(dt > 0 && std::isfinite(dt), Fault::usage, "dt is {}, wanted above 0", dt);
  return Exporter(runtime, built, dt).run();
}

}  // namespace volley
