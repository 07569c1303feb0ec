// The list of every built-in operator.
#include "attention/bipolar_attention.hpp"
#include "attention/cat.hpp"
#include "attention/cat_logits.hpp"
#include "attention/cat_spikes.hpp"
#include "attention/dual_spike_attention.hpp"
#include "attention/phase_code.hpp"
#include "attention/primal.hpp"
#include "attention/primal_mix.hpp"
#include "attention/primal_scores.hpp"
#include "attention/qk_attention.hpp"
#include "attention/resonator_bank.hpp"
#include "attention/selection.hpp"
#include "attention/softmax_attention.hpp"
#include "attention/spike_attention.hpp"
#include "attention/spike_driven_attention.hpp"
#include "attention/statten.hpp"
#include "attention/time_features.hpp"
#include "models/runtime.hpp"
#include "neurons/heterogeneous.hpp"
#include "neurons/lif_over_batch.hpp"
#include "neurons/neurons.hpp"
#include "sim/ops/affine.hpp"
#include "sim/ops/column_embedding.hpp"
#include "sim/ops/column_readout.hpp"
#include "sim/ops/concat.hpp"
#include "sim/ops/conv2d.hpp"
#include "sim/ops/convert.hpp"
#include "sim/ops/datapoints.hpp"
#include "sim/ops/dense.hpp"
#include "sim/ops/embed_table.hpp"
#include "sim/ops/encode.hpp"
#include "sim/ops/head_pool.hpp"
#include "sim/ops/layout.hpp"
#include "sim/ops/linear.hpp"
#include "sim/ops/merge.hpp"
#include "sim/ops/pool.hpp"
#include "sim/ops/position.hpp"
#include "sim/ops/quantise.hpp"
#include "sim/ops/readout.hpp"
#include "sim/ops/tokens.hpp"

namespace volley {
namespace {

template <class... Ops>
void add(Runtime& runtime) {
  (runtime.registry.add<Ops>(), ...);
  (Ops::install(runtime.kernels), ...);
}

}  // namespace

Runtime make_runtime() {
  Runtime runtime;
  add<Linear, Conv2d, Affine, BatchNorm, Position>(runtime);                               // weights
  add<LayerNorm, Gelu, Relu, Quantise>(runtime);                                           // dense networks
  add<HeadPool, MaxPool, AveragePool, MergeAdd, MergeMultiply, MergeConcat>(runtime);      // without weights
  add<LayoutPatches, LayoutTokens, LayoutImage, LayoutTranspose, LayoutFlatten>(runtime);  // order only
  add<LayoutRowsToTokens, LayoutTokensToRows, EmbedColumns, ReadoutColumns>(runtime);      // tables
  add<EmbedTable, MaskToken, MergeTokens, LayoutTakeTokens>(runtime);  // words and other tokens
  add<LayoutWindows, LayoutFromWindows>(runtime);
  add<SelectiveAttention>(runtime);
  add<ConvertDense, ConvertSpikes>(runtime);                                      // forms
  add<EncodeDirect, EncodePoisson, EncodeLatency>(runtime);                       // into steps
  add<ReadoutMean, ReadoutSum, ReadoutLast, ReadoutMax>(runtime);                 // out of steps
  add<IfOp, LifOp, PlifOp, TernaryOp, GradedOp, CubaLifOp, AdaptiveOp>(runtime);  // neurons
  add<HeterogeneousLif, HeterogeneousLeak, LifOverBatch>(runtime);
  add<SoftmaxAttention, SpikeAttention, BipolarAttention>(runtime);                 // attention
  add<SpikeDrivenAttention, ColumnMask, TokenSum, TokenMask, ChannelSum>(runtime);  // attention by masks
  add<Statten, DssaScores, DssaValues>(runtime);         // attention over steps, with real convolutions
  add<CatAttention, CatLogits, CatSpikes>(runtime);      // attention by a circulant
  add<PrimalAttention>(runtime);                         // attention without scores between tokens
  add<PrimalScores, PrimalMix, RunningSpikes>(runtime);  // the same of spikes
  add<TimeBochner, TimeMercer>(runtime);                 // time stamps
  add<PhaseCode, ResonatorBank>(runtime);                // the same of spikes
  return runtime;
}

}  // namespace volley
