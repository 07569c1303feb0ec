// The frame that Spike-driven Transformer V2 and V3 share.
#include "models/families/meta_stages.hpp"

#include "sim/base/check.hpp"

namespace volley {
namespace {

std::string downsample(GraphWriter& writer, const MetaStages& stages, const std::string& path,
                       const std::string& x, const ConvSizes& sizes) {
  const std::string spikes = writer.neuron(path + "." + stages.encode_neuron, x);
  return conv_norm(writer, conv_names(path + ".encode"), spikes, sizes, stages.conv_gain);
}

ConvSizes down(const MetaStages& stages, Index inputs, Index outputs, Index stride = 2) {
  return {.inputs = inputs,
          .outputs = outputs,
          .kernel = 3,
          .stride = stride,
          .padding = 1,
          .bias = true,
          .norm = stages.norm};
}

}  // namespace

void check_meta_sizes(const MetaStages& stages, Index heads) {
  VOLLEY_CHECK(stages.dims.size() == 4, Fault::usage, "{}: dims has {} numbers, wanted 4", stages.who,
               stages.dims.size());
  check_positive(stages.who, {heads, stages.channels, stages.blocks3, stages.blocks4},
                 "heads, channels, blocks3 and blocks4");
  check_widths(stages.who, stages.dims[0], 1, 2);
  check_widths(stages.who, stages.dims[1], 1, 1);
  check_widths(stages.who, stages.dims[2], heads, 1);
  check_widths(stages.who, stages.dims[3], heads, 1);
  check_side(stages.who, stages.image, 16);
}

std::string write_meta_stages(GraphWriter& writer, const MetaStages& stages) {
  const auto& dims = stages.dims;
  std::string x = picture(writer, {stages.channels, stages.image, Picture::image});
  x = conv_norm(writer, conv_names("downsample1_1.encode"), x,
                {.inputs = stages.channels,
                 .outputs = dims[0] / 2,
                 .kernel = 7,
                 .stride = 2,
                 .padding = 3,
                 .bias = true},
                stages.image_gain);
  x = stages.has_steps ? with_steps(writer, x, Picture::image) : x;
  x = stages.conv_block("ConvBlock1_1.0.", x, dims[0] / 2);
  x = downsample(writer, stages, "downsample1_2", x, down(stages, dims[0] / 2, dims[0]));
  x = stages.conv_block("ConvBlock1_2.0.", x, dims[0]);
  x = downsample(writer, stages, "downsample2", x, down(stages, dims[0], dims[1]));
  x = stages.conv_block("ConvBlock2_1.0.", x, dims[1]);
  x = stages.conv_block("ConvBlock2_2.0.", x, dims[1]);
  x = downsample(writer, stages, "downsample3", x, down(stages, dims[1], dims[2]));
  for (Index i = 0; i < stages.blocks3; ++i) {
    x = stages.block(fmt::format("block3.{}.", i), x, dims[2], stages.image / 16);
  }
  x = downsample(writer, stages, "downsample4", x, down(stages, dims[2], dims[3], 1));
  for (Index i = 0; i < stages.blocks4; ++i) {
    x = stages.block(fmt::format("block4.{}.", i), x, dims[3], stages.image / 16);
  }
  return x;
}

}  // namespace volley
