// Spike-driven Transformer V1: membrane shortcuts, attention by masks and column sums.
// M. Yao et al., Spike-driven Transformer, NeurIPS 2023; sizes as in the authors' code and configurations.
#pragma once

#include <functional>

#include "models/families/parts.hpp"

namespace volley {

struct SdtV1Options {
  std::string pooling = "0011";  // stages with a pool behind them; the fourth pools currents, not spikes
  Picture picture = Picture::image;
  bool dvs_mode = false;  // maxima of k, v, k v and y over 3 x 3 places ("Erode")
  bool plif = false;      // every neuron has a learned time constant
  Index image = 32;       // height and width [pixels]
  Index channels = 3;
  Index dim = 512;
  Index heads = 8;
  Index depth = 2;
  Index classes = 10;
  std::uint64_t seed = 0;
  Draw draw = Draw::numbers;

  void visit(ParamVisitor& visitor);
  Index side() const;  // of the token map [pixels]
};

// Random weights. In dvs_mode k and v are pooled over the image, k v and y over token order and channel order
// of a head, as coded (pool.heads). Names (see GraphWriter): patch_embed as Spikformer;
// block.I.attn.shortcut_lif, q_conv, q_bn, q_lif, talking_heads_lif, proj_conv, proj_bn; block.I.mlp.fc1_lif,
// fc1_conv, fc1_bn and fc2; head_lif, head. Published and not here, since nothing reads it:
// block.I.attn.talking_heads, and of plif block.I.attn.attn_lif.w and patch_embed.rpe_lif.w.
// Throws Error when dim is not a multiple of 8 and of heads, pooling not four flags, or the image does not
// fit.
BuiltModel build_sdt_v1(const SdtV1Options& options);

// The same network around another attention: reads the shortcut, f32 [T B N C], and returns the last node in
// front of proj_conv. path: "block.I.attn.".
using WriteAttention =
    std::function<std::string(GraphWriter& writer, const std::string& path, const std::string& x)>;
BuiltModel build_sdt_v1_around(const std::string& name, const SdtV1Options& options,
                               const WriteAttention& attention);

// q, k or v: spikes of linear and batch norm.
std::string sdt_v1_branch(GraphWriter& writer, const std::string& path, const std::string& spikes, Index dim,
                          double gain);
// Maximum over 3 x 3 places of tokens that are an image of this side.
std::string pool_tokens(GraphWriter& writer, const std::string& path, const std::string& tokens, Index side);
std::string sdsa(GraphWriter& writer, const std::string& path, const SdtV1Options& options,
                 const std::string& q, const std::string& k, const std::string& v);

}  // namespace volley
