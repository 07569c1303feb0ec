// Spikformer of any size.
#include "models/families/spikformer.hpp"

#include "sim/base/check.hpp"

namespace volley {
namespace {

// With decay_input and tau 2 a neuron fires from rest at a current of 2: these gains bring a unit-variance
// current there in a few steps.
constexpr double image_gain = 4.0;
constexpr double conv_gain = 3.0;
constexpr double linear_gain = 3.0;

ConvSizes same_conv(Index inputs, Index outputs) {
  return {.inputs = inputs, .outputs = outputs, .kernel = 3, .padding = 1};
}

// tail: "" or the number of the stage, behind each of its names.
std::string stage(GraphWriter& writer, const std::string& name, const std::string& tail,
                  const std::string& in, Index inputs, Index outputs, bool pool) {
  const std::string path = "patch_embed." + name;
  std::string out = conv_norm(writer, {path + "_conv" + tail, path + "_bn" + tail}, in,
                              same_conv(inputs, outputs), conv_gain);
  out = writer.neuron(path + "_lif" + tail, out);
  return pool ? writer.max_pool("patch_embed.maxpool" + tail, out) : out;
}

std::string patch_splitting(GraphWriter& writer, const SpikformerOptions& options) {
  const Index dim = options.dim;
  const bool pool_all = options.variant != SpikformerVariant::cifar;
  const PictureSizes sizes{options.channels, options.image,
                           options.variant == SpikformerVariant::dvs ? Picture::frames : Picture::image};
  std::string x = picture(writer, sizes);
  x = conv_norm(writer, conv_names("patch_embed.proj"), x, same_conv(options.channels, dim / 8), image_gain);
  x = with_steps(writer, x, sizes.picture);
  x = writer.neuron("patch_embed.proj_lif", x);
  if (pool_all) {
    x = writer.max_pool("patch_embed.maxpool", x);
  }
  x = stage(writer, "proj", "1", x, dim / 8, dim / 4, pool_all);
  x = stage(writer, "proj", "2", x, dim / 4, dim / 2, true);
  x = stage(writer, "proj", "3", x, dim / 2, dim, true);
  const std::string rpe = stage(writer, "rpe", "", x, dim, dim, false);
  x = writer.add("patch_embed.add", rpe, x);
  return writer.node("patch_embed.tokens", "layout.tokens", {x});
}

struct Block {
  GraphWriter& writer;
  const SpikformerOptions& options;
  std::string path;

  std::string layer(const std::string& name, const std::string& in, Index inputs, Index outputs,
                    bool bias) const {
    const bool is_cifar = options.variant == SpikformerVariant::cifar;
    const std::string at = path + name;
    const std::string out = linear_norm(writer, {at + (is_cifar ? "_linear" : "_conv"), at + "_bn"}, in,
                                        inputs, outputs, bias, linear_gain);
    return writer.neuron(at + "_lif", out);
  }

  std::string write(const std::string& x) const {
    const Index dim = options.dim;
    const bool has_bias = options.variant == SpikformerVariant::cifar;
    const bool is_dvs = options.variant == SpikformerVariant::dvs;
    const std::string q = layer("attn.q", x, dim, dim, has_bias);
    const std::string k = layer("attn.k", x, dim, dim, has_bias);
    const std::string v = layer("attn.v", x, dim, dim, has_bias);
    const bool is_linear = options.variant == SpikformerVariant::imagenet;
    std::string y = writer.node(path + "attn.ssa", "attention.ssa", {q, k, v},
                                {{"heads", static_cast<double>(options.heads)},
                                 {"scale", is_dvs ? 0.25 : 0.125},
                                 {"order", std::string(is_linear ? "q_kv" : "qk_v")}});
    y = writer.neuron(path + "attn.attn_lif", y, 0.5);
    y = layer("attn.proj", y, dim, dim, true);
    const std::string sum = writer.add(path + "attn.add", x, y);
    y = layer("mlp.fc1", sum, dim, 4 * dim, true);
    y = layer("mlp.fc2", y, 4 * dim, dim, true);
    return writer.add(path + "mlp.add", sum, y);
  }
};

}  // namespace

void SpikformerOptions::visit(ParamVisitor& visitor) {
  static constexpr std::string_view words[] = {"cifar", "imagenet", "dvs"};
  visitor.choice_of("variant", variant, words, "of the authors' code");
  visitor.integer("image", image, "height and width [pixels]");
  visitor.integer("channels", channels, "of the image [1]");
  visitor.integer("dim", dim, "width E [1]");
  visitor.integer("heads", heads, "of attention [1]");
  visitor.integer("depth", depth, "blocks [1]");
  visitor.integer("classes", classes, "numbers that come out [1]");
}

BuiltModel build_spikformer(const SpikformerOptions& options) {
  check_widths("spikformer", options.dim, options.heads, 8);
  check_side("spikformer", options.image, options.variant == SpikformerVariant::cifar ? 4 : 16);
  check_positive("spikformer", {options.depth, options.classes, options.channels},
                 "depth, classes and channels");
  GraphWriter writer(fmt::format("spikformer-{}-{}", options.depth, options.dim), options.seed, options.draw);
  std::string x = patch_splitting(writer, options);
  for (Index i = 0; i < options.depth; ++i) {
    x = Block{writer, options, fmt::format("block.{}.", i)}.write(x);
  }
  rate_head(writer, x, options.dim, options.classes);
  return writer.take();
}

}  // namespace volley
