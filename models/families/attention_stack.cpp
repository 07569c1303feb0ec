// Stacks of attention: linear, softmax, SSA and BSA.
#include "models/families/attention_stack.hpp"

#include "models/families/linear_attention.hpp"

namespace volley {
namespace {

constexpr double threshold = 0.5;      // IF: a current of unit variance fires it in 3 of 10 first steps
constexpr double tsn_threshold = 1.0;  // TSN: as often, on two sides
constexpr double tsn_tau = 0.5;
constexpr double spike_gain = 2.0;   // of weights that read spikes, a third of which are 1
constexpr double score_gain = 16.0;  // times 1 / (N d_head), the greatest score of a row

struct Layer {
  GraphWriter& writer;
  const AttentionStackOptions& options;
  std::string path, x;
  double input_gain;

  std::string linear(const std::string& name, const std::string& in, double gain) {
    return writer.linear(path + name, in, options.dim, options.dim, false, gain);
  }
  std::string fire(const std::string& name, const std::string& in) {
    return writer.node(path + name, "neuron.if", {in}, {{"threshold", threshold}});
  }
  std::string fire_signed(const std::string& name, const std::string& in, double at) {
    return writer.node(path + name, "neuron.ternary", {in}, {{"tau", tsn_tau}, {"threshold", at}});
  }
  double heads() const { return static_cast<double>(options.heads); }

  std::string softmax() {
    const std::string q = linear("q", x, 1), k = linear("k", x, 1), v = linear("v", x, 1);
    const std::string y =
        writer.node(path + "attention", "attention.softmax", {q, k, v}, {{"heads", heads()}});
    return linear("proj", y, 1);
  }

  std::string binary() {
    const std::string q = fire("q.fire", linear("q", x, input_gain));
    const std::string k = fire("k.fire", linear("k", x, input_gain));
    const std::string v = fire("v.fire", linear("v", x, input_gain));
    const auto most = static_cast<double>(options.tokens * (options.dim / options.heads));
    const std::string y = writer.node(path + "attention", "attention.ssa", {q, k, v},
                                      {{"heads", heads()}, {"scale", score_gain / most}});
    return linear("proj", fire("attention.fire", y), spike_gain);
  }

  std::string bipolar() {
    const std::string q = fire_signed("q.fire", linear("q", x, input_gain), tsn_threshold);
    const std::string k = fire_signed("k.fire", linear("k", x, input_gain), tsn_threshold);
    const std::string v = linear("v", x, input_gain);
    const std::string y =
        writer.node(path + "attention", "attention.bipolar", {q, k, v}, {{"heads", heads()}});
    return linear("proj", fire_signed("attention.fire", y, threshold), spike_gain);
  }
};

}  // namespace

BuiltModel build_attention_stack(const AttentionStackOptions& options) {
  if (options.mechanism == StackMechanism::linear) {
    LinearAttentionOptions linear;
    linear.tokens = options.tokens;
    linear.dim = options.dim;
    linear.heads = options.heads;
    linear.depth = options.depth;
    linear.seed = options.seed;
    linear.draw = options.draw;
    return build_linear_attention(linear);
  }
  const auto mechanism = stack_mechanisms[static_cast<std::size_t>(options.mechanism)];
  check_widths("attention-stack", options.dim, options.heads, 1);
  check_positive("attention-stack", {options.tokens, options.depth}, "tokens and depth");
  GraphWriter writer(fmt::format("{}-attention-{}-{}", mechanism, options.depth, options.dim), options.seed,
                     options.draw);
  const bool spiking = options.mechanism != StackMechanism::softmax;
  std::string x = writer.input("tokens", {{Axis::N, options.tokens}, {Axis::C, options.dim}});
  if (spiking) {
    x = writer.node("encode", "encode.direct", {x});
  }
  for (Index i = 0; i < options.depth; ++i) {
    Layer layer{writer, options, fmt::format("layer.{}.", i), x, 1.0};
    x = !spiking                                      ? layer.softmax()
        : options.mechanism == StackMechanism::binary ? layer.binary()
                                                      : layer.bipolar();
  }
  if (spiking) {
    x = writer.node("mean", "readout.mean", {x}, {{"axes", std::string("T")}});
  }
  writer.output("out", x);
  return writer.take();
}

}  // namespace volley
