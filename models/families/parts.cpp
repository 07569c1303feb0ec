// Pieces that several families of spiking transformers share.
#include "models/families/parts.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace volley {

std::string picture(GraphWriter& writer, const PictureSizes& sizes) {
  const bool is_frames = sizes.picture == Picture::frames;
  return writer.input(is_frames ? "frames" : "image",
                      {{Axis::C, sizes.channels}, {Axis::Y, sizes.side}, {Axis::X, sizes.side}}, is_frames);
}

std::string with_steps(GraphWriter& writer, const std::string& in, Picture picture) {
  return picture == Picture::image ? writer.node("encode", "encode.direct", {in}) : in;
}

LayerNames conv_names(const std::string& path) {
  return {path + "_conv", path + "_bn"};
}

std::string conv_norm(GraphWriter& writer, const LayerNames& names, const std::string& in,
                      const ConvSizes& sizes, double gain) {
  return writer.batch_norm(names.norm, writer.conv2d(names.layer, in, sizes, gain), sizes.outputs);
}

std::string linear_norm(GraphWriter& writer, const LayerNames& names, const std::string& in, Index inputs,
                        Index outputs, bool bias, double gain) {
  return writer.batch_norm(names.norm, writer.linear(names.layer, in, inputs, outputs, bias, gain), outputs);
}

std::string membrane_mlp(GraphWriter& writer, const std::string& path, const std::string& first,
                         const std::string& second, const std::string& x, Index width, double first_gain,
                         double second_gain) {
  std::string y = writer.neuron(path + first + "_lif", x);
  y = linear_norm(writer, conv_names(path + first), y, width, 4 * width, true, first_gain);
  y = writer.neuron(path + second + "_lif", y);
  y = linear_norm(writer, conv_names(path + second), y, 4 * width, width, true, second_gain);
  return writer.add(path + "add", x, y);
}

void rate_head(GraphWriter& writer, const std::string& in, Index dim, Index classes) {
  const std::string mean = writer.node("readout", "readout.mean", {in}, {{"axes", std::string("T N")}});
  writer.output("logits", writer.linear("head", mean, dim, classes, true));
}

void spiking_head(GraphWriter& writer, const std::string& in, const std::string& axes,
                  const std::string& neuron, Index dim, Index classes) {
  std::string x = writer.node("pooled", "readout.mean", {in}, {{"axes", axes}});
  x = writer.neuron(neuron, x);
  x = writer.linear("head", x, dim, classes, true);
  writer.output("logits", writer.node("readout", "readout.mean", {x}, {{"axes", std::string("T")}}));
}

void check_widths(const char* who, Index dim, Index heads, Index multiple) {
  VOLLEY_CHECK(dim >= multiple && dim % multiple == 0, Fault::usage, "{}: dim is {}, wanted a multiple of {}",
               who, dim, multiple);
  VOLLEY_CHECK(heads >= 1 && dim % heads == 0, Fault::usage, "{}: heads is {}, wanted a divisor of dim {}",
               who, heads, dim);
}

void check_side(const char* who, Index side, Index stride) {
  VOLLEY_CHECK(side >= stride && side % stride == 0, Fault::usage, "{}: image is {}, wanted a multiple of {}",
               who, side, stride);
}

void check_positive(const char* who, std::initializer_list<Index> numbers, const char* names) {
  VOLLEY_CHECK(std::all_of(numbers.begin(), numbers.end(), [](Index number) { return number >= 1; }),
               Fault::usage, "{}: {} must be 1 or more", who, names);
}

}  // namespace volley
