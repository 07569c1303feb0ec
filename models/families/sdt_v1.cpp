// Spike-driven Transformer V1 of any size.
#include "models/families/sdt_v1.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace volley {
namespace {

constexpr double image_gain = 4.0;
constexpr double conv_gain = 4.5;
constexpr double pooled_gain = 2.0;  // in front of a maximum over 3 x 3 currents
constexpr double linear_gain = 4.0;
constexpr double branch_gain = 1.5;  // of layers that write into the shortcut: their currents add up

ConvSizes same_conv(Index inputs, Index outputs) {
  return {.inputs = inputs, .outputs = outputs, .kernel = 3, .padding = 1};
}

std::string patch_splitting(GraphWriter& writer, const SdtV1Options& options) {
  const Index widths[] = {options.channels, options.dim / 8, options.dim / 4, options.dim / 2, options.dim};
  const std::string path = "patch_embed.";
  std::string x = picture(writer, {options.channels, options.image, options.picture});
  std::string currents;
  for (std::size_t s = 0; s < 4; ++s) {
    const std::string tail = s == 0 ? "" : std::to_string(s);
    const bool pools = options.pooling[s] == '1';
    const double gain = s == 0 ? image_gain : s == 3 && pools ? pooled_gain : conv_gain;
    x = conv_norm(writer, {path + "proj_conv" + tail, path + "proj_bn" + tail}, x,
                  same_conv(widths[s], widths[s + 1]), gain);
    if (s == 0) {
      x = with_steps(writer, x, options.picture);
    }
    if (s == 3) {
      x = currents = pools ? writer.max_pool(path + "maxpool3", x) : x;
    }
    x = writer.neuron(path + "proj_lif" + tail, x);
    if (s < 3 && pools) {
      x = writer.max_pool(path + "maxpool" + tail, x);
    }
  }
  x = conv_norm(writer, conv_names(path + "rpe"), x, same_conv(options.dim, options.dim), branch_gain);
  x = writer.add(path + "add", x, currents);
  return writer.node(path + "tokens", "layout.tokens", {x});
}

std::string block(GraphWriter& writer, const std::string& path, const std::string& x,
                  const SdtV1Options& options, const WriteAttention& attention) {
  const Index dim = options.dim;
  const std::string attn = path + "attn.";
  std::string y = attention(writer, attn, x);
  y = linear_norm(writer, conv_names(attn + "proj"), y, dim, dim, true, branch_gain);
  const std::string sum = writer.add(attn + "add", y, x);
  return membrane_mlp(writer, path + "mlp.", "fc1", "fc2", sum, dim, linear_gain, branch_gain);
}

}  // namespace

void SdtV1Options::visit(ParamVisitor& visitor) {
  static constexpr std::string_view words[] = {"image", "frames"};
  visitor.text("pooling", pooling, "four flags: which stages pool");
  visitor.choice_of("picture", picture, words, "there once, or in each step");
  visitor.flag("dvs_mode", dvs_mode, "maxima inside attention");
  visitor.flag("plif", plif, "learned time constants");
  visitor.integer("image", image, "height and width [pixels]");
  visitor.integer("channels", channels, "of the image [1]");
  visitor.integer("dim", dim, "width [1]");
  visitor.integer("heads", heads, "of attention [1]");
  visitor.integer("depth", depth, "blocks [1]");
  visitor.integer("classes", classes, "numbers that come out [1]");
}

Index SdtV1Options::side() const {
  return image >> std::count(pooling.begin(), pooling.end(), '1');
}

std::string sdt_v1_branch(GraphWriter& writer, const std::string& path, const std::string& spikes, Index dim,
                          double gain) {
  const std::string y = linear_norm(writer, conv_names(path), spikes, dim, dim, false, gain);
  return writer.neuron(path + "_lif", y);
}

std::string pool_tokens(GraphWriter& writer, const std::string& path, const std::string& tokens, Index side) {
  const auto size = static_cast<double>(side);
  std::string x = writer.node(path + "_image", "layout.image", {tokens}, {{"height", size}, {"width", size}});
  x = writer.max_pool(path + "_pool", x, 1);
  return writer.node(path + "_tokens", "layout.tokens", {x});
}

std::string sdsa(GraphWriter& writer, const std::string& path, const SdtV1Options& options,
                 const std::string& q, const std::string& k, const std::string& v) {
  std::string g;
  if (options.dvs_mode) {
    const Attributes heads{{"heads", static_cast<double>(options.heads)}};
    g = writer.node(path + "kv", "merge.multiply", {k, v});
    g = writer.node(path + "kv_pool", "pool.heads", {g}, heads);
    g = writer.node(path + "sum", "attention.channel_sum", {g});
    g = writer.neuron(path + "talking_heads_lif", g, 0.5);
    return writer.node(path + "y_pool", "pool.heads",
                       {writer.node(path + "mask", "attention.column_mask", {q, g})}, heads);
  }
  g = writer.node(path + "sdsa", "attention.sdsa1", {k, v});
  g = writer.neuron(path + "talking_heads_lif", g, 0.5);
  return writer.node(path + "mask", "attention.column_mask", {q, g});
}

BuiltModel build_sdt_v1_around(const std::string& name, const SdtV1Options& options,
                               const WriteAttention& attention) {
  const std::string& pooling = options.pooling;
  VOLLEY_CHECK(pooling.size() == 4 && pooling.find_first_not_of("01") == std::string::npos, Fault::usage,
               "{}: pooling is '{}', wanted four flags, as 0011", name, pooling);
  check_widths(name.c_str(), options.dim, options.heads, 8);
  check_side(name.c_str(), options.image, Index{1} << std::count(pooling.begin(), pooling.end(), '1'));
  check_positive(name.c_str(), {options.depth, options.classes, options.channels},
                 "depth, classes and channels");
  GraphWriter writer(fmt::format("{}-{}-{}", name, options.depth, options.dim), options.seed, options.draw);
  writer.set_neuron({.kind = options.plif ? NeuronKind::plif : NeuronKind::lif});
  std::string x = patch_splitting(writer, options);
  for (Index i = 0; i < options.depth; ++i) {
    x = block(writer, fmt::format("block.{}.", i), x, options, attention);
  }
  spiking_head(writer, x, "N", "head_lif", options.dim, options.classes);
  return writer.take();
}

BuiltModel build_sdt_v1(const SdtV1Options& options) {
  return build_sdt_v1_around(
      "sdt-v1", options, [&](GraphWriter& writer, const std::string& path, const std::string& x) {
        const std::string spikes = writer.neuron(path + "shortcut_lif", x);
        const std::string q = sdt_v1_branch(writer, path + "q", spikes, options.dim, linear_gain);
        std::string k = sdt_v1_branch(writer, path + "k", spikes, options.dim, linear_gain);
        std::string v = sdt_v1_branch(writer, path + "v", spikes, options.dim, linear_gain);
        if (options.dvs_mode) {
          k = pool_tokens(writer, path + "k", k, options.side());
          v = pool_tokens(writer, path + "v", v, options.side());
        }
        return sdsa(writer, path, options, q, k, v);
      });
}

}  // namespace volley
