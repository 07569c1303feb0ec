// Spikingformer of any size.
#include "models/families/spikingformer.hpp"

#include "sim/base/check.hpp"

namespace volley {
namespace {

constexpr double image_gain = 4.0;
constexpr double conv_gain = 4.5;
constexpr double linear_gain = 4.5;
constexpr double query_gain = 3.0;   // of q, k and v: attention adds up many of their coincidences
constexpr double branch_gain = 1.5;  // of layers that write into the shortcut: their currents add up

ConvSizes same_conv(Index inputs, Index outputs) {
  return {.inputs = inputs, .outputs = outputs, .kernel = 3, .padding = 1};
}

std::string tokenizer(GraphWriter& writer, const SpikingformerOptions& options) {
  const bool is_cifar = options.variant == SpikingformerVariant::cifar;
  const PictureSizes sizes{options.channels, options.image,
                           options.variant == SpikingformerVariant::dvs ? Picture::frames : Picture::image};
  const Index dim = options.dim;
  const Index widths[] = {dim / 8, dim / 4, dim / 2, dim, dim};
  const std::string path = "patch_embed.";
  std::string x = picture(writer, sizes);
  x = conv_norm(writer, conv_names(path + (is_cifar ? "block0" : "proj")), x,
                same_conv(options.channels, dim / 8), image_gain);
  x = with_steps(writer, x, sizes.picture);
  for (std::size_t k = 1; k <= 4; ++k) {
    const std::string stage = fmt::format("{}{}{}", path, is_cifar ? "block" : "proj", k);
    x = writer.neuron(stage + "_lif", x);
    if (!is_cifar || k >= 3) {
      x = writer.max_pool(fmt::format("{}maxpool{}", path, k), x);
    }
    x = conv_norm(writer, conv_names(stage), x, same_conv(widths[k - 1], widths[k]), conv_gain);
  }
  return writer.node("patch_embed.tokens", "layout.tokens", {x});
}

std::string block(GraphWriter& writer, const std::string& path, const std::string& x,
                  const SpikingformerOptions& options) {
  const Index dim = options.dim;
  const std::string attn = path + "attn.";
  const std::string spikes = writer.neuron(attn + "proj_lif", x);
  const auto branch = [&](const std::string& name) {
    const std::string y = linear_norm(writer, conv_names(attn + name), spikes, dim, dim, false, query_gain);
    return writer.neuron(attn + name + "_lif", y);
  };
  const std::string q = branch("q");
  const std::string k = branch("k");
  const std::string v = branch("v");
  const bool is_linear = options.variant == SpikingformerVariant::imagenet;
  std::string y = writer.node(attn + "ssa", "attention.ssa", {q, k, v},
                              {{"heads", static_cast<double>(options.heads)},
                               {"scale", 0.125},
                               {"order", std::string(is_linear ? "q_kv" : "qk_v")}});
  y = writer.neuron(attn + "attn_lif", y, 0.5);
  y = linear_norm(writer, conv_names(attn + "proj"), y, dim, dim, true, branch_gain);
  const std::string sum = writer.add(attn + "add", x, y);
  return membrane_mlp(writer, path + "mlp.", "mlp1", "mlp2", sum, dim, linear_gain, branch_gain);
}

}  // namespace

void SpikingformerOptions::visit(ParamVisitor& visitor) {
  static constexpr std::string_view words[] = {"cifar", "imagenet", "dvs"};
  visitor.choice_of("variant", variant, words, "of the authors' code");
  visitor.integer("image", image, "height and width [pixels]");
  visitor.integer("channels", channels, "of the image [1]");
  visitor.integer("dim", dim, "width [1]");
  visitor.integer("heads", heads, "of attention [1]");
  visitor.integer("depth", depth, "blocks [1]");
  visitor.integer("classes", classes, "numbers that come out [1]");
}

BuiltModel build_spikingformer(const SpikingformerOptions& options) {
  check_widths("spikingformer", options.dim, options.heads, 8);
  check_side("spikingformer", options.image, options.variant == SpikingformerVariant::cifar ? 4 : 16);
  check_positive("spikingformer", {options.depth, options.classes, options.channels},
                 "depth, classes and channels");
  GraphWriter writer(fmt::format("spikingformer-{}-{}", options.depth, options.dim), options.seed,
                     options.draw);
  writer.set_neuron({.tau = options.variant == SpikingformerVariant::dvs ? 1.5 : 2.0});
  std::string x = tokenizer(writer, options);
  for (Index i = 0; i < options.depth; ++i) {
    x = block(writer, fmt::format("block.{}.", i), x, options);
  }
  rate_head(writer, x, options.dim, options.classes);
  return writer.take();
}

}  // namespace volley
