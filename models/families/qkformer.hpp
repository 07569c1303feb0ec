// QKFormer: stages of growing width, Q-K token attention first, SSA last, integer residuals.
// C. Zhou et al., QKFormer: Hierarchical Spiking Transformer using Q-K Attention, NeurIPS 2024; sizes as in
// the authors' code.
#pragma once

#include "models/families/parts.hpp"

namespace volley {

// cifar: widths E/4, E/2, E with 1, 1 and depth - 2 blocks; total stride 4. imagenet: the same widths with 1,
// 2 and depth - 3 blocks; total stride 16. dvs: event frames, widths E/2 and E with one block each,
// stride 16.
enum class QkformerVariant : std::uint8_t { cifar, imagenet, dvs };

// proj_lif of SSA: over the steps of each sample; or, as the released code has it, over steps and batch
// together.
enum class QkformerProjLif : std::uint8_t { per_sample, over_batch };

struct QkformerOptions {
  QkformerVariant variant = QkformerVariant::cifar;
  Index image = 32;  // height and width [pixels]
  Index channels = 3;
  Index dim = 384;  // E
  Index heads = 8;  // the same in all stages
  Index depth = 4;  // blocks; dvs has 2
  Index mlp_ratio = 4;
  Index classes = 10;
  QkformerProjLif proj_lif = QkformerProjLif::per_sample;
  std::uint64_t seed = 0;
  Draw draw = Draw::numbers;

  void visit(ParamVisitor& visitor);
};

// Random weights. Names (see GraphWriter): patch_embedK.proj_conv, proj1_conv ... proj4_conv, proj_res_conv
// with _bn and _lif; stageK.I.tssa.q_conv, q_bn, q_lif, attn_lif, proj_conv; the last stage: stage3.I.ssa
// (cifar), stage3.I.attn (imagenet), stage2.0.ssa (dvs); mlp.mlp1_conv, mlp2_conv (imagenet: fc1_conv,
// fc2_conv); head. Throws Error when the widths of the stages are not whole and multiples of heads, or the
// image does not fit.
BuiltModel build_qkformer(const QkformerOptions& options);

}  // namespace volley
