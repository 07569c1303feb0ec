// The neuron operators, compiled here, and the fast LIF as a kernel.
#include "neurons/neurons.hpp"

#include "neurons/lif_hwy.hpp"

namespace volley {

template class NeuronOp<Lif>;
template class NeuronOp<If>;
template class NeuronOp<Plif>;
template class NeuronOp<Ternary>;
template class NeuronOp<Graded>;
template class NeuronOp<CubaLif>;
template class NeuronOp<Adaptive>;

namespace {

Verdict accepts_hwy(const Operator& op, std::span<const ValueSpec>) {
  const Firing& firing = static_cast<const LifOp&>(op).params().firing;
  if (firing.reset_time != ResetTime::now) {
    return {false, "reset_time is next"};
  }
  if (firing.reset_value != 0.0f) {
    return {false, "reset_value is not 0"};
  }
  return {};
}

void run_hwy(const Call& call) {
  const auto derived = static_cast<const LifOp&>(call.op).derived();
  const auto& spikes = std::get<SpikeTensor>(call.out[0]);
  const auto* v = std::get_if<Tensor>(&call.out[1]);
  const LifRun run{NeuronLayout(spikes), std::get<Tensor>(call.in[0]).as<float>().data(),
                   static_cast<LifOp::State*>(call.state)->cells().data(), spikes.plane_mutable(0).data(),
                   v == nullptr ? nullptr : v->as_mutable<float>().data()};
  for_each_block(run.layout.rows * run.layout.words, neuron_block,
                 [&](Index begin, Index end) { lif_hwy(derived, run, begin, end); });
}

}  // namespace

void Lif::install_fast(KernelTable& table) {
  table.add(kind, {.name = "hwy", .accepts = accepts_hwy, .run = run_hwy});
}

}  // namespace volley
