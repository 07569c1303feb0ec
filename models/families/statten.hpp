// STAtten: the network of Spike-driven Transformer V1 around attention over several steps.
// D. Lee et al., Spiking Transformer with Spatial-Temporal Attention, CVPR 2025; the authors' code.
#pragma once

#include "models/families/sdt_v1.hpp"

namespace volley {

// sdsa: SDSA-1 as in Spike-driven Transformer V1, but in dvs_mode with q pooled too. A checkpoint does not
// say which of the two it was trained with.
enum class StattenMode : std::uint8_t { statten, sdsa };

struct StattenOptions : SdtV1Options {
  StattenMode attention = StattenMode::statten;
  Index chunk = 2;  // steps that attention merges

  StattenOptions() { dim = 256; }
  void visit(ParamVisitor& visitor);
};

// Random weights. T must be a multiple of chunk, and only the layered executor has several steps at once.
// The product is multiplied by 1 / side of the token map; in dvs_mode by 1 / (side^2 chunk), and y x + x with
// x = pooled spikes of the shortcut goes into proj_conv: integers 0 .. 2. Names as Spike-driven Transformer
// V1, with block.I.attn.attn_lif; the neurons inside attention are LIF even with plif. Throws Error as there.
BuiltModel build_statten(const StattenOptions& options);

}  // namespace volley
