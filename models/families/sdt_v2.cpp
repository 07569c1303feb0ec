// Spike-driven Transformer V2 of any size.
#include "models/families/sdt_v2.hpp"

#include "models/families/meta_stages.hpp"
#include "sim/base/check.hpp"

namespace volley {
namespace {

constexpr double image_gain = 4.0;
constexpr double conv_gain = 4.0;
constexpr double depthwise_gain = 2.0;
constexpr double pointwise_gain = 1.0;  // reads real numbers
constexpr double query_gain = 6.0;      // of q, k and v, which few spikes leave
constexpr double branch_gain = 1.5;     // of layers that write into the shortcut: their currents add up

ConvSizes pointwise(Index inputs, Index outputs) {
  return {.inputs = inputs, .outputs = outputs, .kernel = 1};
}
ConvSizes depthwise(Index width, Index kernel, Index padding) {
  return {.inputs = width, .outputs = width, .kernel = kernel, .padding = padding, .groups = width};
}
ConvSizes same_conv(Index inputs, Index outputs) {
  return {.inputs = inputs, .outputs = outputs, .kernel = 3, .padding = 1};
}

std::string sep_conv(GraphWriter& writer, const std::string& path, const std::string& x, Index width) {
  std::string y = writer.neuron(path + "lif1", x);
  y = conv_norm(writer, {path + "pwconv1", path + "bn1"}, y, pointwise(width, 2 * width), conv_gain);
  y = writer.neuron(path + "lif2", y);
  y = writer.conv2d(path + "dwconv", y, depthwise(2 * width, 7, 3), depthwise_gain);
  y = conv_norm(writer, {path + "pwconv2", path + "bn2"}, y, pointwise(2 * width, width), pointwise_gain);
  return writer.add(path + "add", x, y);
}

std::string conv_block(GraphWriter& writer, const std::string& path, const std::string& x, Index width) {
  const std::string sum = sep_conv(writer, path + "Conv.", x, width);
  std::string y = writer.neuron(path + "lif1", sum);
  y = conv_norm(writer, {path + "conv1", path + "bn1"}, y, same_conv(width, 4 * width), conv_gain);
  y = writer.neuron(path + "lif2", y);
  y = conv_norm(writer, {path + "conv2", path + "bn2"}, y, same_conv(4 * width, width), branch_gain);
  return writer.add(path + "add", sum, y);
}

std::string rep_conv(GraphWriter& writer, const std::string& path, const std::string& x, Index width,
                     double gain) {
  const std::string body = path + ".0.body.";
  const ConvSizes first{.inputs = width, .outputs = width, .kernel = 1, .padding = 1};
  std::string y = conv_norm(writer, {body + "0", body + "1.bn"}, x, first, gain);
  y = writer.conv2d(body + "2.0", y, depthwise(width, 3, 0));
  y = conv_norm(writer, {body + "2.1", body + "2.2"}, y, pointwise(width, width), 1.0);
  return writer.batch_norm(path + ".1", y, width);
}

std::string attention(GraphWriter& writer, const std::string& path, const std::string& x, Index width,
                      Index side, Index heads) {
  const std::string spikes = writer.neuron(path + "head_lif", x);
  const auto branch = [&](const std::string& name) {
    const std::string y = rep_conv(writer, path + name + "_conv", spikes, width, query_gain);
    return writer.node(path + name + "_tokens", "layout.tokens", {writer.neuron(path + name + "_lif", y)});
  };
  const std::string q = branch("q");
  const std::string k = branch("k");
  const std::string v = branch("v");
  std::string y =
      writer.node(path + "ssa", "attention.ssa", {q, k, v},
                  {{"heads", static_cast<double>(heads)}, {"scale", 0.125}, {"order", std::string("q_kv")}});
  y = writer.neuron(path + "attn_lif", y, 0.5);
  y = writer.node(path + "image", "layout.image", {y},
                  {{"height", static_cast<double>(side)}, {"width", static_cast<double>(side)}});
  y = rep_conv(writer, path + "proj_conv", y, width, branch_gain);
  return writer.add(path + "add", x, y);
}

}  // namespace

void SdtV2Options::visit(ParamVisitor& visitor) {
  visitor.integer("image", image, "height and width [pixels]");
  visitor.integer("channels", channels, "of the image [1]");
  visitor.integers("dims", dims, "widths of the four stages [1]");
  visitor.integer("heads", heads, "of attention [1]");
  visitor.integer("blocks3", blocks3, "attention blocks of stage 3 [1]");
  visitor.integer("blocks4", blocks4, "attention blocks of stage 4 [1]");
  visitor.integer("classes", classes, "numbers that come out [1]");
}

BuiltModel build_sdt_v2(const SdtV2Options& options) {
  MetaStages stages{"sdt-v2",
                    options.image,
                    options.channels,
                    options.dims,
                    options.blocks3,
                    options.blocks4,
                    "encode_lif",
                    1,
                    true,
                    image_gain,
                    conv_gain,
                    {},
                    {}};
  check_meta_sizes(stages, options.heads);
  check_positive("sdt-v2", {options.classes}, "classes");
  GraphWriter writer(fmt::format("sdt-v2-{}-{}", options.blocks3 + options.blocks4, options.dims[2]),
                     options.seed, options.draw);
  stages.conv_block = [&](const std::string& path, const std::string& x, Index width) {
    return conv_block(writer, path, x, width);
  };
  stages.block = [&](const std::string& path, const std::string& x, Index width, Index side) {
    const std::string sum = attention(writer, path + "attn.", x, width, side, options.heads);
    return membrane_mlp(writer, path + "mlp.", "fc1", "fc2", sum, width, conv_gain, branch_gain);
  };
  const std::string x = write_meta_stages(writer, stages);
  spiking_head(writer, x, "Y X", "lif", options.dims[3], options.classes);
  return writer.take();
}

}  // namespace volley
