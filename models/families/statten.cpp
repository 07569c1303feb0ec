// STAtten of any size.
#include "models/families/statten.hpp"

#include "attention/statten.hpp"
#include "sim/base/check.hpp"

namespace volley {
namespace {

constexpr double query_gain = 3.0;  // of q, k and v: attention adds up many of their coincidences

struct Attention {
  GraphWriter& writer;
  const StattenOptions& options;
  const std::string& path;

  std::string branch(const std::string& name, const std::string& spikes) const {
    const std::string y = sdt_v1_branch(writer, path + name, spikes, options.dim, query_gain);
    return options.dvs_mode ? pool_tokens(writer, path + name, y, options.side()) : y;
  }

  std::string write(const std::string& x) const {
    const std::string spikes = writer.neuron(path + "shortcut_lif", x);
    const std::string q = branch("q", spikes);
    const std::string k = branch("k", spikes);
    const std::string v = branch("v", spikes);
    if (options.attention == StattenMode::sdsa) {
      return sdsa(writer, path, options, q, k, v);
    }
    const auto side = static_cast<double>(options.side());
    const double scale =
        options.dvs_mode ? 1.0 / (side * side * static_cast<double>(options.chunk)) : 1.0 / side;
    std::string y = writer.node(path + "statten", "attention.statten", {q, k, v},
                                {{"heads", static_cast<double>(options.heads)},
                                 {"chunk", static_cast<double>(options.chunk)},
                                 {"scale", scale}});
    y = writer.neuron(path + "attn_lif", y, 0.5);
    if (!options.dvs_mode) {
      return y;
    }
    const std::string pooled = pool_tokens(writer, path + "x", spikes, options.side());
    y = writer.node(path + "gate", "merge.multiply", {y, pooled});
    return writer.add(path + "gate_add", y, pooled);
  }
};

}  // namespace

void StattenOptions::visit(ParamVisitor& visitor) {
  static constexpr std::string_view words[] = {"statten", "sdsa"};
  SdtV1Options::visit(visitor);
  visitor.choice_of("attention", attention, words, "over several steps, or SDSA-1");
  visitor.integer("chunk", chunk, "steps that attention merges [steps]");
}

BuiltModel build_statten(const StattenOptions& options) {
  VOLLEY_CHECK(options.chunk >= 1 && options.chunk <= Statten::most_chunk, Fault::usage,
               "statten: chunk is {}, wanted 1 to {}", options.chunk, Statten::most_chunk);
  return build_sdt_v1_around("statten", options,
                             [&](GraphWriter& writer, const std::string& path, const std::string& x) {
                               writer.set_neuron({});
                               const std::string y = Attention{writer, options, path}.write(x);
                               writer.set_neuron({.kind = options.plif ? NeuronKind::plif : NeuronKind::lif});
                               return y;
                             });
}

}  // namespace volley
