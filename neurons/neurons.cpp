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

LifRun run_of(const Call& call, const float* x) {
  const auto& spikes = std::get<SpikeTensor>(call.out[0]);
  const auto* v = std::get_if<Tensor>(&call.out[1]);
  return {NeuronLayout(spikes), x, static_cast<LifOp::State*>(call.state)->cells().data(),
          spikes.plane_mutable(0).data(), v == nullptr ? nullptr : v->as_mutable<float>().data()};
}

void run_hwy(const Call& call) {
  const auto derived = static_cast<const LifOp&>(call.op).derived();
  const LifRun run = run_of(call, std::get<Tensor>(call.in[0]).as<float>().data());
  for_each_block(run.layout.rows * run.layout.words, neuron_block,
                 [&](Index begin, Index end) { lif_hwy(derived, run, begin, end); });
}

struct FedLif {
  Lif::Derived derived;
  LifRun run;
};

void run_hwy_fed(const Call& call, const FeedLayer& layer) {
  const FedLif neurons{static_cast<const LifOp&>(call.op).derived(), run_of(call, nullptr)};
  layer({&neurons, [](const void* fed, const Strip& strip) {
           const auto& lif = *static_cast<const FedLif*>(fed);
           lif_strip_hwy(lif.derived, lif.run, strip);
         }});
}

}  // namespace

bool Lif::idle_fast(const Derived& derived, std::span<State> cells, Index n) {
  const Firing& firing = derived.firing;
  if (firing.reset_time != ResetTime::now || firing.reset != Reset::hard || firing.reset_value != 0.0f) {
    return false;
  }
  lif_idle_hwy(derived, cells, n);
  return true;
}

void Lif::install_fast(KernelTable& table) {
  table.add(kind, {.name = "hwy", .accepts = accepts_hwy, .run = run_hwy, .run_fed = run_hwy_fed});
}

}  // namespace volley
