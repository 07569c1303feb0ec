// One loop over steps and samples, one after the other.
#include "neurons/lif_over_batch.hpp"

#include <algorithm>

#include "neurons/neuron_op.hpp"
#include "sim/base/parallel.hpp"

namespace volley {
namespace {

using Cells = CellState<Lif::State>;

void run(const Call& call) {
  const auto derived = static_cast<const LifOverBatch&>(call.op).derived();
  const float* x = std::get<Tensor>(call.in[0]).as<float>().data();
  const auto& spikes = std::get<SpikeTensor>(call.out[0]);
  const auto* v = std::get_if<Tensor>(&call.out[1]);
  float* membrane = v != nullptr ? v->as_mutable<float>().data() : nullptr;
  Lif::State* cells = static_cast<Cells*>(call.state)->cells().data();
  const NeuronLayout layout(spikes);
  const Index batch = spikes.shape()[Axis::B];
  const Index rows = batch == 0 ? 0 : layout.rows / batch;  // of a sample
  std::uint64_t* words = spikes.plane_mutable(0).data();
  for_each_block(rows * layout.words, neuron_block, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const Index r = i / layout.words;
      const Index w = i % layout.words;
      const Index lanes = std::min<Index>(64, layout.row - 64 * w);
      Lif::State* cell = cells + r * layout.row + 64 * w;
      for (Index turn = 0; turn < layout.steps * batch; ++turn) {  // step by step, in each sample by sample
        const Index row = turn * rows + r;
        const Index first = row * layout.row + 64 * w;
        std::uint64_t bits = 0;
        for (Index lane = 0; lane < lanes; ++lane) {
          bits |= static_cast<std::uint64_t>(Lif::step(derived, cell[lane], x[first + lane])) << lane;
          if (membrane != nullptr) {
            membrane[first + lane] = cell[lane].v;
          }
        }
        words[row * layout.words + w] = bits;
      }
    }
  });
}

}  // namespace

void LifOverBatch::install(KernelTable& table) {
  table.add(op_kind, {.name = "reference", .run = run});
}

std::vector<ValueSpec> LifOverBatch::infer(std::span<const ValueSpec> in, Index) const {
  params_.check();
  const ValueSpec& x = in[0];
  VOLLEY_CHECK(x.is_dense() && x.dtype == Dtype::f32, Fault::model, "input is {}, wanted f32", domain(x));
  const auto& extents = x.shape.extents;
  VOLLEY_CHECK(extents.size() >= 3 && extents[0].axis == Axis::T && extents[1].axis == Axis::B, Fault::model,
               "input is {}, wanted [T B ...]", text(x.shape));
  return {spike_spec(x.shape, binary_code()), dense_spec(x.shape)};
}

std::unique_ptr<State> LifOverBatch::make_state(std::span<const ValueSpec> in) const {
  return std::make_unique<Cells>(in[0].shape.with(Axis::T, 1).with(Axis::B, 1).count(),
                                 Lif::fresh(derived()));
}

}  // namespace volley
