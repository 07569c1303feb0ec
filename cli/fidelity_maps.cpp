// One graph with all mechanisms beside each other, run over the currents.
#include "cli/fidelity_maps.hpp"

#include <algorithm>
#include <numeric>

#include "sim/base/check.hpp"

namespace volley::cli {
namespace {

constexpr double membrane = 0.5;  // share that stays, of BSA's neuron
constexpr Index batch = 16;

// How the value of a node becomes maps.
enum class Reading : std::uint8_t {
  score,      // [T S H N M]
  circulant,  // [T S N H M]: the values were V = I
  columns,    // [T S N H d]: d columns of the map, the values were d columns of I
  diagonal,   // [T S N H]: each token sees itself, or nothing
  keys_first  // [T S H M N]
};

struct Mechanism {
  std::string name;
  std::vector<std::string> ports;  // several for columns
  Reading reading;
};

class FidelityGraph {
 public:
  FidelityGraph(const Currents& currents, Index chunk) : of_(currents) {
    built_.description.name = "fidelity";
    const Index n = of_.tokens, c = of_.channels;
    add_input("q", {{Axis::N, n}, {Axis::C, c}}, of_.q);
    add_input("k", {{Axis::N, n}, {Axis::C, c}}, of_.k);
    for (const std::string side : {"q", "k"}) {
      add_node(side + ".binary", "neuron.lif", {side},
               {{"tau", 1 / (1 - membrane)}, {"decay_input", false}, {"threshold", of_.threshold}});
      add_node(side + ".ternary", "neuron.ternary", {side},
               {{"tau", membrane}, {"threshold", of_.threshold}});
    }
    add_scores();
    add_circulant();
    add_statten(chunk);
    add_node("token_sum", "attention.token_sum", {"q.binary"}, {{"heads", heads()}});
    add_node("token_gate", "neuron.lif", {"token_sum"}, {{"tau", 2.0}, {"threshold", 0.5}});
    mechanisms_.push_back({"qk_token", {"token_gate"}, Reading::diagonal});
    add_output("token_gate");
  }

  // DSSA divides by the rates of q, which have to be known first.
  void add_dssa(const std::vector<float>& rates) {
    std::vector<float> y;  // of each head: y1 = k, y2 (of the values) is not used
    const Index d = of_.channels / of_.heads;
    for (std::size_t at = 0; at < of_.k.size(); at += static_cast<std::size_t>(d)) {
      y.insert(y.end(), of_.k.begin() + static_cast<Index>(at), of_.k.begin() + static_cast<Index>(at) + d);
      y.resize(y.size() + static_cast<std::size_t>(d));
    }
    add_input("dssa.y", {{Axis::N, of_.tokens}, {Axis::C, 2 * of_.channels}}, y);
    add_node("dssa.scores", "attention.dssa_scores", {"dssa.y", "q.binary"}, {{"heads", heads()}});
    built_.description.nodes.back().weights["firing_rate_x"] = "rates";
    built_.weights["rates"] = WeightTensor{{of_.heads}, rates};
    add_node("dssa", "neuron.lif", {"dssa.scores"}, {{"tau", 2.0}, {"threshold", 1.0}});
    mechanisms_.push_back({"dssa", {"dssa"}, Reading::keys_first});
    add_output("dssa");
  }

  const std::vector<Mechanism>& mechanisms() const { return mechanisms_; }
  std::vector<std::string> left_out;

  // The values of all ports that are read, by name.
  std::map<std::string, Tensor> run() const {
    Runtime runtime = make_runtime();
    const Model model = make_model(runtime, built_);
    const InputData data(model.graph, arrays_, {}, of_.name);
    RunSettings settings;
    settings.batch = batch;
    std::map<std::string, Port> ports;
    for (const std::string name : {"q.binary", "k.binary", "q.ternary", "k.ternary"}) {
      ports[name] = model.graph.port(name, "fidelity");
    }
    for (const Mechanism& mechanism : mechanisms_) {
      for (const std::string& name : mechanism.ports) {
        ports[name] = model.graph.port(name, "fidelity");
      }
    }
    for (const auto& [name, port] : ports) {
      settings.recorded.insert(port);
    }
    Collector collector(settings.recorded, 0, of_.samples);
    run_model(runtime, model, data, settings, collector, progress_on_stderr("fidelity"));
    std::map<std::string, Tensor> values;
    for (const auto& [name, port] : ports) {
      values[name] = collector.values().at(port);
    }
    return values;
  }

 private:
  double heads() const { return static_cast<double>(of_.heads); }

  // numbers: [T S ...] of the shape.
  void add_input(const std::string& name, Shape shape, const std::vector<float>& numbers,
                 Form form = Form::dense) {
    std::vector<Index> sizes{of_.steps, of_.samples};
    for (const Extent& extent : shape.extents) {
      sizes.push_back(extent.size);
    }
    built_.description.inputs.push_back({name, {std::move(shape), form, binary_code()}, true});
    arrays_[name] = array_of(sizes, numbers);
  }

  void add_node(const std::string& name, const std::string& op, const std::vector<std::string>& in,
                Attributes attributes) {
    NodeDescription node{name, op, {}, std::move(attributes), {}};
    for (const std::string& from : in) {
      node.in.push_back({from, 0, {}});
    }
    built_.description.nodes.push_back(std::move(node));
  }

  void add_output(const std::string& from) { built_.description.outputs.push_back({from, from}); }

  void add_score(const std::string& name, const std::string& op, const std::string& spikes,
                 Attributes attributes) {
    attributes["heads"] = heads();
    const std::string dot = spikes.empty() ? "" : "." + spikes;
    const std::string value = op == "attention.bipolar" || spikes.empty() ? "k" : "k" + dot;
    add_node(name, op, {"q" + dot, "k" + dot, value}, std::move(attributes));
    mechanisms_.push_back({name, {name + ":score"}, Reading::score});
    add_output(name);
  }

  void add_scores() {
    add_score("softmax", "attention.softmax", "", {});
    add_score("ssa", "attention.ssa", "binary", {});
    for (const std::string spikes : {"binary", "ternary"}) {
      for (const std::string normalise : {"none", "softmax", "shiftmax"}) {
        add_score("bsa_" + spikes + "_" + normalise, "attention.bipolar", spikes, {{"normalise", normalise}});
      }
    }
  }

  // [N, H, M]: value m of every head is one at token m. first: of the columns, there are `width` of them.
  std::vector<float> identity(Index first, Index width) const {
    std::vector<float> one(static_cast<std::size_t>(of_.tokens * of_.heads * width));
    for (Index n = first; n < std::min(of_.tokens, first + width); ++n) {
      for (Index h = 0; h < of_.heads; ++h) {
        one[(n * of_.heads + h) * width + n - first] = 1;
      }
    }
    std::vector<float> all;
    for (Index i = 0; i < of_.steps * of_.samples; ++i) {
      all.insert(all.end(), one.begin(), one.end());
    }
    return all;
  }

  void add_circulant() {
    const Index n = of_.tokens;
    add_input("identity", {{Axis::N, n}, {Axis::C, of_.heads * n}}, identity(0, n));
    add_node("cat.z", "attention.cat_logits", {"q", "k"}, {{"heads", heads()}});
    add_node("cat", "attention.cat", {"cat.z", "identity"}, {{"heads", heads()}});
    mechanisms_.push_back({"cat", {"cat"}, Reading::circulant});
    add_output("cat");
  }

  void add_statten(Index chunk) {
    if (of_.steps % chunk != 0) {
      left_out.push_back(
          fmt::format("statten: {} steps are no whole number of chunks of {}", of_.steps, chunk));
      return;
    }
    const Index d = of_.channels / of_.heads;
    Mechanism mechanism{"statten", {}, Reading::columns};
    for (Index first = 0; first < of_.tokens; first += d) {
      const std::string columns = fmt::format("columns{}", first);
      const std::string name = fmt::format("statten{}", first);
      add_input(columns, {{Axis::N, of_.tokens}, {Axis::C, of_.channels}}, identity(first, d), Form::spikes);
      add_node(name, "attention.statten", {"q.binary", "k.binary", columns},
               {{"heads", heads()}, {"chunk", static_cast<double>(chunk)}, {"scale", 1.0}});
      mechanism.ports.push_back(name);
      add_output(name);
    }
    mechanisms_.push_back(std::move(mechanism));
  }

  const Currents& of_;
  BuiltModel built_;
  Arrays arrays_;
  std::vector<Mechanism> mechanisms_;
};

LayerMaps empty_maps(const Currents& of, const std::string& mechanism) {
  LayerMaps maps;
  maps.name = of.name;
  maps.op = mechanism;
  maps.steps = of.steps;
  maps.samples = of.samples;
  maps.heads = of.heads;
  maps.rows = of.tokens;
  maps.columns = of.tokens;
  maps.numbers.resize(static_cast<std::size_t>(of.steps * of.samples * of.heads * of.tokens * of.tokens));
  return maps;
}

// values: of each port. Calls the right place of it for each entry of the maps.
LayerMaps read(const Currents& of, const Mechanism& mechanism,
               const std::vector<std::vector<float>>& values) {
  LayerMaps maps = empty_maps(of, mechanism.name);
  const Index n = of.tokens, h = of.heads, d = of.channels / of.heads;
  for (Index slice = 0; slice < of.steps * of.samples; ++slice) {
    for (Index head = 0; head < h; ++head) {
      for (Index i = 0; i < n; ++i) {
        for (Index j = 0; j < n; ++j) {
          double& entry = maps.numbers[((slice * h + head) * n + i) * n + j];
          switch (mechanism.reading) {
            case Reading::score:
              entry = values[0][((slice * h + head) * n + i) * n + j];
              break;
            case Reading::circulant:
              entry = values[0][((slice * n + i) * h + head) * n + j];
              break;
            case Reading::columns:
              entry = values[j / d][((slice * n + i) * h + head) * d + j % d];
              break;
            case Reading::diagonal:
              entry = i == j ? values[0][(slice * n + i) * h + head] : 0;
              break;
            case Reading::keys_first:
              entry = values[0][((slice * h + head) * n + j) * n + i];
              break;
          }
        }
      }
    }
  }
  return maps;
}

// Spikes a place: of binary ones, and of ternary ones of either sign.
double rate(const std::vector<float>& q, const std::vector<float>& k) {
  const auto fired = [](const std::vector<float>& spikes) {
    return static_cast<double>(spikes.size()) - static_cast<double>(std::ranges::count(spikes, 0.0f));
  };
  return (fired(q) + fired(k)) / static_cast<double>(q.size() + k.size());
}

std::vector<float> rates_of_heads(const Currents& of, const std::vector<float>& spikes) {
  std::vector<double> sums(static_cast<std::size_t>(of.heads));
  const Index d = of.channels / of.heads;
  for (std::size_t i = 0; i < spikes.size(); ++i) {
    sums[static_cast<std::size_t>(static_cast<Index>(i) % of.channels / d)] += spikes[i];
  }
  std::vector<float> rates;
  for (const double sum : sums) {
    rates.push_back(
        static_cast<float>(sum / (static_cast<double>(spikes.size()) / static_cast<double>(of.heads))));
  }
  return rates;
}

std::vector<float> numbers_of(const std::map<std::string, Tensor>& values, const std::string& name) {
  return as_floats(array_of(values.at(name)));
}

void check(const Currents& of, Index chunk) {
  VOLLEY_CHECK(of.heads >= 1 && of.channels % of.heads == 0, Fault::usage,
               "{} heads don't divide {} channels of '{}'", of.heads, of.channels, of.name);
  VOLLEY_CHECK(of.threshold > 0, Fault::usage, "the threshold is {}, wanted above 0", of.threshold);
  VOLLEY_CHECK(chunk >= 1, Fault::usage, "the chunk is {}, wanted 1 or more", chunk);
}

}  // namespace

FidelityMaps fidelity_maps(const Currents& currents, Index chunk) {
  check(currents, chunk);
  FidelityMaps out;
  FidelityGraph graph(currents, chunk);
  std::map<std::string, Tensor> values = graph.run();
  const std::vector<float> q = numbers_of(values, "q.binary");
  out.binary_rate = rate(q, numbers_of(values, "k.binary"));
  out.ternary_rate = rate(numbers_of(values, "q.ternary"), numbers_of(values, "k.ternary"));
  const std::vector<float> rates = rates_of_heads(currents, q);
  if (const auto silent = std::ranges::find(rates, 0.0f); silent != rates.end()) {
    graph.left_out.push_back(fmt::format("dssa: head {} of q has no spike", silent - rates.begin()));
  } else {
    graph.add_dssa(rates);
    values = graph.run();
  }
  out.left_out = graph.left_out;
  for (const Mechanism& mechanism : graph.mechanisms()) {
    std::vector<std::vector<float>> numbers;
    for (const std::string& port : mechanism.ports) {
      numbers.push_back(numbers_of(values, port));
    }
    LayerMaps maps = read(currents, mechanism, numbers);
    if (mechanism.name == "softmax") {
      out.softmax = std::move(maps);
    } else {
      out.mechanisms.push_back({mechanism.name, std::move(maps)});
    }
  }
  return out;
}

}  // namespace volley::cli
