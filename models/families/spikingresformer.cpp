// SpikingResformer of any size.
#include "models/families/spikingresformer.hpp"

#include "sim/base/check.hpp"

namespace volley {
namespace {

constexpr double image_gain = 3.0;
constexpr double conv_gain = 5.0;
constexpr double attention_gain = 3.5;
constexpr double hidden_gain = 3.0;
constexpr double branch_gain = 2.0;  // of layers that write into the shortcut: their currents add up
constexpr float rate = 0.1f;
constexpr Index hidden_ratio = 4;

using Variant = SpikingresformerVariant;

std::string prologue(GraphWriter& writer, const SpikingresformerOptions& options) {
  const Picture kind = options.variant == Variant::dvsg ? Picture::frames : Picture::image;
  std::string x = picture(writer, {options.channels, options.image, kind});
  const bool is_imagenet = options.variant == Variant::imagenet;
  x = conv_norm(writer, {"prologue.0", "prologue.1.bn"}, x,
                {.inputs = options.channels,
                 .outputs = options.dims[0],
                 .kernel = is_imagenet ? 7 : 3,
                 .stride = is_imagenet ? 2 : 1,
                 .padding = is_imagenet ? 3 : 1},
                is_imagenet ? image_gain / 2 : image_gain);
  x = is_imagenet ? writer.max_pool("prologue.2", x) : x;
  return with_steps(writer, x, kind);
}

std::string downsample(GraphWriter& writer, const std::string& path, const std::string& x, Index inputs,
                       Index outputs) {
  const std::string spikes = writer.neuron(path + "activation", x);
  return conv_norm(writer, {path + "conv", path + "norm.bn"}, spikes,
                   {.inputs = inputs, .outputs = outputs, .kernel = 3, .stride = 2, .padding = 1}, conv_gain);
}

struct Stage {
  Index width, heads, patch, group, side;
};

std::string attention(GraphWriter& writer, const std::string& path, const std::string& x,
                      const Stage& stage) {
  const Index width = stage.width;
  const std::string image = writer.neuron(path + "activation_in", x);
  const std::string spikes = writer.node(path + "tokens", "layout.tokens", {image});
  std::string y = conv_norm(
      writer, {path + "W", path + "norm.bn"}, image,
      {.inputs = width, .outputs = 2 * width, .kernel = stage.patch, .stride = stage.patch}, attention_gain);
  y = writer.node(path + "keys", "layout.tokens", {y});
  const Attributes heads{{"heads", static_cast<double>(stage.heads)}};
  std::string a = writer.node(path + "scores", "attention.dssa_scores", {y, spikes}, heads);
  writer.constant("firing_rate_x", path + "firing_rate_x", {1, 1, stage.heads, 1, 1}, rate);
  a = writer.neuron(path + "activation_attn", a);
  Attributes with_tokens = heads;
  const Index side = stage.side / stage.patch;
  with_tokens["tokens"] = static_cast<double>(side * side);
  std::string out = writer.node(path + "values", "attention.dssa_values", {y, a}, with_tokens);
  writer.constant("firing_rate_attn", path + "firing_rate_attn", {1, 1, stage.heads, 1, 1}, rate);
  out = writer.neuron(path + "activation_out", out);
  out = linear_norm(writer, {path + "Wproj", path + "norm_proj.bn"}, out, width, width, false, branch_gain);
  const auto size = static_cast<double>(stage.side);
  out = writer.node(path + "image", "layout.image", {out}, {{"height", size}, {"width", size}});
  return writer.add(path + "add", x, out);
}

std::string feed_forward(GraphWriter& writer, const std::string& path, const std::string& x,
                         const Stage& stage) {
  const Index width = stage.width;
  const Index hidden = hidden_ratio * width;
  std::string y = writer.neuron(path + "up.0", x);
  const std::string up =
      linear_norm(writer, {path + "up.1", path + "up.2.bn"}, y, width, hidden, false, hidden_gain);
  y = writer.neuron(path + "conv.0.0", up);
  y = conv_norm(
      writer, {path + "conv.0.1", path + "conv.0.2.bn"}, y,
      {.inputs = hidden, .outputs = hidden, .kernel = 3, .padding = 1, .groups = hidden / stage.group},
      branch_gain);
  y = writer.neuron(path + "down.0", writer.add(path + "conv.add", up, y));
  y = linear_norm(writer, {path + "down.1", path + "down.2.bn"}, y, hidden, width, false, branch_gain);
  return writer.add(path + "add", x, y);
}

void check(const SpikingresformerOptions& options) {
  constexpr const char* who = "spikingresformer";
  for (const auto* list : {&options.dims, &options.heads, &options.patches, &options.pairs}) {
    VOLLEY_CHECK(list->size() == 3, Fault::usage,
                 "{}: a list of dims, heads, patches or pairs has {} numbers, wanted 3", who, list->size());
  }
  check_positive(who, {options.group, options.classes, options.channels}, "group, classes and channels");
  const Index stride = options.variant == Variant::imagenet ? 4 : 1;
  for (std::size_t s = 0; s < 3; ++s) {
    check_positive(who, {options.dims[s], options.heads[s], options.patches[s], options.pairs[s]},
                   "all numbers of dims, heads, patches and pairs");
    check_widths(who, options.dims[s], options.heads[s], 1);
    VOLLEY_CHECK(hidden_ratio * options.dims[s] % options.group == 0, Fault::usage,
                 "{}: group is {}, wanted a divisor of {}, four times dim {}", who, options.group,
                 hidden_ratio * options.dims[s], options.dims[s]);
    check_side(who, options.image, stride * (Index{1} << s) * options.patches[s]);
  }
}

}  // namespace

void SpikingresformerOptions::visit(ParamVisitor& visitor) {
  static constexpr std::string_view words[] = {"imagenet", "cifar", "dvsg"};
  visitor.choice_of("variant", variant, words, "of the authors' code");
  visitor.integer("image", image, "height and width [pixels]");
  visitor.integer("channels", channels, "of the image [1]");
  visitor.integers("dims", dims, "widths of the three stages [1]");
  visitor.integers("heads", heads, "of attention [1]");
  visitor.integers("patches", patches, "side of a key token [pixels]");
  visitor.integers("pairs", pairs, "attention and feed-forward, of each stage [1]");
  visitor.integer("group", group, "channels that see each other in the feed-forward network [1]");
  visitor.integer("classes", classes, "numbers that come out [1]");
}

BuiltModel build_spikingresformer(const SpikingresformerOptions& options) {
  check(options);
  GraphWriter writer(fmt::format("spikingresformer-{}", options.dims[2]), options.seed, options.draw);
  writer.set_neuron({.kind = options.variant == Variant::dvsg ? NeuronKind::plif : NeuronKind::lif});
  std::string x = prologue(writer, options);
  Index side = options.image / (options.variant == Variant::imagenet ? 4 : 1);
  for (std::size_t s = 0; s < 3; ++s) {
    Index next = 0;
    const auto path = [&] { return fmt::format("layers.{}.{}.", s, next++); };
    if (s > 0) {
      x = downsample(writer, path(), x, options.dims[s - 1], options.dims[s]);
      side /= 2;
    }
    const Stage stage{options.dims[s], options.heads[s], options.patches[s], options.group, side};
    for (Index pair = 0; pair < options.pairs[s]; ++pair) {
      x = attention(writer, path(), x, stage);
      x = feed_forward(writer, path(), x, stage);
    }
  }
  x = writer.node("pooled", "readout.mean", {x}, {{"axes", std::string("Y X")}});
  x = writer.linear("classifier", x, options.dims[2], options.classes, false);
  writer.output("logits", writer.node("readout", "readout.mean", {x}, {{"axes", std::string("T")}}));
  return writer.take();
}

}  // namespace volley
