// Pieces that several families of spiking transformers share.
#pragma once

#include "models/families/blocks.hpp"
#include "sim/op/params.hpp"

namespace volley {

// A still image is there once, event frames are there in each step.
enum class Picture : std::uint8_t { image, frames };

// Published models read square pictures.
struct PictureSizes {
  Index channels = 3;
  Index side = 32;  // [pixels]
  Picture picture = Picture::image;
};

// The input "image", f32 [T=1 B C Y X], or "frames", f32 [T B C Y X].
std::string picture(GraphWriter& writer, const PictureSizes& sizes);
// encode.direct behind what a still image became, nothing behind frames: so a layer in front of it is
// computed once and not once a step.
std::string with_steps(GraphWriter& writer, const std::string& in, Picture picture);

struct LayerNames {
  std::string layer, norm;
};
// "a.proj" + "_conv" and "_bn".
LayerNames conv_names(const std::string& path);

std::string conv_norm(GraphWriter& writer, const LayerNames& names, const std::string& in,
                      const ConvSizes& sizes, double gain);
std::string linear_norm(GraphWriter& writer, const LayerNames& names, const std::string& in, Index inputs,
                        Index outputs, bool bias, double gain);

// A feed-forward network of four times the width in a membrane shortcut, each layer behind its neuron:
// x + norm(second(neuron(norm(first(neuron x))))). first, second: "path.fc1" for nodes path.fc1_lif, _conv,
// _bn.
std::string membrane_mlp(GraphWriter& writer, const std::string& path, const std::string& first,
                         const std::string& second, const std::string& x, Index width, double first_gain,
                         double second_gain);

// Mean over tokens and steps, then a layer "head" that reads real numbers, once.
void rate_head(GraphWriter& writer, const std::string& in, Index dim, Index classes);
// Mean of the currents over these axes, a neuron, "head" in each step, mean over the steps.
void spiking_head(GraphWriter& writer, const std::string& in, const std::string& axes,
                  const std::string& neuron, Index dim, Index classes);

// Throw Error (usage) with `who` in front.
void check_widths(const char* who, Index dim, Index heads, Index multiple);  // dim: of multiple and heads
void check_side(const char* who, Index side, Index stride);
void check_positive(const char* who, std::initializer_list<Index> numbers, const char* names);

}  // namespace volley
