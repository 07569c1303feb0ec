// Spikformer of any size.
#include "models/spikformer.hpp"

#include "sim/base/check.hpp"

namespace volley {
namespace {

// With decay_input and tau 2 a neuron fires from rest at a current of 2: these gains bring a unit-variance
// current there in a few steps.
constexpr double image_gain = 4.0;
constexpr double conv_gain = 3.0;
constexpr double linear_gain = 3.0;

Attributes same_conv() {
  return {{"padding", 1.0}, {"stride", 1.0}};
}

std::string conv_stage(GraphWriter& writer, const std::string& name, const std::string& in, Index inputs,
                       Index outputs, bool pool) {
  std::string out = writer.conv2d(name + ".conv", in, inputs, outputs, 3, same_conv(), conv_gain);
  out = writer.batch_norm(name + ".bn", out, outputs);
  out = writer.lif(name + ".lif", out);
  if (pool) {
    out =
        writer.node(name + ".pool", "pool.max", {out}, {{"kernel", 3.0}, {"stride", 2.0}, {"padding", 1.0}});
  }
  return out;
}

std::string patch_splitting(GraphWriter& writer, const SpikformerOptions& options) {
  const Index dim = options.dim;
  const bool pool_all = options.variant == SpikformerVariant::imagenet;
  std::string x = writer.input(
      "image", {{Axis::C, options.channels}, {Axis::Y, options.image}, {Axis::X, options.image}});
  x = writer.conv2d("sps0.conv", x, options.channels, dim / 8, 3, same_conv(), image_gain);
  x = writer.batch_norm("sps0.bn", x, dim / 8);
  x = writer.node("encode", "encode.direct", {x});
  x = writer.lif("sps0.lif", x);
  if (pool_all) {
    x = writer.node("sps0.pool", "pool.max", {x}, {{"kernel", 3.0}, {"stride", 2.0}, {"padding", 1.0}});
  }
  x = conv_stage(writer, "sps1", x, dim / 8, dim / 4, pool_all);
  x = conv_stage(writer, "sps2", x, dim / 4, dim / 2, true);
  x = conv_stage(writer, "sps3", x, dim / 2, dim, true);
  const std::string rpe = conv_stage(writer, "rpe", x, dim, dim, false);
  x = writer.node("sps.add", "merge.add", {rpe, x});
  return writer.node("tokens", "layout.tokens", {x});
}

std::string spiking_linear(GraphWriter& writer, const std::string& name, const std::string& in, Index inputs,
                           Index outputs, bool bias) {
  std::string out = writer.linear(name + ".linear", in, inputs, outputs, bias, linear_gain);
  out = writer.batch_norm(name + ".bn", out, outputs);
  return writer.lif(name + ".lif", out);
}

std::string block(GraphWriter& writer, const std::string& name, const std::string& x,
                  const SpikformerOptions& options) {
  const Index dim = options.dim;
  const bool is_cifar = options.variant == SpikformerVariant::cifar;
  const std::string q = spiking_linear(writer, name + ".q", x, dim, dim, is_cifar);
  const std::string k = spiking_linear(writer, name + ".k", x, dim, dim, is_cifar);
  const std::string v = spiking_linear(writer, name + ".v", x, dim, dim, is_cifar);
  std::string y = writer.node(name + ".attn", "attention.ssa", {q, k, v},
                              {{"heads", static_cast<double>(options.heads)},
                               {"scale", 0.125},
                               {"order", std::string(is_cifar ? "qk_v" : "q_kv")}});
  y = writer.lif(name + ".attn.lif", y, 0.5);
  y = spiking_linear(writer, name + ".proj", y, dim, dim, true);
  const std::string sum = writer.node(name + ".add", "merge.add", {x, y});
  y = spiking_linear(writer, name + ".fc1", sum, dim, 4 * dim, true);
  y = spiking_linear(writer, name + ".fc2", y, 4 * dim, dim, true);
  return writer.node(name + ".mlp.add", "merge.add", {sum, y});
}

}  // namespace

BuiltModel build_spikformer(const SpikformerOptions& options) {
  const Index stride = options.variant == SpikformerVariant::cifar ? 4 : 16;
  VOLLEY_CHECK(options.dim >= 8 && options.dim % 8 == 0, Fault::usage,
               "spikformer: dim is {}, wanted a multiple of 8", options.dim);
  VOLLEY_CHECK(options.heads >= 1 && options.dim % options.heads == 0, Fault::usage,
               "spikformer: heads is {}, wanted a divisor of dim {}", options.heads, options.dim);
  VOLLEY_CHECK(options.image >= stride && options.image % stride == 0, Fault::usage,
               "spikformer: image is {}, wanted a multiple of {}", options.image, stride);
  VOLLEY_CHECK(options.depth >= 1 && options.classes >= 1 && options.channels >= 1, Fault::usage,
               "spikformer: depth, classes and channels must be 1 or more");
  GraphWriter writer(fmt::format("spikformer-{}-{}", options.depth, options.dim), options.seed);
  std::string x = patch_splitting(writer, options);
  for (Index i = 0; i < options.depth; ++i) {
    x = block(writer, fmt::format("block{}", i), x, options);
  }
  x = writer.node("readout", "readout.mean", {x}, {{"axes", std::string("T N")}});
  writer.output("logits", writer.linear("head", x, options.dim, options.classes, true));
  return writer.take();
}

}  // namespace volley
