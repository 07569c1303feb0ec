// Spike-driven Transformer V3 of any size.
#include "models/families/sdt_v3.hpp"

#include "models/families/meta_stages.hpp"
#include "sim/base/check.hpp"

namespace volley {
namespace {

constexpr double image_gain = 3.0;
constexpr double conv_gain = 5.5;
constexpr double branch_gain = 2.0;  // of layers that write into the shortcut: their currents add up
constexpr Index value_ratio = 4;     // width of v over width of q and k

struct Writer {
  GraphWriter& graph;
  const SdtV3Options& options;

  ConvSizes pointwise(Index inputs, Index outputs) const {
    return {.inputs = inputs, .outputs = outputs, .kernel = 1, .norm = options.levels};
  }
  ConvSizes depthwise(Index width, Index kernel) const {
    return {.inputs = width,
            .outputs = width,
            .kernel = kernel,
            .padding = kernel / 2,
            .groups = width,
            .norm = options.levels};
  }
  ConvSizes same_conv(Index inputs, Index outputs) const {
    return {.inputs = inputs, .outputs = outputs, .kernel = 3, .padding = 1, .norm = options.levels};
  }
  std::string linear(const LayerNames& names, const std::string& in, Index inputs, Index outputs, bool bias,
                     double gain) const {
    return graph.batch_norm(
        names.norm, graph.linear(names.layer, in, inputs, outputs, bias, gain, options.levels), outputs);
  }

  std::string sep_conv(const std::string& path, const std::string& x, Index width, Index kernel) const {
    std::string y = graph.neuron(path + "spike1", x);
    y = conv_norm(graph, {path + "pwconv1.0", path + "pwconv1.1"}, y, pointwise(width, 2 * width), conv_gain);
    y = graph.neuron(path + "spike2", y);
    y = conv_norm(graph, {path + "dwconv.0", path + "dwconv.1"}, y, depthwise(2 * width, kernel), conv_gain);
    y = graph.neuron(path + "spike3", y);
    y = conv_norm(graph, {path + "pwconv2.0", path + "pwconv2.1"}, y, pointwise(2 * width, width),
                  branch_gain);
    return graph.add(path + "add", x, y);
  }

  std::string conv_block(const std::string& path, const std::string& x, Index width) const {
    constexpr Index kernel = 7;
    const std::string sum = sep_conv(path + "Conv.", x, width, kernel);
    std::string y = graph.neuron(path + "spike1", sum);
    y = conv_norm(graph, {path + "conv1", path + "bn1"}, y, same_conv(width, 4 * width), conv_gain);
    y = graph.neuron(path + "spike2", y);
    y = conv_norm(graph, {path + "conv2", path + "bn2"}, y, same_conv(4 * width, width), branch_gain);
    return graph.add(path + "add", sum, y);
  }

  // x is an image; scale 0 stands for 2 / sqrt(d).
  std::string attention(const std::string& path, const std::string& x, Index width, Index side) const {
    const std::string spikes =
        graph.node(path + "tokens", "layout.tokens", {graph.neuron(path + "head_spike", x)});
    const auto branch = [&](const std::string& name, Index outputs) {
      const std::string layer = path + name + "_conv";
      const std::string y = linear({layer + ".0", layer + ".1"}, spikes, width, outputs, false, conv_gain);
      return graph.neuron(path + name + "_spike", y);
    };
    const std::string q = branch("q", width);
    const std::string k = branch("k", width);
    const std::string v = branch("v", value_ratio * width);
    std::string y = graph.node(path + "ssa", "attention.ssa", {q, k, v},
                               {{"heads", static_cast<double>(options.heads)},
                                {"scale", 0.0},
                                {"norm", static_cast<double>(options.levels)},
                                {"order", std::string("qk_v")}});
    y = graph.neuron(path + "attn_spike", y);
    y = linear({path + "proj_conv.0", path + "proj_conv.1"}, y, value_ratio * width, width, false,
               branch_gain);
    y = graph.node(path + "image", "layout.image", {y},
                   {{"height", static_cast<double>(side)}, {"width", static_cast<double>(side)}});
    return graph.add(path + "add", x, y);
  }

  std::string block(const std::string& path, const std::string& x, Index width, Index side) const {
    constexpr Index kernel = 3;
    std::string sum = sep_conv(path + "conv.", x, width, kernel);
    sum = attention(path + "attn.", sum, width, side);
    const std::string mlp = path + "mlp.";
    std::string y = graph.neuron(mlp + "fc1_spike", sum);
    y = linear(conv_names(mlp + "fc1"), y, width, 4 * width, true, conv_gain);
    y = graph.neuron(mlp + "fc2_spike", y);
    y = linear(conv_names(mlp + "fc2"), y, 4 * width, width, true, branch_gain);
    return graph.add(mlp + "add", sum, y);
  }
};

}  // namespace

void SdtV3Options::visit(ParamVisitor& visitor) {
  visitor.integer("image", image, "height and width [pixels]");
  visitor.integer("channels", channels, "of the image [1]");
  visitor.integers("dims", dims, "widths of the four stages [1]");
  visitor.integer("heads", heads, "of attention [1]");
  visitor.integer("blocks3", blocks3, "attention blocks of stage 3 [1]");
  visitor.integer("blocks4", blocks4, "attention blocks of stage 4 [1]");
  visitor.integer("levels", levels, "largest spike, a power of two [1]");
  visitor.integer("classes", classes, "numbers that come out [1]");
}

BuiltModel build_sdt_v3(const SdtV3Options& options) {
  MetaStages stages{"sdt-v3",
                    options.image,
                    options.channels,
                    options.dims,
                    options.blocks3,
                    options.blocks4,
                    "encode_spike",
                    options.levels,
                    false,
                    image_gain,
                    conv_gain,
                    {},
                    {}};
  check_meta_sizes(stages, options.heads);
  check_positive("sdt-v3", {options.classes}, "classes");
  const Index levels = options.levels;
  VOLLEY_CHECK(levels >= 1 && levels <= 64 && (levels & (levels - 1)) == 0, Fault::usage,
               "sdt-v3: levels is {}, wanted a power of two, 1 to 64", levels);
  GraphWriter graph(fmt::format("sdt-v3-{}-{}", options.blocks3 + options.blocks4, options.dims[2]),
                    options.seed, options.draw);
  graph.set_neuron({.kind = NeuronKind::graded, .levels = levels});
  const Writer writer{graph, options};
  stages.conv_block = [&](const std::string& path, const std::string& x, Index width) {
    return writer.conv_block(path, x, width);
  };
  stages.block = [&](const std::string& path, const std::string& x, Index width, Index side) {
    return writer.block(path, x, width, side);
  };
  std::string x = write_meta_stages(graph, stages);
  x = graph.node("pooled", "readout.mean", {x}, {{"axes", std::string("Y X")}});
  x = graph.neuron("spike", x);
  graph.output("logits", graph.linear("head", x, options.dims[3], options.classes, true));
  return graph.take();
}

}  // namespace volley
