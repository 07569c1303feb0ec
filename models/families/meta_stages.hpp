// The frame that Spike-driven Transformer V2 and V3 share: four stages of growing width.
#pragma once

#include <array>
#include <functional>
#include <vector>

#include "models/families/parts.hpp"

namespace volley {

// What differs: the names of neurons, and the two kinds of blocks.
struct MetaStages {
  const char* who;
  Index image, channels;
  std::vector<Index> dims;
  Index blocks3, blocks4;
  const char* encode_neuron;  // "encode_lif", "encode_spike"
  Index norm;                 // of spikes in front of convolutions
  bool has_steps;
  double image_gain, conv_gain;

  using Write = std::function<std::string(const std::string& path, const std::string& x, Index width)>;
  Write conv_block;  // stages 1, 2
  std::function<std::string(const std::string& path, const std::string& x, Index width, Index side)> block;
};

// Throws Error (usage) for sizes that can't be. Returns the last node, f32 [T B Y X C].
void check_meta_sizes(const MetaStages& stages, Index heads);
std::string write_meta_stages(GraphWriter& writer, const MetaStages& stages);

}  // namespace volley
