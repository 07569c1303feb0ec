// QKFormer of any size.
#include "models/families/qkformer.hpp"

#include "sim/base/check.hpp"

namespace volley {
namespace {

constexpr double image_gain = 4.0;
constexpr double conv_gain = 3.5;
constexpr double pooled_gain = 2.0;  // in front of a maximum over 3 x 3 currents
constexpr double linear_gain = 3.5;
constexpr double proj_gain = 6.0;     // reads the few spikes that attention leaves
constexpr double product_gain = 2.5;  // of q, k and v: attention adds up many of their coincidences
constexpr double query_gain = 2.0;    // one spike of q lets the whole head through

enum class Pooling : std::uint8_t { none, currents };

ConvSizes same_conv(Index inputs, Index outputs) {
  return {.inputs = inputs, .outputs = outputs, .kernel = 3, .padding = 1};
}
ConvSizes shortcut_conv(Index inputs, Index outputs, Index stride) {
  return {.inputs = inputs, .outputs = outputs, .kernel = 1, .stride = stride};
}

std::string conv_spikes(GraphWriter& writer, const std::string& path, const std::string& in,
                        const ConvSizes& sizes, Pooling pooling = Pooling::none) {
  const double gain = pooling == Pooling::currents ? pooled_gain : conv_gain;
  std::string x = conv_norm(writer, conv_names(path), in, sizes, gain);
  if (pooling == Pooling::currents) {
    x = writer.max_pool(path + "_maxpool", x);
  }
  return writer.neuron(path + "_lif", x);
}

std::string first_spikes(GraphWriter& writer, const PictureSizes& sizes, Index outputs, Pooling pooling) {
  const std::string path = "patch_embed1.proj";
  std::string x = picture(writer, sizes);
  x = conv_norm(writer, conv_names(path), x, same_conv(sizes.channels, outputs), image_gain);
  if (pooling == Pooling::currents) {
    x = writer.max_pool(path + "_maxpool", x);
  }
  x = with_steps(writer, x, sizes.picture);
  return writer.neuron(path + "_lif", x);
}

// `width` channels come out.
std::string first_embedding(GraphWriter& writer, const QkformerOptions& options, Index width) {
  const std::string path = "patch_embed1.";
  std::string a;
  std::string b;
  std::string shortcut;
  switch (options.variant) {
    case QkformerVariant::cifar:
      a = first_spikes(writer, {options.channels, options.image, Picture::image}, width / 2, Pooling::none);
      b = conv_spikes(writer, path + "proj1", a, same_conv(width / 2, width));
      shortcut = conv_spikes(writer, path + "proj_res", a, shortcut_conv(width / 2, width, 1));
      break;
    case QkformerVariant::imagenet:
      a = first_spikes(writer, {options.channels, options.image, Picture::image}, width / 2,
                       Pooling::currents);
      b = conv_spikes(writer, path + "proj1", a, same_conv(width / 2, width), Pooling::currents);
      b = conv_spikes(writer, path + "proj2", b, same_conv(width, width));
      shortcut = conv_spikes(writer, path + "proj_res", a, shortcut_conv(width / 2, width, 2));
      break;
    case QkformerVariant::dvs:
      a = first_spikes(writer, {options.channels, options.image, Picture::frames}, width / 8, Pooling::none);
      a = conv_spikes(writer, path + "proj1", a, same_conv(width / 8, width / 4), Pooling::currents);
      b = conv_spikes(writer, path + "proj2", a, same_conv(width / 4, width / 2), Pooling::currents);
      b = conv_spikes(writer, path + "proj3", b, same_conv(width / 2, width), Pooling::currents);
      shortcut = conv_spikes(writer, path + "proj_res", a, shortcut_conv(width / 4, width, 4));
      break;
  }
  return writer.add(path + "add", b, shortcut);
}

// Half the side, `width` channels.
std::string embedding(GraphWriter& writer, QkformerVariant variant, const std::string& path,
                      const std::string& x, Index inputs, Index width) {
  const bool pools_first = variant == QkformerVariant::imagenet;
  const std::string first = path + (variant == QkformerVariant::dvs ? "proj" : "proj3");
  std::string y = conv_spikes(writer, first, x, same_conv(inputs, width),
                              pools_first ? Pooling::currents : Pooling::none);
  y = conv_spikes(writer, path + "proj4", y, same_conv(width, width),
                  pools_first ? Pooling::none : Pooling::currents);
  const std::string shortcut = conv_spikes(writer, path + "proj_res", x, shortcut_conv(inputs, width, 2));
  return writer.add(path + "add", y, shortcut);
}

struct Block {
  GraphWriter& writer;
  const QkformerOptions& options;
  Index width;
  std::string path;       // "stage1.0."
  std::string attention;  // "tssa", "ssa", "attn"

  std::string layer(const std::string& name, const std::string& in, Index inputs, Index outputs, bool bias,
                    double gain = linear_gain) const {
    const std::string out = linear_norm(writer, conv_names(path + name), in, inputs, outputs, bias, gain);
    return writer.neuron(path + name + "_lif", out);
  }

  Attributes heads() const { return {{"heads", static_cast<double>(options.heads)}}; }

  // Tokens without a spike of q in a head are silent there.
  std::string token_attention(const std::string& at, const std::string& x) const {
    const std::string q = layer(at + "q", x, width, width, false, query_gain);
    const std::string k = layer(at + "k", x, width, width, false);
    std::string a = writer.node(path + at + "sum", "attention.token_sum", {q}, heads());
    a = writer.neuron(path + at + "attn_lif", a, 0.5);
    return writer.node(path + at + "mask", "attention.token_mask", {a, k});
  }

  std::string self_attention(const std::string& at, const std::string& x) const {
    const std::string q = layer(at + "q", x, width, width, false, product_gain);
    const std::string k = layer(at + "k", x, width, width, false, product_gain);
    const std::string v = layer(at + "v", x, width, width, false, product_gain);
    Attributes attributes = heads();
    attributes["scale"] = 0.125;
    attributes["order"] = std::string("q_kv");
    const std::string y = writer.node(path + at + "product", "attention.ssa", {q, k, v}, attributes);
    return writer.neuron(path + at + "attn_lif", y, 0.5);
  }

  std::string projected(const std::string& at, const std::string& x) const {
    if (attention == "tssa" || options.proj_lif == QkformerProjLif::per_sample) {
      return layer(at + "proj", x, width, width, true, proj_gain);
    }
    const std::string y =
        linear_norm(writer, conv_names(path + at + "proj"), x, width, width, true, proj_gain);
    return writer.node(path + at + "proj_lif", "neuron.lif_over_batch", {y},
                       {{"tau", 2.0}, {"threshold", 1.0}});
  }

  std::string write(const std::string& x) const {
    const std::string at = attention + ".";
    std::string y = attention == "tssa" ? token_attention(at, x) : self_attention(at, x);
    y = projected(at, y);
    const std::string sum = writer.add(path + at + "add", x, y);
    const bool is_imagenet = options.variant == QkformerVariant::imagenet;
    const Index hidden = options.mlp_ratio * width;
    y = layer(is_imagenet ? "mlp.fc1" : "mlp.mlp1", sum, width, hidden, true);
    y = layer(is_imagenet ? "mlp.fc2" : "mlp.mlp2", y, hidden, width, true);
    return writer.add(path + "mlp.add", sum, y);
  }
};

struct Stage {
  Index width, blocks;
  std::string attention;
};

std::vector<Stage> stages_of(const QkformerOptions& options) {
  const Index dim = options.dim;
  switch (options.variant) {
    case QkformerVariant::cifar:
      return {{dim / 4, 1, "tssa"}, {dim / 2, 1, "tssa"}, {dim, options.depth - 2, "ssa"}};
    case QkformerVariant::imagenet:
      return {{dim / 4, 1, "tssa"}, {dim / 2, 2, "tssa"}, {dim, options.depth - 3, "attn"}};
    case QkformerVariant::dvs:
      break;
  }
  return {{dim / 2, 1, "tssa"}, {dim, 1, "ssa"}};
}

}  // namespace

void QkformerOptions::visit(ParamVisitor& visitor) {
  static constexpr std::string_view words[] = {"cifar", "imagenet", "dvs"};
  visitor.choice_of("variant", variant, words, "of the authors' code");
  visitor.integer("image", image, "height and width [pixels]");
  visitor.integer("channels", channels, "of the image [1]");
  visitor.integer("dim", dim, "width of the last stage [1]");
  visitor.integer("heads", heads, "of attention, in each stage [1]");
  visitor.integer("depth", depth, "blocks of all stages; of dvs 2 [1]");
  visitor.integer("mlp_ratio", mlp_ratio, "hidden width over width [1]");
  visitor.integer("classes", classes, "numbers that come out [1]");
  static constexpr std::string_view lifs[] = {"per_sample", "over_batch"};
  visitor.choice_of("proj_lif", proj_lif, lifs, "of SSA: over the steps of a sample, or over the batch too");
}

BuiltModel build_qkformer(const QkformerOptions& options) {
  const bool is_dvs = options.variant == QkformerVariant::dvs;
  const bool is_cifar = options.variant == QkformerVariant::cifar;
  check_widths("qkformer", options.dim, options.heads, is_dvs ? 16 : 8);
  const auto stages = stages_of(options);
  check_widths("qkformer", stages.front().width, options.heads, 1);
  check_side("qkformer", options.image, is_cifar ? 4 : 16);
  check_positive("qkformer", {stages.back().blocks, options.mlp_ratio, options.classes, options.channels},
                 "blocks of the last stage, mlp_ratio, classes and channels");
  VOLLEY_CHECK(!is_dvs || options.depth == 2, Fault::usage, "qkformer: depth of dvs is {}, wanted 2",
               options.depth);
  GraphWriter writer(fmt::format("qkformer-{}-{}", options.depth, options.dim), options.seed, options.draw);
  Index side = options.image / (is_cifar ? 1 : is_dvs ? 8 : 4);
  std::string x = first_embedding(writer, options, stages.front().width);
  for (std::size_t s = 0; s < stages.size(); ++s) {
    if (s > 0) {
      x = embedding(writer, options.variant, fmt::format("patch_embed{}.", s + 1), x, stages[s - 1].width,
                    stages[s].width);
      side /= 2;
    }
    x = writer.node(fmt::format("stage{}.tokens", s + 1), "layout.tokens", {x});
    for (Index i = 0; i < stages[s].blocks; ++i) {
      x = Block{writer, options, stages[s].width, fmt::format("stage{}.{}.", s + 1, i), stages[s].attention}
              .write(x);
    }
    if (s + 1 < stages.size()) {
      x = writer.node(fmt::format("stage{}.image", s + 1), "layout.image", {x},
                      {{"height", static_cast<double>(side)}, {"width", static_cast<double>(side)}});
    }
  }
  rate_head(writer, x, options.dim, options.classes);
  return writer.take();
}

}  // namespace volley
